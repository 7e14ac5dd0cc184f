"""Parts of a listing that several cells tell together: readiness, money, rights, numeric requirements."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

import orjson

from transferase.catalogue.rules import RequirementDraft, RightDraft
from transferase.interchange._values import (
    parse_currency,
    parse_day,
    parse_list,
    parse_money,
    parse_number,
    parse_requirement,
    parse_trl,
    parse_truth,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from transferase.interchange._rows import Findings
    from transferase.interchange._vocabulary import Vocabularies

KOREAN_NUMBER: Final = re.compile(r"^(?:10|20|30|40)-?\d{2,4}-?\d{5,7}(?:-?\d{4})?$")
CHINESE_NUMBER: Final = re.compile(
    r"^(?:ZL|CN)?(?:19|20)\d{2}[1-358]\d{7}(?:\.[\dX])?$|^CN\d{7,9}[A-Z]?\d?$", re.IGNORECASE
)
OFFICE_PREFIX: Final = re.compile(r"^(KR|CN|US|JP|EP|WO|DE|GB|FR|TW|CA|AU|IN|RU)[\s\-]?\d", re.IGNORECASE)
KOREAN_KINDS: Final = {"10": "patent", "20": "utility_model", "30": "design", "40": "trade_mark"}
CHINESE_KINDS: Final = {"1": "patent", "2": "utility_model", "3": "design"}
NUMBERS: Final = (
    ("registration_number", "granted"),
    ("right_number", ""),
    ("publication_number", "published"),
    ("application_number", "filed"),
)
RIGHT_FIELDS: Final = (
    "right_kind", "right_office", "right_status", "right_title", "filed_date", "expiry_date", *(n for n, _ in NUMBERS),
)  # fmt: skip
# A day or a country alone is no right: it may be said for every row.
TELLING_FIELDS: Final = ("right_kind", "right_status", "right_title", *(name for name, _ in NUMBERS))
LONGEST_NUMBER: Final = 60
OPERATORS: Final = frozenset({"lt", "le", "eq", "ge", "gt"})


def trl_of(values: Mapping[str, Any], findings: Findings) -> dict[str, int]:
    """The range of readiness levels, from one cell or two."""
    low = high = None
    if "trl" in values:
        found = parse_trl(_text(values["trl"]))
        if found is None:
            findings.warn("trl", "bad_trl", value=_text(values["trl"]))
            findings.set_aside("trl", _text(values["trl"]))
        else:
            low, high = _ascending("trl", found, _text(values["trl"]), findings)
    for name in ("trl_low", "trl_high"):
        if name in values:
            found = parse_trl(_text(values[name]))
            if found is None:
                findings.warn(name, "bad_trl", value=_text(values[name]))
            else:
                least, most = _ascending(name, found, _text(values[name]), findings)
                low, high = (least, high) if name == "trl_low" else (low, most)
    if low is None and high is None:
        return {}
    low, high = low or high, high or low
    if low is not None and high is not None and low > high:
        findings.warn("trl_low", "range_reversed", value=f"{low}-{high}")
        low, high = high, low
    return {"trl_low": low, "trl_high": high}  # type: ignore[dict-item]


def _ascending(name: str, levels: tuple[int, int], text: str, findings: Findings) -> tuple[int, int]:
    """A range with its lower end first; that it was turned round is said."""
    low, high = levels
    if low > high:
        findings.warn(name, "range_reversed", value=text)
        return high, low
    return low, high


def money_of(
    values: Mapping[str, Any],
    vocabularies: Vocabularies,
    findings: Findings,
    *,
    is_need: bool,
    said: Mapping[str, Any],
) -> dict[str, Any]:
    """Price or budget: an amount needs a currency, words such as "negotiable" say the kind."""
    low = high = None
    currency = parse_currency(_text(values["currency"])) if "currency" in values else ""
    kind = said.get("price_kind", "")
    if "price" in values:
        text = _text(values["price"])
        if code := vocabularies.code("price_kind", text):
            kind = kind or code
        elif money := parse_money(text):
            low, high = money.low, money.high
            currency = currency or money.currency
            kind = kind or ("budget" if is_need else "asking" if low == high else "range")
        else:
            findings.warn("price", "bad_number", value=text)
            findings.set_aside("price", text)
    for name in ("price_low", "price_high"):
        if name not in values:
            continue
        text = _text(values[name])
        money = None if (number := parse_number(text)) is not None else parse_money(text)
        amount = number if number is not None else money.low if money else None
        if amount is None or amount < 0:
            findings.warn(name, "bad_number", value=text)
            continue
        currency = currency or (money.currency if money else "")
        low, high = (amount, high) if name == "price_low" else (low, amount)
    if low is not None and high is not None and low > high:
        findings.warn("price_low", "range_reversed", value=f"{low}-{high}")
        low, high = high, low
    if (low is not None or high is not None) and not currency:
        amount_said = "-".join(str(amount) for amount in (low, high) if amount is not None)
        findings.warn("currency", "no_currency", value=amount_said)
        findings.set_aside("price", amount_said)
        low = high = None
    found: dict[str, Any] = {"price_kind": kind} if kind else {}
    if low is not None or high is not None or currency:
        found |= {"price_low": _cents(low), "price_high": _cents(high), "currency": currency}
    return found


def rights_of(values: Mapping[str, Any], vocabularies: Vocabularies, findings: Findings) -> tuple[RightDraft, ...]:
    """The rights that a row lists as objects, and those that its columns tell of."""
    rights = []
    if "rights" in values:
        found = (_right(_prefixed(told), vocabularies, findings) for told in _objects(values["rights"], findings))
        rights = [right for right in found if right]
    if any(name in values for name in TELLING_FIELDS):
        # Several patents in one cell share what the other cells say.
        numbers = next((parse_list(values[name]) for name, _ in NUMBERS if name in values), [""])
        name = next((name for name, _ in NUMBERS if name in values), "right_number")
        for number in numbers:
            told = {field: values[field] for field in RIGHT_FIELDS if field in values}
            if number:
                told[name] = number
            if right := _right(told, vocabularies, findings):
                rights.append(right)
    return tuple(dict.fromkeys(rights))


def _prefixed(told: Mapping[str, Any]) -> dict[str, Any]:
    return {
        key if key.endswith("_date") or key.startswith("right_") else f"right_{key}": v for key, v in told.items() if v
    }


def _right(told: Mapping[str, Any], vocabularies: Vocabularies, findings: Findings) -> RightDraft | None:
    named = next(((name, status) for name, status in NUMBERS if told.get(name)), ("right_number", ""))
    number, implied = _text(told.get(named[0], "")), named[1]
    if number and not any(character.isdecimal() for character in number):
        # A mark or a word is no number: no right and no status follow from it.
        findings.warn(named[0], "bad_right", value=number)
        findings.set_aside("right_number", number)
        number, implied = "", ""
        if not any(told.get(name) for name in ("right_kind", "right_status", "right_title")):
            return None
    kind = _coded("right_kind", "right_kind", told, vocabularies, findings)
    office = _coded("right_office", "right_office", told, vocabularies, findings)
    status = _coded("right_status", "right_status", told, vocabularies, findings)
    if told.get("right_kind") and not kind and not number:
        return None
    if len(number) > LONGEST_NUMBER:
        findings.warn("right_number", "value_cut", length=len(number), limit=LONGEST_NUMBER)
        number = number[:LONGEST_NUMBER]
    guessed_office, guessed_kind = recognise_number(number)
    return RightDraft(
        kind=kind or guessed_kind or "patent",
        office=(office or guessed_office)[:5],
        number=number,
        status=status or implied,
        title=_text(told["right_title"])[:500] if "right_title" in told else "",
        filed_date=_day("filed_date", told, findings),
        expiry_date=_day("expiry_date", told, findings),
    )


def recognise_number(number: str) -> tuple[str, str]:
    """The office and the kind of right that the form of a number speaks for, or empty strings."""
    compact = number.replace(" ", "")
    if KOREAN_NUMBER.match(compact):
        return "KR", KOREAN_KINDS[compact[:2]]
    if CHINESE_NUMBER.match(compact):
        digits = re.sub(r"^(?:ZL|CN)", "", compact, flags=re.IGNORECASE)
        return "CN", CHINESE_KINDS.get(digits[4], "") if len(digits) > 11 else ""
    found = OFFICE_PREFIX.match(number)
    return (found[1].upper(), "") if found else ("", "")


def requirements_of(values: Mapping[str, Any], findings: Findings) -> tuple[RequirementDraft, ...]:
    """Numeric requirements from objects or from texts such as "순도 99.9 % 이상"; other texts are set aside."""
    found = []
    for told in _entries(values.get("requirements", ())):
        requirement = _requirement_of_object(told) if isinstance(told, dict) else _requirement_of_text(str(told))
        if requirement:
            found.append(requirement)
        else:
            text = orjson.dumps(told).decode() if isinstance(told, dict) else str(told)
            findings.warn("requirements", "bad_requirement", value=text)
            findings.set_aside("requirement", text)
    return tuple(found)


def _requirement_of_text(text: str) -> RequirementDraft | None:
    parts = parse_requirement(text)
    return RequirementDraft(*parts) if parts else None


def _requirement_of_object(told: Mapping[str, Any]) -> RequirementDraft | None:
    value = parse_number(str(told.get("value", "")))
    name, operator, unit = (str(told.get(key) or "").strip() for key in ("property", "operator", "unit"))
    if value is None or abs(value) >= Decimal(10) ** 14 or operator not in OPERATORS or not 0 < len(name) <= 120:
        return None
    must = told.get("is_must", True)
    is_must = must if isinstance(must, bool) else parse_truth(str(must)) is not False
    return RequirementDraft(name, operator, value, unit[:40], is_must)


def _entries(value: object) -> list[Any]:
    if isinstance(value, dict):
        return [value]
    if isinstance(value, str) and value.lstrip().startswith(("[", "{")):
        try:
            found = orjson.loads(value)
        except orjson.JSONDecodeError:
            return parse_list(value)
        return found if isinstance(found, list) else [found]
    return list(value) if isinstance(value, list | tuple) else parse_list(value)


def _objects(value: object, findings: Findings) -> list[dict[str, Any]]:
    objects = []
    for entry in _entries(value):
        if isinstance(entry, dict):
            objects.append(entry)
        else:
            findings.warn("rights", "bad_right", value=str(entry))
            findings.set_aside("right", str(entry))
    return objects


def _coded(name: str, scheme: str, told: Mapping[str, Any], vocabularies: Vocabularies, findings: Findings) -> str:
    if name not in told:
        return ""
    text = _text(told[name])
    code = vocabularies.code(scheme, text)
    if code is None or code == "world":
        findings.warn(name, "unknown_code", value=text)
        findings.set_aside(scheme, text)
        return ""
    return code


def _day(name: str, told: Mapping[str, Any], findings: Findings) -> date | None:
    if name not in told:
        return None
    text = _text(told[name])
    day = parse_day(text)
    if day is None:
        findings.warn(name, "bad_date", value=text)
    return day


def _cents(amount: Decimal | None) -> Decimal | None:
    return None if amount is None else round(amount, 2)


def _text(value: object) -> str:
    return "; ".join(map(str, value)) if isinstance(value, list) else " ".join(str(value).split())
