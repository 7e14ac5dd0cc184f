"""What may be asked of a search and what may be said of a match."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any, Final

from transferase.catalogue.models import Direction
from transferase.directory.rules import Permission, may
from transferase.foundation.errors import DomainError, NotAllowed, Problem
from transferase.foundation.languages import LANGUAGES, Language
from transferase.matching._proving import AlreadyInForce as AlreadyInForce
from transferase.matching._proving import Measurement as Measurement
from transferase.matching._proving import NotAMeasurement as NotAMeasurement
from transferase.matching._proving import NothingApproved as NothingApproved
from transferase.matching._proving import OtherBase as OtherBase
from transferase.matching._proving import TooFewJudgements as TooFewJudgements
from transferase.matching._proving import UnknownWeights as UnknownWeights
from transferase.matching._saving import ITEMS as ITEMS
from transferase.matching._saving import LETTERS as LETTERS
from transferase.matching._saving import LONGEST_NAME as LONGEST_NAME
from transferase.matching._saving import LONGEST_TEXT as LONGEST_TEXT
from transferase.matching._saving import NameTaken as NameTaken
from transferase.matching._saving import TooManySearches as TooManySearches
from transferase.matching._saving import check_subscription as check_subscription
from transferase.matching._saving import current_period as current_period
from transferase.matching._saving import pause_after as pause_after
from transferase.matching._saving import period_of as period_of
from transferase.matching.models import Verdict

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from datetime import datetime

    from transferase.catalogue.models import Listing
    from transferase.directory.models import Organisation, Person
    from transferase.foundation.ledger import System


# The codes that a match and a search result speak in; doors put them into words.
PARTS: Final = ("meaning", "words", "field", "readiness", "transfer", "territory", "partner")
REASONS: Final = (
    "sentence_pair",
    "shared_terms",
    "shared_concepts",
    "shared_field",
    "readiness_fits",
    "transfer_mode_fits",
    "territory_fits",
    "partner_fits",
)
SEARCH_REASONS: Final = ("found_words", "close_meaning", "newest")
MISFITS: Final = (
    "field_differs",
    "readiness_below",
    "readiness_above",
    "transfer_mode_differs",
    "transfer_mode_excluded",
    "exclusivity_differs",
    "territory_outside",
    "partner_differs",
    "country_excluded",
    "rights_granted",
)
MISSING: Final = (
    "meaning",
    "words",
    *(f"{side}.{fact}" for side in ("need", "offer") for fact in ("ipc", "trl", "transfer_modes", "territory")),
    "offer.partner_kinds",
    "offer.requirements",
)
EXCLUSIONS: Final = ("transfer_mode", "country", "rights_taken")
# Fewer organisations than this would be recognised in a count of what they declined and why.
FEWEST_TOLD: Final = 3


class NoMatch(DomainError):
    """There is no match between this need and this offer that this side may see."""

    code = "no_match"


class ReasonNeeded(DomainError):
    """Whoever says that a match is not for them says why, with a code of the vocabulary `decline_reason`."""

    code = "reason_needed"


@dataclass(frozen=True)
class Filters:
    """What a result must be; an empty field asks nothing. Within a field one of the values is enough."""

    fields: tuple[str, ...] = ()  # WIPO's fields of technology
    ipc: str = ""  # the beginning of a code: "H01M", "H01M 10"
    trl_low: int | None = None
    trl_high: int | None = None
    countries: tuple[str, ...] = ()
    transfer_modes: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()  # that the listing was written in
    organisation_id: int | None = None
    published_since: datetime | None = None

    @property
    def is_empty(self) -> bool:
        return all(getattr(self, f.name) in {(), "", None} for f in fields(self))


@dataclass(frozen=True)
class SearchDraft:
    """A search to be saved, as a form or the API hands it over; its filters ask for no time."""

    name: str
    filters: Filters = Filters()
    text: str = ""
    direction: str = ""
    language: str = Language.EN  # of the reader


def clean_search(draft: SearchDraft) -> SearchDraft:
    """The search as it is stored: name and words in one line each, without what the database does not keep."""
    return replace(
        draft,
        name=" ".join(draft.name.replace("\x00", "").split()),
        text=" ".join(draft.text.replace("\x00", " ").split()),
        filters=replace(draft.filters, published_since=None),
    )


def check_search(draft: SearchDraft) -> Iterator[Problem]:
    """What is wrong with a cleaned search."""
    if not draft.name:
        yield Problem("name", "required")
    if len(draft.name) > LONGEST_NAME:
        yield Problem("name", "too_long", {"longest": LONGEST_NAME})
    if len(draft.text) > LONGEST_TEXT:
        yield Problem("text", "too_long", {"longest": LONGEST_TEXT})
    if draft.direction not in {"", *Direction.values}:
        yield Problem("direction", "unknown_code", {"value": draft.direction})
    if draft.language not in LANGUAGES:
        yield Problem("language", "unknown_language", {"language": draft.language})


def stored_filters(filters: Filters) -> dict[str, Any]:
    """The filters that ask something, as a saved search keeps them."""
    told = {f.name: getattr(filters, f.name) for f in fields(filters) if f.name != "published_since"}
    return {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in told.items()
        if value not in {(), "", None}
    }


def read_filters(stored: Mapping[str, Any], published_since: datetime | None = None) -> Filters:
    """The filters of a saved search; one that no longer exists asks nothing."""
    known = {f.name for f in fields(Filters)}
    told: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in stored.items() if name in known
    }
    return Filters(**{**told, "published_since": published_since})


def side_of(actor: Person | System, organisation: Organisation, need: Listing, offer: Listing) -> Listing:
    """The own listing of the organisation in a pair; only its members may speak for it."""
    own = next((listing for listing in (need, offer) if listing.owner_id == organisation.pk), None)
    if own is None or not may(actor, Permission.MATCHING_MATCH_JUDGE, organisation.pk):
        raise NotAllowed(permission=str(Permission.MATCHING_MATCH_JUDGE), organisation=organisation.pk)
    return own


def require_reason(verdict: str, reason: str, known: Collection[str]) -> None:
    """Let a judgement pass if its verdict is one and, where it declines, its reason is in the vocabulary."""
    if verdict not in set(Verdict):
        raise ReasonNeeded(verdict=verdict)
    if (verdict == Verdict.NOT_FOR_US or reason) and reason not in known:
        raise ReasonNeeded(verdict=verdict, reason=reason)
