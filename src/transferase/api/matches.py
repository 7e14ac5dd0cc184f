"""Matches of a listing with the reasons for and against, and what one's own side thinks of them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from ninja import Field, Query, Router, Schema
from pydantic import ConfigDict, StringConstraints

from transferase.api.auth import TOKEN, caller_of
from transferase.api.errors import KEY_PROBLEMS, WRITE_PROBLEMS, Problem
from transferase.api.listings import find_listing
from transferase.api.paging import Cursor, Limit, at_offset, link_next, offset_of
from transferase.api.rendering import listings_of
from transferase.api.schemas import WITHOUT_NUL, Code, Listing, Reason, RequirementContent, reason_of
from transferase.catalogue.models import Listing as ListingRow
from transferase.directory.rules import Permission
from transferase.foundation.errors import NotAllowed
from transferase.matching import queries as matching
from transferase.matching import services as judging
from transferase.matching.models import Judgement as JudgementRow
from transferase.matching.queries import MatchView

router = Router(tags=["matches"])

Verdict = Literal["interesting", "known", "not_for_us"]


class Page(Schema):
    """Which part of the list."""

    model_config = ConfigDict(extra="forbid")

    cursor: Cursor = ""
    limit: Limit = 20


class Part(Schema):
    """A part of a score; the points of all parts sum to the score."""

    name: str
    points: int
    value: float = Field(description="How well this part fits, 0 to 1.")
    weight: float


class Judgement(Schema):
    """What an organisation thinks of a match."""

    verdict: Verdict
    reason: str = Field(description="Vocabulary `decline_reason`.")
    note: str
    at: datetime


class Match(Schema):
    """A counterpart of a listing, how well it fits, and why."""

    listing: Listing
    score: int = Field(description="0 to 100.")
    parts: list[Part]
    because: list[Reason]
    misfits: list[Reason]
    missing: list[str] = Field(
        description="What is not stated, such as `offer.trl`; `offer.requirements` stands for what is in `to_check`."
    )
    to_check: list[RequirementContent] = Field(
        description="The requirements in numbers that are a must for the need: to be checked with the other side."
    )
    excluded_by: list[str] = Field(description="What rules the pair out however good the score is.")
    engine_version: str
    found_at: datetime
    judgement: Judgement | None = Field(description="Of your own organisation.")
    is_other_interested: bool = Field(description="Whether the other side called the match interesting.")


class Matches(Schema):
    """A page of matches, best first."""

    items: list[Match]
    next: str | None


class JudgementContent(Schema):
    """What your organisation thinks of a match."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"verdict": "not_for_us", "reason": "too_early"}]}
    )

    verdict: Verdict
    reason: Code = Field("", description="A code of the vocabulary `decline_reason`; asked for with `not_for_us`.")
    note: Annotated[str, StringConstraints(max_length=5_000, pattern=WITHOUT_NUL)] = ""


@router.get(
    "/listings/{uuid:listing_id}/matches", auth=TOKEN, response={200: Matches, KEY_PROBLEMS: Problem},
    operation_id="list_matches",
)  # fmt: skip
def list_matches(request: HttpRequest, response: HttpResponse, listing_id: UUID, page: Query[Page]) -> Matches:
    """The offers that answer a need, or the needs that an offer answers: for members of the owner."""
    caller = caller_of(request)
    caller.with_scope(Permission.MATCHING_MATCH_READ)
    listing = find_listing(listing_id, caller)
    if listing.owner_id not in caller.viewer.organisations and not caller.viewer.sees_everything:
        raise NotAllowed(permission=str(Permission.MATCHING_MATCH_READ), organisation=listing.owner_id)
    offset = offset_of(page.cursor)
    views = matching.matches_of(listing, viewer=caller.viewer, at=caller.at, limit=offset + page.limit + 1)[offset:]
    shown = views[: page.limit]
    following = at_offset(offset + page.limit) if len(views) > page.limit else None
    link_next(request, response, following)
    ids = [view.counterpart_id for view in shown]
    found = ListingRow.objects.visible_to(caller.viewer, caller.at).filter(pk__in=ids).select_related("owner")
    rendered = {rendering.id: rendering for rendering in listings_of(list(found), caller)}
    return Matches(
        items=[_match(view, rendered[view.counterpart_id]) for view in shown if view.counterpart_id in rendered],
        next=following,
    )


@router.post(
    "/listings/{uuid:listing_id}/matches/{uuid:counterpart_id}/judgement", auth=TOKEN,
    response={200: Judgement, WRITE_PROBLEMS: Problem}, operation_id="judge_match",
)  # fmt: skip
def judge_match(request: HttpRequest, listing_id: UUID, counterpart_id: UUID, content: JudgementContent) -> Judgement:
    """Say what your organisation, the owner of the listing, thinks of a match; a later judgement replaces it."""
    caller = caller_of(request)
    person = caller.with_scope(Permission.MATCHING_MATCH_JUDGE)
    own, other = find_listing(listing_id, caller), find_listing(counterpart_id, caller)
    if own.direction == other.direction:
        raise Http404
    need, offer = (own, other) if own.is_need else (other, own)
    judgement = judging.judge(
        actor=person, need=need, offer=offer, organisation=own.owner, verdict=content.verdict,
        reason=content.reason, note=content.note, at=caller.at,
    )  # fmt: skip
    return _judgement(judgement)


def _match(view: MatchView, listing: Listing) -> Match:
    return Match(
        listing=listing,
        score=view.score,
        parts=[Part(name=part.name, points=part.points, value=part.value, weight=part.weight) for part in view.parts],
        because=[reason_of(reason) for reason in view.because],
        misfits=[reason_of(misfit) for misfit in view.misfits],
        missing=list(view.missing),
        to_check=[RequirementContent.model_construct(**vars(required)) for required in view.to_check],
        excluded_by=list(view.excluded_by),
        engine_version=view.engine_version,
        found_at=view.found_at,
        judgement=_judgement(view.judgement) if view.judgement else None,
        is_other_interested=view.is_other_interested,
    )


def _judgement(row: JudgementRow) -> Judgement:
    return Judgement(verdict=row.verdict, reason=row.reason, note=row.note, at=row.at)  # type: ignore[arg-type]
