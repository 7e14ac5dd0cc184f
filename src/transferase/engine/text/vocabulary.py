"""Word lists of the analysers: stop words, spelling variants, units."""

# Words that carry no meaning of their own in any technology text.
_ENGLISH_STOP_WORDS = """
a about above across after again against all almost along already also although always am among an and another any are
aren't as at be became because become becomes been before being below between both but by can can't cannot could
couldn't did didn't do does doesn't doing don't done down due during each either else etc even ever every few for from
further had has have having he her here hers him his how however i if in into is isn't it its itself just least less
let like many may me might more most much must my near need needs neither no nor not now of off often on once one only
onto or other others our ours out over own per rather same shall she should since so some such than that the their
theirs them then there therefore these they this those though through throughout thus to too toward towards under
until up upon us use used uses using very via was we were what when where whereas whether which while who whom whose
why will with within without would yet you your yours
"""
ENGLISH_STOP_WORDS = frozenset(_ENGLISH_STOP_WORDS.split())
_CHINESE_STOP_WORDS = """
的 了 和 是 在 与 及 或 等 对 为 以 于 由 从 到 把 被 将 向 并 而 且 但 则 其 之 所 这 那
该 此 各 每 有 可 能 会 也 都 就 还 又 再 很 更 最 不 个 种 中 上 下 时 后 前 内 外 间 一
二 三 两 我 我们 你 他 它 他们 它们 本 使 使得 因 因此 因为 由于 所以 如 如果 若 以及 并且 而且
但是 然而 同时 其中 其它 其他 此外 例如 比如 即 通过 根据 按照 关于 对于 基于 用于 进行 具有 包括
包含 一种 一个 这种 这个 这些 那些 该种 可以 能够 需要 应该 没有 已经 正在 之间 之后 之前 以上 以下
方面 为了 不同 得 地 着 过 吗 呢 吧 啊
"""
CHINESE_STOP_WORDS = frozenset(_CHINESE_STOP_WORDS.split())
_KOREAN_STOP_WORDS = """
하 되 있 없 이 아니 보 주 받 갖 가지 위하 대하 관하 통하 따르 의하 인하 말미암 비하 나타내 이루
이루어지 같 다르 크 많 그렇 이렇 않 못하 싶 수 것 등 때 및 또는 그리고 상기 하기 경우 각각 그 저
이것 그것 바 점 중 내 외 위 더 가장 매우 모두 또한 다만 단
"""
KOREAN_STOP_WORDS = frozenset(_KOREAN_STOP_WORDS.split())

# British and variant spellings that stemming does not bring together, word beginning by word beginning.
ENGLISH_SPELLINGS = {
    "aluminium": "aluminum",
    "anaem": "anem",
    "anaesth": "anesth",
    "analys": "analyz",
    "behaviour": "behavior",
    "biofibre": "biofiber",
    "catalogue": "catalog",
    "catalys": "catalyz",
    "centre": "center",
    "colour": "color",
    "defence": "defense",
    "faec": "fec",
    "favour": "favor",
    "fibre": "fiber",
    "flavour": "flavor",
    "foetus": "fetus",
    "gramme": "gram",
    "haem": "hem",
    "harbour": "harbor",
    "hydrolys": "hydrolyz",
    "labour": "labor",
    "licence": "license",
    "litre": "liter",
    "metre": "meter",
    "mould": "mold",
    "neighbour": "neighbor",
    "odour": "odor",
    "oestrogen": "estrogen",
    "oesophag": "esophag",
    "paediatr": "pediatr",
    "plough": "plow",
    "programme": "program",
    "sulph": "sulf",
    "tumour": "tumor",
    "tyre": "tire",
    "vapour": "vapor",
    "behavioural": "behavioral",
}

UNITS = (
    "wt%|vol%|mol%|at%|%|℃|°c|°f|°|‰|"
    "nm|[µμu]m|mm|cm|km|nm2|mm2|cm2|m2|m3|cm3|dm3|km2|km/h|m/s|"
    "ng|[µμu]g|mg|kg|ng/ml|[µμu]g/ml|mg/ml|g/l|mg/l|mg/kg|kda|da|[µμu]l|ml|dl|"
    "hz|khz|mhz|ghz|thz|mv|kv|mev|kev|gev|ev|ma|mah|ah|mw|kw|gw|kwh|mwh|gwh|wh|wh/kg|"
    "kj|mj|pa|kpa|mpa|gpa|bar|mbar|psi|psig|atm|torr|ms|ns|ps|fs|sec|min|hr|hrs|rpm|"
    "kb|mb|gb|tb|kbps|mbps|gbps|bit|bits|bp|db|dbi|dbm|ppm|ppb|ppt|mm[hｈ]g|mmol|[µμu]mol|nmol|mol|cfu|iu|"
    "㎚|㎛|㎜|㎝|㎞|㎍|㎎|㎏|㎕|㎖|㎗|㎐|㎑|㎒|㎓|㎂|㎃|㎸|㎷|㎽|㎾|㏁|㏀|㎩|㎪|㎫|㎬|㎡|㎥|㎠|㎤|Ω|ω|"
    "[gmlvwjks]"
)
