"""What a listing must hold, how it moves between states, and the form in which its content is handed over."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from transferase.catalogue._classification import ancestors_of as ancestors_of
from transferase.catalogue._classification import derive_fields as derive_fields
from transferase.catalogue._classification import derive_green_bio as derive_green_bio
from transferase.catalogue._classification import normalise_ipc as normalise_ipc
from transferase.catalogue._contents import ListingDraft as ListingDraft
from transferase.catalogue._contents import RequirementDraft as RequirementDraft
from transferase.catalogue._contents import RightDraft as RightDraft
from transferase.catalogue._contents import TextDraft as TextDraft
from transferase.catalogue._drafts import LARGEST_AMOUNT as LARGEST_AMOUNT
from transferase.catalogue._drafts import LONGEST_CODE as LONGEST_CODE
from transferase.catalogue._drafts import LONGEST_SUMMARY as LONGEST_SUMMARY
from transferase.catalogue._drafts import LONGEST_TEXT as LONGEST_TEXT
from transferase.catalogue._drafts import LONGEST_TITLE as LONGEST_TITLE
from transferase.catalogue._drafts import VOCABULARY_OF as VOCABULARY_OF
from transferase.catalogue._drafts import WORLD as WORLD
from transferase.catalogue._drafts import as_json as as_json
from transferase.catalogue._drafts import check_draft as check_draft
from transferase.catalogue._drafts import clean_draft as clean_draft
from transferase.catalogue._drafts import digest_of as digest_of
from transferase.catalogue._drafts import from_json as from_json
from transferase.catalogue._drafts import missing_for_publishing as missing_for_publishing
from transferase.catalogue._drafts import original_text as original_text
from transferase.catalogue._drafts import set_aside_unknown as set_aside_unknown
from transferase.catalogue._preparing import Prepared as Prepared
from transferase.catalogue._preparing import prepare as prepare
from transferase.catalogue.models import Direction, State, Tier
from transferase.directory.rules import Permission, may
from transferase.foundation.errors import DomainError
from transferase.foundation.errors import InvalidContent as InvalidContent
from transferase.foundation.errors import Problem as Problem

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from transferase.catalogue.models import Encumbrance, Listing
    from transferase.directory.models import Person
    from transferase.foundation.ledger import System

# A listing must be confirmed at least this often, or it is no longer shown (the first complaint about technology
# banks is stale stock).
CONFIRMED_FOR: Final = timedelta(days=180)
LONGEST_VALIDITY: Final = timedelta(days=730)
REMINDED_BEFORE: Final = timedelta(days=21)

NON_EXCLUSIVE: Final = "non_exclusive"
WITHDRAW_REASONS: Final = frozenset({"no_longer_available", "no_longer_needed", "replaced", "mistake", "other"})
SEND_BACK_REASONS: Final = frozenset(
    {
        "incomplete",
        "unclear",
        "confidential",
        "wrong_classification",
        "duplicate",
        "no_technology",
        "rights_doubtful",
        "other",
    }
)

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


class AlreadyRecorded(DomainError):
    """The record of the source is on the platform already."""

    code = "already_recorded"


class ChangedMeanwhile(DomainError):
    """Somebody else saved the listing since it was read."""

    code = "changed_meanwhile"


class AlreadyEnded(DomainError):
    """The access, hold or encumbrance is over already."""

    code = "already_ended"


class Encumbered(DomainError):
    """Somebody has rights that do not go together with these; `facts["encumbrance"]` names the row."""

    code = "encumbered"


class OriginalKept(DomainError):
    """A translation may not take the place of what its owner or a person wrote."""

    code = "original_kept"


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


def visible_until(*, published_at: datetime, at: datetime) -> datetime:
    """How long a confirmation given at a time carries, at most to the longest validity since publishing."""
    return min(at + CONFIRMED_FOR, published_at + LONGEST_VALIDITY)


def quality_hints(draft: ListingDraft) -> tuple[str, ...]:
    """Codes of what would make a listing easier to find and to judge, most useful first; none is required."""
    text = next((t for t in draft.texts if t.tier == Tier.PUBLIC), None)
    hints = []
    said = f"{text.summary} {text.description} {text.advantages}" if text else ""
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


def overlaps(
    encumbrance: Encumbrance, *, field: str, territory: str, starts_at: datetime, ends_at: datetime | None
) -> bool:
    """Whether rights in a field, territory and period touch those that somebody has; empty is every field."""
    fields_touch = encumbrance.field.startswith(field) or field.startswith(encumbrance.field)
    territories_touch = WORLD in {encumbrance.territory, territory} or encumbrance.territory == territory
    starts_before = ends_at is None or encumbrance.starts_at < ends_at
    ends_after = encumbrance.ends_at is None or starts_at < encumbrance.ends_at
    return fields_touch and territories_touch and starts_before and ends_after
