"""What a listing must hold, how it moves between states, and the form in which its content is handed over."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from transferase.catalogue._classification import ancestors_of as ancestors_of
from transferase.catalogue._classification import derive_fields as derive_fields
from transferase.catalogue._classification import derive_green_bio as derive_green_bio
from transferase.catalogue._classification import normalise_ipc as normalise_ipc
from transferase.catalogue.models import Direction, Origin, State, Tier
from transferase.directory.rules import Permission, may
from transferase.engine.text import normalise
from transferase.foundation.errors import DomainError
from transferase.foundation.errors import InvalidContent as InvalidContent
from transferase.foundation.errors import Problem as Problem
from transferase.foundation.languages import LANGUAGES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from collections.abc import Set as AbstractSet
    from datetime import date
    from decimal import Decimal

    from transferase.catalogue.models import Listing
    from transferase.directory.models import Person
    from transferase.foundation.ledger import System

# A listing must be confirmed at least this often, or it is no longer shown (the first complaint about technology
# banks is stale stock).
CONFIRMED_FOR: Final = timedelta(days=180)
LONGEST_VALIDITY: Final = timedelta(days=730)
REMINDED_BEFORE: Final = timedelta(days=21)
LONGEST_TEXT: Final = 50_000
LONGEST_TITLE: Final = 300
LONGEST_SUMMARY: Final = 5_000
LONGEST_CODE: Final = 100
LARGEST_AMOUNT: Final = 10**15

# act -> (states it may start from, state it leads to); the only way between states
TRANSITIONS: Final[Mapping[str, tuple[frozenset[str], str]]] = {
    "submit": (frozenset({State.DRAFT, State.WITHDRAWN, State.EXPIRED}), State.IN_REVIEW),
    "publish": (frozenset({State.DRAFT, State.IN_REVIEW, State.WITHDRAWN, State.EXPIRED}), State.PUBLISHED),
    "send_back": (frozenset({State.IN_REVIEW}), State.DRAFT),
    "pause": (frozenset({State.PUBLISHED}), State.PAUSED),
    "resume": (frozenset({State.PAUSED}), State.PUBLISHED),
    "withdraw": (frozenset({State.IN_REVIEW, State.PUBLISHED, State.PAUSED, State.EXPIRED}), State.WITHDRAWN),
    "take": (frozenset({State.PUBLISHED, State.PAUSED, State.EXPIRED}), State.TAKEN),
    "expire": (frozenset({State.PUBLISHED, State.PAUSED}), State.EXPIRED),
}
TAKEN_REASONS: Final = frozenset(
    {"transferred_exclusively", "sold", "met", "solved_here", "solved_elsewhere", "abandoned"}
)


class WrongState(DomainError):
    """The listing does not stand where this act may start."""

    code = "wrong_state"


class NotReady(DomainError):
    """The listing lacks what publishing asks for; `facts["missing"]` names the fields."""

    code = "not_ready"


class Held(DomainError):
    """A check keeps the listing from being seen."""

    code = "held"


@dataclass(frozen=True)
class TextDraft:
    """What a listing says in one language to the readers of one tier."""

    language: str
    tier: str = Tier.PUBLIC
    origin: str = Origin.ORIGINAL
    title: str = ""
    summary: str = ""
    description: str = ""
    problem: str = ""
    alternative: str = ""
    advantages: str = ""
    partner_sought: str = ""


@dataclass(frozen=True)
class RightDraft:
    """An intellectual-property right that comes with an offer."""

    kind: str
    office: str = ""
    number: str = ""
    status: str = ""
    title: str = ""
    filed_date: date | None = None
    expiry_date: date | None = None


@dataclass(frozen=True)
class RequirementDraft:
    """A property that a need asks for in numbers."""

    property: str
    operator: str
    value: Decimal
    unit: str = ""
    is_must: bool = True


@dataclass(frozen=True)
class ListingDraft:
    """The whole content of a listing, as a form, a file or the API hands it over."""

    direction: str
    texts: tuple[TextDraft, ...]
    original_language: str = ""
    country: str = ""
    is_anonymous: bool = False
    ipc: tuple[str, ...] = ()
    cpc: tuple[str, ...] = ()
    unmapped: tuple[str, ...] = ()
    trl_low: int | None = None
    trl_high: int | None = None
    trl_scale: str = ""
    trl_evidence: str = ""
    transfer_modes: tuple[str, ...] = ()
    exclusivity: str = ""
    territory: tuple[str, ...] = ()
    field_of_use: str = ""
    partner_kinds: tuple[str, ...] = ()
    price_kind: str = ""
    price_low: Decimal | None = None
    price_high: Decimal | None = None
    currency: str = ""
    payment_kinds: tuple[str, ...] = ()
    need_kind: str = ""
    decision_date: date | None = None
    excluded_countries: tuple[str, ...] = ()
    rights: tuple[RightDraft, ...] = ()
    requirements: tuple[RequirementDraft, ...] = ()
    source: str = ""
    external_id: str = ""
    source_url: str = ""
    attribution: str = ""
    is_sample: bool = False


def may_edit(actor: Person | System, listing: Listing) -> bool:
    """Whether somebody may change a listing: members of the owner, and the operator."""
    return may(actor, Permission.CATALOGUE_LISTING_WRITE, listing.owner_id)


def may_review(actor: Person | System) -> bool:
    """Whether somebody may publish or send back what waits for review."""
    return may(actor, Permission.CATALOGUE_LISTING_REVIEW)


def may_start(act: str, listing: Listing) -> bool:
    """Whether an act may start from where the listing stands."""
    return listing.state in TRANSITIONS[act][0]


def require_start(act: str, listing: Listing) -> None:
    """Let an act pass or raise `WrongState`."""
    if not may_start(act, listing):
        raise WrongState(act=act, state=str(listing.state))


def quality_hints(draft: ListingDraft) -> tuple[str, ...]:
    """Codes of what would make a listing easier to find and to judge, most useful first; none is required."""
    text = next((t for t in draft.texts if t.tier == Tier.PUBLIC), None)
    hints = []
    said = " ".join((text.summary, text.description, text.advantages)) if text else ""
    if not text or not text.problem:
        hints.append("problem")
    if not text or not text.alternative:
        hints.append("alternative")
    has_numbers = any(c.isdigit() for c in said) or bool(draft.requirements)
    if not has_numbers:
        hints.append("numbers")
    if draft.trl_low is None:
        hints.append("trl")
    elif draft.direction == Direction.OFFER and not draft.trl_evidence:
        hints.append("trl_evidence")
    if not draft.ipc:
        hints.append("ipc")
    if not draft.transfer_modes:
        hints.append("transfer_modes")
    if not draft.territory:
        hints.append("territory")
    if draft.direction == Direction.OFFER and not draft.rights:
        hints.append("rights")
    if draft.direction == Direction.NEED and not draft.requirements:
        hints.append("requirements")
    return tuple(hints)


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
_CURRENCY = re.compile(r"[A-Z]{3}")
_WORLD: Final = "world"


def clean_draft(draft: ListingDraft) -> ListingDraft:
    """The content as it is stored: texts normalised, symbols of IPC and CPC in one form, one-sided ranges closed.

    Symbols that are none move to `unmapped`, so that nothing a source said is lost.
    """
    ipc, no_ipc = _symbols(draft.ipc)
    cpc, no_cpc = _symbols(draft.cpc)
    unmapped = [*(_line(code) for code in draft.unmapped), *(f"ipc:{c}" for c in no_ipc), *(f"cpc:{c}" for c in no_cpc)]
    texts = tuple(
        replace(text, title=_line(text.title), **{name: normalise(getattr(text, name)) for name in _BODY})
        for text in draft.texts
    )
    original = draft.original_language or next((t.language for t in texts if t.origin == Origin.ORIGINAL), "")
    trl_low = draft.trl_low if draft.trl_low is not None else draft.trl_high
    trl_high = draft.trl_high if draft.trl_high is not None else draft.trl_low
    return replace(
        draft,
        texts=tuple(text for text in texts if any(getattr(text, name) for name in ("title", *_BODY))),
        original_language=original,
        ipc=ipc,
        cpc=cpc,
        unmapped=tuple(dict.fromkeys(code[:LONGEST_CODE] for code in unmapped if code)),
        trl_low=trl_low,
        trl_high=trl_high,
        trl_evidence=normalise(draft.trl_evidence),
        field_of_use=_line(draft.field_of_use),
        transfer_modes=tuple(dict.fromkeys(draft.transfer_modes)),
        territory=(_WORLD,) if _WORLD in draft.territory else tuple(dict.fromkeys(draft.territory)),
        partner_kinds=tuple(dict.fromkeys(draft.partner_kinds)),
        payment_kinds=tuple(dict.fromkeys(draft.payment_kinds)),
        excluded_countries=tuple(dict.fromkeys(draft.excluded_countries)),
        rights=tuple(dict.fromkeys(replace(r, number=_line(r.number), title=_line(r.title)) for r in draft.rights)),
        requirements=tuple(replace(r, property=_line(r.property), unit=_line(r.unit)) for r in draft.requirements),
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
    """Everything in a cleaned content that breaks a rule; a title in the original language is all a draft needs."""
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


def missing_for_publishing(draft_texts: Mapping[str, str]) -> tuple[str, ...]:
    """Which of title and summary the original public text lacks."""
    return tuple(name for name in ("title", "summary") if not draft_texts.get(name))


_BODY: Final = ("summary", "description", "problem", "alternative", "advantages", "partner_sought")


def _line(text: str) -> str:
    return " ".join(normalise(text).split())


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
        if text.tier not in Tier.values:
            yield Problem(where, "unknown_code", {"code": text.tier, "vocabulary": "tier"})
        if text.origin not in Origin.values:
            yield Problem(where, "unknown_code", {"code": text.origin, "vocabulary": "origin"})
        if (text.language, text.tier) in seen:
            yield Problem(where, "given_twice", {"language": text.language, "tier": text.tier})
        seen.add((text.language, text.tier))
        longest = {"title": LONGEST_TITLE, "summary": LONGEST_SUMMARY} | dict.fromkeys(_BODY[1:], LONGEST_TEXT)
        for name, limit in longest.items():
            if (length := len(getattr(text, name))) > limit:
                yield Problem(f"{where}.{name}", "too_long", {"longest": limit, "length": length})
    original = next((t for t in draft.texts if t.language == draft.original_language and t.tier == Tier.PUBLIC), None)
    if original is None or not original.title:
        yield Problem("title", "required", {"language": draft.original_language})


def _code_problems(draft: ListingDraft, known_codes: Mapping[str, AbstractSet[str]]) -> Iterator[Problem]:
    for name, scheme in VOCABULARY_OF.items():
        for code in _codes(getattr(draft, name)):
            if code not in known_codes[scheme]:
                yield Problem(name, "unknown_code", {"code": code, "vocabulary": scheme})
    if draft.country == _WORLD:
        yield Problem("country", "unknown_code", {"code": _WORLD, "vocabulary": "country"})


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
        if not requirement.value.is_finite() or abs(requirement.value) >= 10**14:
            yield Problem(f"{where}.value", "out_of_range", {"low": -(10**14), "high": 10**14})
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
