"""The content of a listing on its way in: how it is cleaned, checked and compared."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from dataclasses import replace
from datetime import date
from decimal import Decimal
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final

import orjson

from transferase.catalogue._classification import normalise_ipc
from transferase.catalogue._contents import ListingDraft, RequirementDraft, RightDraft, TextDraft
from transferase.catalogue.models import Direction, Origin, Tier
from transferase.engine.text import normalise
from transferase.foundation.errors import Problem
from transferase.foundation.languages import LANGUAGES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from collections.abc import Set as AbstractSet

LONGEST_TEXT: Final = 50_000
LONGEST_TITLE: Final = 300
LONGEST_SUMMARY: Final = 5_000
LONGEST_CODE: Final = 100
LARGEST_AMOUNT: Final = 10**15
LARGEST_VALUE: Final = 10**14


# Which vocabulary the codes of a field come from.
VOCABULARY_OF: Final[Mapping[str, str]] = {
    "direction": "direction",
    "country": "country",
    "trl_scale": "trl_scale",
    "transfer_modes": "transfer_mode",
    "exclusivity": "exclusivity",
    "territory": "country",
    "partner_kinds": "partner_kind",
    "price_kind": "price_kind",
    "payment_kinds": "payment_kind",
    "need_kind": "need_kind",
    "excluded_countries": "country",
}
_ONLY_FOR_NEED: Final = ("need_kind", "decision_date", "excluded_countries", "requirements")
_ONLY_FOR_OFFER: Final = ("rights",)
_LONGEST: Final[Mapping[str, int]] = {
    "trl_evidence": LONGEST_TEXT,
    "field_of_use": 300,
    "source": 60,
    "external_id": 200,
    "source_url": 500,
    "attribution": 500,
}
_LONGEST_OF_RIGHT: Final[Mapping[str, int]] = {"office": 5, "number": 60, "title": 500}
_LONGEST_OF_REQUIREMENT: Final[Mapping[str, int]] = {"property": 120, "unit": 40}
_TIERS: Final = frozenset(Tier.values)
_ORIGINS: Final = frozenset(Origin.values)
_LONGEST_OF_TEXT: Final[Mapping[str, int]] = {
    "title": LONGEST_TITLE,
    "summary": LONGEST_SUMMARY,
    **dict.fromkeys(("description", "problem", "alternative", "advantages", "partner_sought"), LONGEST_TEXT),
}
_CURRENCY = re.compile(r"[A-Z]{3}")
_DECIMALS: Final = frozenset({"price_low", "price_high", "value"})
WORLD: Final = "world"


def clean_draft(draft: ListingDraft) -> ListingDraft:
    """The content as it is stored: texts normalised, symbols of IPC and CPC in one form, one-sided ranges closed.

    Symbols that are none move to `unmapped`, so that nothing a source said is lost.
    """
    ipc, no_ipc = _symbols(draft.ipc)
    cpc, no_cpc = _symbols(draft.cpc)
    unmapped = [*(_line(code) for code in draft.unmapped), *(f"ipc:{c}" for c in no_ipc), *(f"cpc:{c}" for c in no_cpc)]
    texts = tuple(cleaned for text in draft.texts if (cleaned := _clean_text(text)))
    original = draft.original_language or next((t.language for t in texts if t.origin == Origin.ORIGINAL), "")
    trl_low = draft.trl_low if draft.trl_low is not None else draft.trl_high
    trl_high = draft.trl_high if draft.trl_high is not None else draft.trl_low
    return replace(
        draft,
        texts=texts,
        original_language=original,
        ipc=ipc,
        cpc=cpc,
        unmapped=tuple(dict.fromkeys(code[:LONGEST_CODE] for code in unmapped if code)),
        price_low=None if draft.price_low is None else _exact(draft.price_low, 2),
        price_high=None if draft.price_high is None else _exact(draft.price_high, 2),
        trl_low=trl_low,
        trl_high=trl_high,
        trl_evidence=_clean(draft.trl_evidence),
        field_of_use=_line(draft.field_of_use),
        transfer_modes=_once(draft.transfer_modes),
        territory=(WORLD,) if WORLD in draft.territory else _once(draft.territory),
        partner_kinds=_once(draft.partner_kinds),
        payment_kinds=_once(draft.payment_kinds),
        excluded_countries=_once(draft.excluded_countries),
        rights=tuple(dict.fromkeys(replace(r, number=_line(r.number), title=_line(r.title)) for r in draft.rights)),
        requirements=tuple(
            replace(r, property=_line(r.property), unit=_line(r.unit), value=_exact(r.value, 6))
            for r in draft.requirements
        ),
        source_url=_line(draft.source_url),
        attribution=_line(draft.attribution),
        external_id=_line(draft.external_id),
    )


def set_aside_unknown(
    draft: ListingDraft, known_codes: Mapping[str, AbstractSet[str]]
) -> tuple[ListingDraft, tuple[Problem, ...]]:
    """For sources that use words of their own: codes no vocabulary knows move to `unmapped`, each with a warning."""
    changes: dict[str, object] = {}
    unmapped, warnings = list(draft.unmapped), []
    for name, scheme in VOCABULARY_OF.items():
        if name == "direction":
            continue
        given = getattr(draft, name)
        unknown = [code for code in _codes(given) if code not in known_codes[scheme]]
        if unknown:
            changes[name] = tuple(c for c in given if c not in unknown) if isinstance(given, tuple) else ""
            unmapped += [f"{scheme}:{code}" for code in unknown]
            warnings += [Problem(name, "unknown_code", {"code": code, "vocabulary": scheme}) for code in unknown]
    rights = []
    for right in draft.rights:
        if right.kind not in known_codes["right_kind"] or (right.status not in {"", *known_codes["right_status"]}):
            unmapped.append(f"right:{right.kind} {right.status}".strip())
            warnings.append(Problem("rights", "unknown_code", {"code": f"{right.kind} {right.status}".strip()}))
        if right.kind in known_codes["right_kind"]:
            rights.append(right if right.status in known_codes["right_status"] else replace(right, status=""))
    changes |= {"rights": tuple(rights), "unmapped": tuple(dict.fromkeys(unmapped))}
    return replace(draft, **changes), tuple(warnings)  # type: ignore[arg-type]


def check_draft(draft: ListingDraft, known_codes: Mapping[str, AbstractSet[str]]) -> tuple[Problem, ...]:
    """Everything in a cleaned content that breaks a rule; a title or a summary is all a draft needs."""
    return (
        *_text_problems(draft),
        *_code_problems(draft, known_codes),
        *_number_problems(draft),
        *_part_problems(draft, known_codes),
        *(
            Problem(name, "too_long", {"longest": longest})
            for name, longest in _LONGEST.items()
            if len(getattr(draft, name)) > longest
        ),
        *_direction_problems(draft),
    )


def original_text(draft: ListingDraft) -> TextDraft | None:
    """What everybody may read in the language the listing was written in."""
    language = draft.original_language
    return next((t for t in draft.texts if t.language == language and t.tier == Tier.PUBLIC), None)


def missing_for_publishing(draft: ListingDraft) -> tuple[str, ...]:
    """Which of title and summary the original public text lacks."""
    text = original_text(draft)
    return tuple(name for name in ("title", "summary") if text is None or not getattr(text, name))


def from_json(content: Mapping[str, Any]) -> ListingDraft:
    """The content that `as_json` wrote, also by an earlier version of the platform."""

    def told(kind: type[Any], given: Mapping[str, Any]) -> dict[str, Any]:
        known = {name: value for name, value in given.items() if name in kind.__dataclass_fields__}
        return {
            name: Decimal(value)
            if name in _DECIMALS and value is not None
            else date.fromisoformat(value)
            if name.endswith("_date") and value
            else tuple(value)
            if isinstance(value, list)
            else value
            for name, value in known.items()
        }

    parts = {
        name: tuple(kind(**told(kind, row)) for row in content.get(name, ()))
        for name, kind in (("texts", TextDraft), ("rights", RightDraft), ("requirements", RequirementDraft))
    }
    return ListingDraft(**{**told(ListingDraft, content), **parts})


def as_json(draft: ListingDraft) -> bytes:
    """The content as JSON with sorted keys: what a revision keeps and a digest is made of."""
    return orjson.dumps(draft, default=str, option=orjson.OPT_SORT_KEYS)


def digest_of(draft: ListingDraft) -> str:
    """What tells whether a cleaned content has changed since its source last brought it."""
    return hashlib.sha256(as_json(draft)).hexdigest()


_BODY: Final = ("summary", "description", "problem", "alternative", "advantages", "partner_sought")
_said_of = attrgetter("title", *_BODY)


def _clean(text: str) -> str:
    return text if _is_clean(text) else normalise(text)


def _line(text: str) -> str:
    return text if _is_clean(text) else " ".join(normalise(text).split())


def _clean_text(text: TextDraft) -> TextDraft | None:
    """The text as it is stored, or None when nothing is left of it."""
    said = _said_of(text)
    if not all(map(_is_clean, said)):
        title, *body = said
        text = replace(text, title=_line(title), **dict(zip(_BODY, map(_clean, body), strict=True)))
        said = _said_of(text)
    return text if any(said) else None


def _once(codes: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(codes)) if codes else ()


def _is_clean(text: str) -> bool:
    """Whether normalising would change nothing: most lines of most files, told ten times as fast."""
    return text.isprintable() and "  " not in text and unicodedata.is_normalized("NFC", text) and text == text.strip()


def _exact(value: Decimal, places: int) -> Decimal:
    """The number as the database gives it back, so that an unchanged content compares as equal."""
    if not value.is_finite() or abs(value) >= LARGEST_AMOUNT:
        return value
    return value.quantize(Decimal(1).scaleb(-places))


def _symbols(codes: tuple[str, ...]) -> tuple[tuple[str, ...], list[str]]:
    known: dict[str, None] = {}
    unknown = []
    for code in codes:
        symbol = normalise_ipc(code)
        if symbol:
            known[symbol] = None
        elif code.strip():
            unknown.append(_line(code))
    return tuple(known), unknown


def _codes(given: str | tuple[str, ...]) -> tuple[str, ...]:
    if isinstance(given, tuple):
        return given
    return (given,) if given else ()


def _text_problems(draft: ListingDraft) -> Iterator[Problem]:
    seen = set()
    for text in draft.texts:
        where = f"texts.{text.language}.{text.tier}"
        if text.language not in LANGUAGES:
            yield Problem(where, "unknown_language", {"language": text.language})
        if text.tier not in _TIERS:
            yield Problem(where, "unknown_code", {"code": text.tier, "vocabulary": "tier"})
        if text.origin not in _ORIGINS:
            yield Problem(where, "unknown_code", {"code": text.origin, "vocabulary": "origin"})
        if (text.language, text.tier) in seen:
            yield Problem(where, "given_twice", {"language": text.language, "tier": text.tier})
        seen.add((text.language, text.tier))
        for name, limit in _LONGEST_OF_TEXT.items():
            if (length := len(getattr(text, name))) > limit:
                yield Problem(f"{where}.{name}", "too_long", {"longest": limit, "length": length})
    original = original_text(draft)
    if original is None or not (original.title or original.summary):
        yield Problem("title", "required", {"language": draft.original_language})


def _code_problems(draft: ListingDraft, known_codes: Mapping[str, AbstractSet[str]]) -> Iterator[Problem]:
    for name, scheme in VOCABULARY_OF.items():
        given = getattr(draft, name)
        for code in _codes(given) if given else ():
            if code not in known_codes[scheme]:
                yield Problem(name, "unknown_code", {"code": code, "vocabulary": scheme})
    # A country is one; and whoever wants to work with nobody needs no listing.
    if draft.country == WORLD:
        yield Problem("country", "unknown_code", {"code": WORLD, "vocabulary": "country"})
    if WORLD in draft.excluded_countries:
        yield Problem("excluded_countries", "unknown_code", {"code": WORLD, "vocabulary": "country"})


def _number_problems(draft: ListingDraft) -> Iterator[Problem]:
    for name in ("trl_low", "trl_high"):
        value = getattr(draft, name)
        if value is not None and not 1 <= value <= 9:
            yield Problem(name, "out_of_range", {"low": 1, "high": 9, "value": value})
    for name in ("price_low", "price_high"):
        value = getattr(draft, name)
        if value is not None and not 0 <= value < LARGEST_AMOUNT:
            yield Problem(name, "out_of_range", {"low": 0, "high": LARGEST_AMOUNT, "value": str(value)})
    for low, high in (("trl_low", "trl_high"), ("price_low", "price_high")):
        lower, upper = getattr(draft, low), getattr(draft, high)
        if lower is not None and upper is not None and lower > upper:
            yield Problem(high, "not_in_order", {"low": str(lower), "high": str(upper)})
    has_amount = draft.price_low is not None or draft.price_high is not None
    if (draft.currency and not _CURRENCY.fullmatch(draft.currency)) or (has_amount and not draft.currency):
        yield Problem("currency", "unknown_code" if draft.currency else "required", {"code": draft.currency})


def _part_problems(draft: ListingDraft, known_codes: Mapping[str, AbstractSet[str]]) -> Iterator[Problem]:
    for number, right in enumerate(draft.rights):
        if right.kind not in known_codes["right_kind"]:
            yield Problem(f"rights.{number}.kind", "unknown_code", {"code": right.kind, "vocabulary": "right_kind"})
        if right.status and right.status not in known_codes["right_status"]:
            yield Problem(
                f"rights.{number}.status", "unknown_code", {"code": right.status, "vocabulary": "right_status"}
            )
        for name, longest in _LONGEST_OF_RIGHT.items():
            if len(getattr(right, name)) > longest:
                yield Problem(f"rights.{number}.{name}", "too_long", {"longest": longest})
    for number, requirement in enumerate(draft.requirements):
        where = f"requirements.{number}"
        if not requirement.property:
            yield Problem(f"{where}.property", "required")
        if requirement.operator not in known_codes["requirement_operator"]:
            yield Problem(
                f"{where}.operator",
                "unknown_code",
                {"code": requirement.operator, "vocabulary": "requirement_operator"},
            )
        if not requirement.value.is_finite() or abs(requirement.value) >= LARGEST_VALUE:
            yield Problem(f"{where}.value", "out_of_range", {"low": -LARGEST_VALUE, "high": LARGEST_VALUE})
        for name, longest in _LONGEST_OF_REQUIREMENT.items():
            if len(getattr(requirement, name)) > longest:
                yield Problem(f"{where}.{name}", "too_long", {"longest": longest})


def _direction_problems(draft: ListingDraft) -> Iterator[Problem]:
    foreign = _ONLY_FOR_OFFER if draft.direction == Direction.NEED else _ONLY_FOR_NEED
    for name in foreign:
        if getattr(draft, name):
            yield Problem(name, "not_for_direction", {"direction": draft.direction})
    if draft.external_id and not draft.source:
        yield Problem("source", "required")
    if draft.source_url and not draft.source_url.startswith(("https://", "http://")):
        yield Problem("source_url", "not_a_web_address")
