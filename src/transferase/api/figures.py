"""How a listing fares, for members of its owner."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from django.http import HttpRequest
from ninja import Field, Router, Schema

from transferase.api.auth import TOKEN, caller_of
from transferase.api.errors import KEY_PROBLEMS, Problem
from transferase.api.listings import find_listing
from transferase.directory.rules import Permission
from transferase.matching import queries
from transferase.matching.rules import FEWEST_TOLD

router = Router(tags=["figures"])


class MonthFigures(Schema):
    """One month."""

    month: date = Field(description="Its first day.")
    found: int
    opened: int
    interesting: int


class ReasonCount(Schema):
    """How often a reason was given."""

    reason: str = Field(description="Vocabulary `decline_reason`.")
    count: int


class Missing(Schema):
    """Something that the listing does not say."""

    fact: str = Field(description="`trl`, `ipc`, `transfer_modes`, `territory`, `partner_kinds`, or a language code.")
    matches: int = Field(description="In how many matches the other side would learn from it.")


class Figures(Schema):
    """How a listing fares: readers outside its organisation are counted, never who they are."""

    found: int = Field(description="How often it stood on a page of search results that a person opened.")
    opened: int = Field(description="How often its page was opened.")
    interesting: int = Field(description="Other organisations that called a match with it interesting.")
    known: int | None = Field(description="Null as long as `declined` is.")
    declined: int | None = Field(
        description=f"Until last Monday; null until {FEWEST_TOLD} organisations have declined or known it already."
    )
    reasons: list[ReasonCount] | None = Field(
        description=f"Why they declined; null until {FEWEST_TOLD} organisations have declined."
    )
    months: list[MonthFigures] = Field(description="The last twelve at most, oldest first.")
    missing: list[Missing] = Field(description="What to add to be found, what informs most matches first.")


@router.get(
    "/listings/{uuid:listing_id}/figures", auth=TOKEN, response={200: Figures, KEY_PROBLEMS: Problem},
    operation_id="read_figures",
)  # fmt: skip
def read_figures(request: HttpRequest, listing_id: UUID) -> Figures:
    """How often a listing of your organisation was found and opened, what others said, and what it should say."""
    caller = caller_of(request)
    caller.with_scope(Permission.MATCHING_MATCH_READ)
    listing = find_listing(listing_id, caller)
    told = queries.figures_of(listing, caller.viewer, caller.at)
    replies = told.totals.replies
    return Figures(
        found=told.totals.found,
        opened=told.totals.opened,
        interesting=replies.interesting,
        known=replies.known,
        declined=replies.declined,
        reasons=None
        if replies.reasons is None
        else [ReasonCount(reason=reason, count=count) for reason, count in replies.reasons],
        months=[
            MonthFigures(month=row.month, found=row.found, opened=row.opened, interesting=row.interesting)
            for row in told.months
        ],
        missing=[
            Missing(fact=gap.fact, matches=gap.matches) for gap in queries.gaps_of(listing, caller.viewer, caller.at)
        ],
    )
