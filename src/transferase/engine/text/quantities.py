"""Numbers with units, however they are written: 25 °C, 섭씨 25도, 10微米, 10 microns, 5 percent."""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

# Units as symbols, in the folded form of a text.
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

_METRE_PARTS = {
    "nano": "n", "micro": "u", "milli": "m", "centi": "c", "kilo": "k",
    "나노": "n", "마이크로": "u", "밀리": "m", "센티": "c", "센치": "c", "킬로": "k",
}  # fmt: skip
_WORDS: dict[str, str] = {
    "micron": "um", "microns": "um", "percent": "%", "per cent": "%",
    "degrees celsius": "°c", "degree celsius": "°c", "degrees c": "°c", "deg c": "°c", "degrees": "°", "degree": "°",
    "퍼센트": "%", "마이크론": "um", "미크론": "um",
    "纳米": "nm", "微米": "um", "毫米": "mm", "厘米": "cm", "公里": "km", "千米": "km",
    "千克": "kg", "公斤": "kg", "毫克": "mg", "微克": "ug", "毫升": "ml", "微升": "ul",
    "摄氏度": "°c", "兆帕": "mpa", "千帕": "kpa", "千瓦": "kw", "兆瓦": "mw", "千瓦时": "kwh",
    "赫兹": "hz", "千赫": "khz", "兆赫": "mhz", "吉赫": "ghz", "太赫兹": "thz", "伏特": "v",
}  # fmt: skip
for _name, _letter in _METRE_PARTS.items():
    if _name.isascii():
        _WORDS |= {f"{_name}{unit}{end}": f"{_letter}m" for unit in ("meter", "metre") for end in ("", "s")}
        _WORDS |= {f"{_name}gram{end}": f"{_letter}g" for end in ("", "s")}
    else:
        _WORDS |= {f"{_name}미터": f"{_letter}m", f"{_name}그램": f"{_letter}g", f"{_name}리터": f"{_letter}l"}
for _name, _letter in {"kilo": "k", "mega": "m", "giga": "g", "tera": "t"}.items():
    _WORDS |= {f"{_name}hertz": f"{_letter}hz", f"{_name}watt": f"{_letter}w", f"{_name}watts": f"{_letter}w"}
for _name, _letter in {"킬로": "k", "메가": "m", "기가": "g", "테라": "t"}.items():
    _WORDS |= {f"{_name}헤르츠": f"{_letter}hz", f"{_name}와트": f"{_letter}w", f"{_name}볼트": f"{_letter}v"}
_WORDS |= {"헤르츠": "hz", "미터": "m", "리터": "l", "그램": "g"}

_NUMBER = r"\d+(?:,\d{3})*(?:\.\d+)?"
_WRITTEN = "|".join(map(re.escape, sorted(_WORDS, key=len, reverse=True)))


def pattern(letters: str) -> str:
    """A verbose regular expression of a quantity in a folded text; `letters` are those that may not touch it."""
    number_or_range = rf"(?<!-)(?:{_NUMBER}\s?(?:-|~|～|–|to)\s?)?{_NUMBER}"
    unit = rf"(?:(?:{_spaced(_WRITTEN)})|(?:{UNITS})(?!/))(?![{letters}])"
    return rf"""(?<![{letters}])(?!(?<=\d[.,])\d)
        (?:摄氏\s?{_NUMBER}\s?度 | 섭씨\s?{_NUMBER}\s?도 | 百分之\s?{_NUMBER} | {number_or_range}[\s-]?{unit})"""


def _spaced(expression: str) -> str:
    return expression.replace(r"\ ", r"\s")


@dataclass(frozen=True)
class Quantity:
    """One number with its unit, and where it stands within the written quantity."""

    term: str
    start: int
    end: int


_PARTS = re.compile(_NUMBER)


def quantities(token: str) -> Iterator[Quantity]:
    """The terms of a written quantity: one, or both ends of a range."""
    numbers = list(_PARTS.finditer(token))
    unit = _unit(token, numbers[-1].end())
    for number in numbers:
        end = len(token) if number is numbers[-1] else number.end()
        begin = 0 if number is numbers[0] else number.start()
        yield Quantity(number.group().replace(",", "") + unit, begin, end)


def _unit(token: str, after: int) -> str:
    if token.startswith(("摄氏", "섭씨")):
        return "°c"
    if token.startswith("百分之"):
        return "%"
    said = token[after:].strip(" -\u00a0\t\n")
    named = _WORDS.get(re.sub(r"\s+", " ", said))
    if named is not None:
        return named
    symbol = re.sub(r"\s", "", unicodedata.normalize("NFKC", said).casefold())
    return symbol.replace("μ", "u").replace("µ", "u")
