"""Values from what people write in cells: numbers, days, money, readiness, lists, numeric requirements."""

from __future__ import annotations

import re
import unicodedata
from datetime import date
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Final, NamedTuple

import orjson

STRONG: Final = re.compile(r"[;；|、\n]")
WEAK: Final = re.compile(r"[,，/·]")
TRUE: Final = frozenset({"true", "yes", "y", "1", "o", "예", "네", "是", "有", "참", "x"})
FALSE: Final = frozenset({"false", "no", "n", "0", "", "아니오", "아니요", "否", "无", "거짓", "-"})
NOTHING: Final = frozenset(
    {"", "-", "--", "n/a", "na", "none", "null", "nil", "없음", "해당없음", "해당 없음", "无", "暂无", "미정", "待定"}
)
FORMULA_ERRORS: Final = frozenset({"#N/A", "#REF!", "#VALUE!", "#DIV/0!", "#NAME?", "#NULL!", "#NUM!", "#GETTING_DATA"})

_TRL: Final = re.compile(
    r"""^\s*(?:trl|technology\ readiness\ level|기술\s*성숙도|技术成熟度|技术就绪度|第)?[\s:.\-]*
        (?P<low>[1-9])\s*(?:단계|级|level)?
        (?:\s*(?:-|~|–|—|to|至|到|부터|에서)\s*(?:trl)?[\s:.]*(?P<high>[1-9])\s*(?:단계|级|level)?(?:까지)?)?
        (?:\s*/\s*9)?\s*(?:[(:,].*)?$""",
    re.VERBOSE | re.IGNORECASE | re.DOTALL,
)
_NUMERIC_DAY: Final = re.compile(r"^(\d{4})\s*[-./年년]\s*(\d{1,2})\s*[-./月월]\s*(\d{1,2})\s*[日일.]?(?:[T\s(].*)?$")
_COMPACT_DAY: Final = re.compile(r"^(\d{4})(\d{2})(\d{2})$")
_SHORT_DAY: Final = re.compile(r"^(\d{1,2})[-./](\d{1,2})[-./](\d{4})$")
_NAMED_DAY: Final = re.compile(r"^(\d{1,2})(?:st|nd|rd|th)?[\s-]+([a-z]{3,9})\.?,?[\s-]+(\d{4})$", re.IGNORECASE)
_AMERICAN_DAY: Final = re.compile(r"^([a-z]{3,9})\.?\s+(\d{1,2})(?:st|nd|rd|th)?,?\s+(\d{4})$", re.IGNORECASE)
_MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")

_CURRENCIES: Final = (
    ("KRW", re.compile(r"krw|₩|원|won", re.IGNORECASE)),
    ("HKD", re.compile(r"hkd|hk\$", re.IGNORECASE)),
    ("USD", re.compile(r"usd|us\$|\$|달러|美元", re.IGNORECASE)),
    ("EUR", re.compile(r"eur|€|유로|欧元", re.IGNORECASE)),
    ("JPY", re.compile(r"jpy|엔|日元|日圆", re.IGNORECASE)),
    ("GBP", re.compile(r"gbp|£|파운드|英镑", re.IGNORECASE)),
    ("CNY", re.compile(r"cny|rmb|위안|人民币|元|¥|￥", re.IGNORECASE)),
)
_SCALES: Final = {
    "조": 10**12, "兆": 10**12, "亿": 10**8, "억": 10**8, "億": 10**8, "千万": 10**7, "천만": 10**7, "百万": 10**6,
    "백만": 10**6, "만": 10**4, "万": 10**4, "萬": 10**4, "천": 10**3, "千": 10**3,
    "billion": 10**9, "bn": 10**9, "b": 10**9, "million": 10**6, "mn": 10**6, "mio": 10**6, "m": 10**6,
    "thousand": 10**3, "k": 10**3,
}  # fmt: skip
_AMOUNT: Final = re.compile(
    r"(?P<number>\d[\d,]*(?:\.\d+)?)\s*(?P<scale>조|兆|亿|억|億|千万|천만|百万|백만|만|万|萬|천|千|"
    r"(?:billion|bn|million|mn|mio|thousand|[bmk])(?![a-z]))?",
    re.IGNORECASE,
)
_RANGE: Final = re.compile(r"\s*(?:~|–|—|부터|에서|至|到|\bto\b|(?<=[\d\w가-힣])\s*-\s*(?=[^-]*\d))\s*")
_ISO_CURRENCY: Final = re.compile(r"^[A-Z]{3}$")
# A hostile cell must not become a number with a million digits.
_LARGEST: Final = Decimal(10) ** 16

