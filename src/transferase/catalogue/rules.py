"""What a listing must hold, how it moves between states, and the form in which its content is handed over."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from transferase.catalogue.models import Direction, Origin, State, Tier
from transferase.directory.rules import Permission, may
from transferase.foundation.errors import DomainError

if TYPE_CHECKING:
    from collections.abc import Mapping
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


class InvalidContent(DomainError):
    """The content breaks a rule; `facts["problems"]` lists (field, code, facts)."""

    code = "invalid_content"


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


@dataclass(frozen=True)
class Problem:
    """One thing in a content that breaks a rule: the field, the code of the rule, and facts for the sentence."""

    field: str
    code: str
    facts: Mapping[str, object] = field(default_factory=dict)


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
