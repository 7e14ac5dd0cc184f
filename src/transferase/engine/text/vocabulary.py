"""Word lists of the analysers: stop words, generic words, spelling variants."""

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

# Words that are searched for and weighed, but show nobody why two texts belong together: any research text says them.
ENGLISH_GENERIC_WORDS = """
ability able achieve additional advance advantage aim allow application apply approach area aspect award base benefit
better capability case challenge commercial common company compare component condition conduct consider contain
continue cost create current data demonstrate describe design desire determine develop development device different
effect effective efficient enable end enhance ensure environment establish evaluate example exist expect experiment
feature field find first follow form function future general generate goal good great group help high identify
implement important improve include increase industry innovation invention investigate involve issue key known large
lead level limit long look low main make maintain market material mean meet method model new novel number objective
obtain offer operate opportunity option order organisation overall paper part performance phase planned possible
potential present problem procedure process produce product production program project propose provide purpose quality
range reach reduce relate relevant report require requirement research result role sample scale second seek selected
significant similar simple small solution solve specific stage standard state step study successful suitable support
system target task team technical technique technology test time tool type understand unit value various want way wide
work year
"""
CHINESE_GENERIC_WORDS = """
希望 提供 利用 方法 技术 系统 装置 设备 开发 研发 研究 使用 采用 应用 实现 提高 提升 改善 降低 减少 增加 解决
问题 需求 要求 寻求 寻找 合作 企业 公司 项目 产品 生产 过程 工艺 结果 效果 性能 特点 特征 特性 优势 优点 条件
情况 方案 方式 手段 目标 目的 作用 影响 发现 表明 分析 设计 制备 制造 处理 进行 发明 本发明 本文 我们 主要 重要
有效 较高 较低 高效 良好 不同 相关 领域 行业 市场 成本 能力 水平 程度 材料 结构 功能 类型 部分 阶段 时间 数据
模型 实验 试验 测试 评价 评估 比较 形成 产生 得到 获得 完成 建立 构建 提出 支持 满足 适用 适合 促进 增强 控制
保持 减小 存在 发展 创新 现有 传统 新型 以及 如何 目前 近年来 国内 国外 相比
"""
KOREAN_GENERIC_WORDS = """
기술 방법 장치 시스템 개발 연구 이용 사용 활용 적용 응용 제공 구현 개선 향상 증가 감소 저감 해결 문제 필요 요구
수요 희망 탐색 협력 기업 회사 사업 과제 제품 생산 과정 공정 결과 효과 성능 특징 특성 장점 조건 경우 방안 방식
수단 목표 목적 작용 영향 발견 분석 설계 제조 처리 수행 발명 본원 주요 중요 효율 효율적 가능 상기 관련 분야 산업
시장 비용 능력 수준 정도 재료 소재 구조 기능 종류 부분 단계 시간 데이터 자료 모델 실험 시험 평가 비교 형성 발생
획득 완료 구축 제안 지원 만족 적합 촉진 강화 제어 유지 존재 발전 혁신 기존 신규 종래 다양 우수 포함 구성 실시
도입 확보 대상 기반 상태 현재 최근 국내 국외 해외 이상 이하 사이 이후 이전 도움 검토 제작
"""

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

# Beginnings of English words that some write with a hyphen and others without.
_ENGLISH_PREFIXES = """
aero agro anti auto bi bio chemo co counter cryo cyber de di eco electro ferro fluoro geo hetero hydro hyper hypo
immuno infra inter intra iso macro magneto mega meta micro mid milli mini mono multi nano neuro non opto over photo
piezo poly post pre proto pseudo pyro quasi radio re semi sono stereo sub super supra tele thermo trans tri turbo
ultra un under uni
"""
ENGLISH_PREFIXES = frozenset(_ENGLISH_PREFIXES.split())

GREEK_NAMES = {
    "alpha": "α",
    "beta": "β",
    "gamma": "γ",
    "delta": "δ",
    "epsilon": "ε",
    "kappa": "κ",
    "lambda": "λ",
    "omega": "ω",
}