_OPERATORS: Final = {
    "<": "lt",
    "<=": "le",
    "≤": "le",
    "=<": "le",
    "=": "eq",
    ">=": "ge",
    "≥": "ge",
    "=>": "ge",
    ">": "gt",
}
_SIGNED: Final = re.compile(
    r"^(?P<property>[^<>=≤≥]{1,120}?)\s*(?P<operator><=|>=|=<|=>|[<>=≤≥])\s*(?P<value>-?\d[\d,]*(?:\.\d+)?)\s*(?P<unit>[^<>=≤≥]{0,60}?)$"
)
_WORDED: Final = re.compile(
    r"^(?P<property>[^<>=≤≥]{1,120}?)[\s:：]+(?P<value>-?\d[\d,]*(?:\.\d+)?)\s*(?P<unit>[^<>=≤≥]{0,40}?)\s*(?P<operator>이상|이하|미만|초과|이내|以上|以下|以内)$"
)
_SPOKEN: Final = re.compile(
    r"""^(?P<property>[^<>=≤≥]{1,120}?)[\s:：]*
        (?P<operator>不低于|不小于|不高于|不大于|不超过|大于|高于|超过|小于|低于|至少
            |at\ least|at\ most|less\ than|more\ than)
        \s*(?P<value>-?\d[\d,]*(?:\.\d+)?)\s*(?P<unit>[^<>=≤≥]{0,40}?)$""",
    re.IGNORECASE | re.VERBOSE,
)
_WORDS: Final = {
    "이상": "ge", "以上": "ge", "不低于": "ge", "不小于": "ge", "至少": "ge", "at least": "ge",
    "이하": "le", "이내": "le", "以下": "le", "以内": "le", "不高于": "le", "不大于": "le", "不超过": "le",
    "at most": "le",
    "미만": "lt", "小于": "lt", "低于": "lt", "less than": "lt",
    "초과": "gt", "大于": "gt", "高于": "gt", "超过": "gt", "more than": "gt",
}  # fmt: skip
_WISH: Final = re.compile(r"\s*[(（](?:should|wish|optional|희망|선택|可选|期望)[)）]\s*$", re.IGNORECASE)


class Money(NamedTuple):
    """An amount or a range of amounts; what was not said is None or empty."""

    low: Decimal | None
    high: Decimal | None
    currency: str


class RequirementParts(NamedTuple):
    """A requirement taken apart."""

    property: str
    operator: str
    value: Decimal
    unit: str
    is_must: bool


def is_nothing(text: str) -> bool:
    """Whether a cell says that there is nothing to say."""
    return text.strip().lower() in NOTHING


# What a spreadsheet would run as a formula.
_FORMULA: Final = re.compile(r"'*[=+\-@\t\r＝＋－＠]")


def needs_guard(text: str) -> bool:
    """Whether a cell would be run as a formula, be read as nothing, or be taken for such a text with its guard."""
    if _FORMULA.match(text):
        return True
    bare = text.lstrip("'") if text[:1] == "'" else text
    return bool(text) and len(bare) < 16 and (is_nothing(bare) or bare in FORMULA_ERRORS)


def guarded(text: str) -> str:
    """A text that is safe in a cell: an apostrophe before it where it needs one."""
    return f"'{text}" if needs_guard(text) else text


def unguarded(text: str) -> str:
    """The text that `guarded` was given."""
    return text[1:] if text[:1] == "'" and needs_guard(text) else text


def parse_truth(text: str) -> bool | None:
    """Yes or no, or None where it is neither."""
    plain = text.strip().lower()
    return True if plain in TRUE else False if plain in FALSE else None


@lru_cache(maxsize=4096)
def parse_trl(text: str) -> tuple[int, int] | None:
    """The two levels of "4", "TRL 4-6", "4단계", "6~7", "第4级", in the order in which they are written, or None."""
    found = _TRL.match(unicodedata.normalize("NFKC", text))
    if not found:
        return None
    return int(found["low"]), int(found["high"] or found["low"])


@lru_cache(maxsize=4096)
def parse_day(text: str) -> date | None:
    """A day in the forms of the three countries, or None; 03/04/2026 is None, because nobody can tell which month."""
    plain = unicodedata.normalize("NFKC", text).strip()
    try:
        if found := _NUMERIC_DAY.match(plain) or _COMPACT_DAY.match(plain):
            return date(int(found[1]), int(found[2]), int(found[3]))
        if found := _SHORT_DAY.match(plain):
            first, second, year = int(found[1]), int(found[2]), int(found[3])
            if first == second or first > 12:
                return date(year, second, first)
            return date(year, first, second) if second > 12 else None
        if found := _NAMED_DAY.match(plain):
            return date(int(found[3]), _MONTHS.index(found[2][:3].lower()) + 1, int(found[1]))
        if found := _AMERICAN_DAY.match(plain):
            return date(int(found[3]), _MONTHS.index(found[1][:3].lower()) + 1, int(found[2]))
    except ValueError:
        return None
    return None


def parse_number(text: str) -> Decimal | None:
    """A plain number with or without thousands separators, or None."""
    plain = unicodedata.normalize("NFKC", text).replace(",", "").replace(" ", "").strip()
    try:
        value = Decimal(plain)
    except InvalidOperation:
        return None
    return value if value.is_finite() and abs(value) < _LARGEST else None


def parse_currency(text: str) -> str:
    """The ISO code of a currency from its code, sign or name, or an empty string."""
    plain = unicodedata.normalize("NFKC", text).strip()
    if _ISO_CURRENCY.match(plain.upper()):
        return "CNY" if plain.upper() == "RMB" else plain.upper()
    return next((code for code, mark in _CURRENCIES if mark.search(plain)), "")


@lru_cache(maxsize=4096)
def parse_money(text: str) -> Money | None:
    """An amount or a range: "1억 5천만원", "300~500万元", "US$ 1.5 million", "KRW 30,000,000", or None."""
    plain = unicodedata.normalize("NFKC", text).strip()
    currency = next((code for code, mark in _CURRENCIES if mark.search(plain)), "")
    sides = [side for side in _RANGE.split(plain, maxsplit=1) if side.strip()]
    amounts = [_amount(side) for side in sides[:2]]
    if not amounts or any(amount is None for amount in amounts):
        return None
    if len(amounts) == 1:
        return Money(amounts[0][0], amounts[0][0], currency)  # type: ignore[index]
    (low, low_scale), (high, high_scale) = amounts  # type: ignore[misc]
    # "1~3억": the first number has the scale of the second.
    if low_scale == 1 and high_scale > 1 and low * high_scale <= high:
        low *= high_scale
    return Money(min(low, high), max(low, high), currency)


def _amount(text: str) -> tuple[Decimal, int] | None:
    total, largest, last = Decimal(0), 1, None
    for found in _AMOUNT.finditer(text):
        scale = _SCALES.get((found["scale"] or "").lower(), 1)
        # The parts of "1억 5천만" go down; a number that does not is another one ("3년간 1억").
        if last is not None and scale >= last:
            return None
        number = parse_number(found["number"])
        if number is None:
            return None
        total, largest, last = total + number * scale, max(largest, scale), scale
    return (total, largest) if last is not None and total < _LARGEST else None


def parse_list(value: object) -> list[str]:
    """The items of a list: a JSON array, or texts separated by ; | 、 or line ends."""
    if isinstance(value, list | tuple):
        return [text for item in value if (text := str(item).strip())]
    text = str(value).strip()
    if text.startswith("[") and text.endswith("]"):
        try:
            found = orjson.loads(text)
        except orjson.JSONDecodeError:
            found = None
        if isinstance(found, list):
            return parse_list(found)
    return [item.strip() for item in STRONG.split(text) if item.strip()]


def write_list(items: list[str]) -> str:
    """A list as `parse_list` reads it: joined by semicolons, or as a JSON array where an item holds a separator."""
    if any(STRONG.search(item) or item.startswith("[") or item != item.strip() or not item for item in items):
        return orjson.dumps(items).decode()
    return "; ".join(items)


def parse_requirement(text: str) -> RequirementParts | None:
    """A numeric requirement such as "energy density >= 300 Wh/kg", "순도 99.9 % 이상", "粒径不超过50 nm", or None."""
    plain = unicodedata.normalize("NFKC", text).strip()
    is_must = not _WISH.search(plain)
    plain = _WISH.sub("", plain)
    found = _SIGNED.match(plain) or _WORDED.match(plain) or _SPOKEN.match(plain)
    if not found:
        return None
    operator = _OPERATORS.get(found["operator"]) or _WORDS[found["operator"].lower()]
    value = parse_number(found["value"])
    if value is None or abs(value) >= Decimal(10) ** 14 or len(found["unit"]) > 40:
        return None
    return RequirementParts(found["property"].strip(" :：-"), operator, value, found["unit"].strip(), is_must)
