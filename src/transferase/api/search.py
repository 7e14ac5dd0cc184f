"""Search across the three languages, by words or by a whole text."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from ninja import Field, Query, Router, Schema
from pydantic import ConfigDict, StringConstraints

from transferase.api.asked import require_ascending, require_known
from transferase.api.auth import ANYBODY, caller_of
from transferase.api.errors import READ_PROBLEMS, Problem
from transferase.api.listings import Moment
from transferase.api.paging import DEEPEST_OFFSET, Cursor, Limit, at_offset, link_next, offset_of
from transferase.api.rendering import listings_of
from transferase.api.schemas import WITHOUT_NUL, Code, Direction, Language, Listing, Reason, reason_of
from transferase.catalogue.models import Listing as ListingRow
from transferase.matching import queries as matching
from transferase.matching.rules import Filters

router = Router(tags=["search"])


class SearchFilters(Schema):
    """What is sought; lists are given by repeating the parameter, one of the values is enough."""

    model_config = ConfigDict(extra="forbid")

    q: Annotated[str, StringConstraints(max_length=5_000, pattern=WITHOUT_NUL)] = Field(
        "", description="Words, or a whole text, in any of the three languages; empty lists what is newest.",
        examples=["해조류 포장 필름"],
    )  # fmt: skip
    direction: Direction | None = None
    field: list[Code] = Field([], max_length=35, description="Fields of technology, vocabulary `field`.")
    ipc: str = Field("", pattern=r"^([A-HY][0-9A-Z /]{0,18})?$", description="The beginning of an IPC symbol.")
    trl_from: int | None = Field(None, ge=1, le=9)
    trl_to: int | None = Field(None, ge=1, le=9)
    country: list[Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]] = Field([], max_length=50)
    transfer_mode: list[Code] = Field([], max_length=50)
    language: list[Language] = Field([], description="Language that the listing was written in.")
    organisation: int | None = Field(None, ge=1, le=2**63 - 1)
    published_since: Moment | None = Field(None, description="What was published after this time.")
    reader: Language = Field("en", description="Language of the reader: snippets are given in it where possible.")
    cursor: Cursor = ""
    limit: Limit = 20


class Snippet(Schema):
    """A passage of a text, and the stretches in it that were found, as positions [start, end)."""

    text: str
    marks: list[tuple[int, int]]


class Hit(Schema):
    """A listing that was found, and why."""

    listing: Listing
    language: Language = Field(description="Language of the text that was found.")
    score: int = Field(description="0 to 100.")
    because: list[Reason]
    snippet: Snippet | None
    is_machine_made: bool = Field(description="Whether a machine translated the text that was found.")


class FacetValue(Schema):
    """How many results a value of a filter would leave."""

    value: str
    count: int


class Results(Schema):
    """A page of results, best first."""

    items: list[Hit]
    total: int
    is_capped: bool = Field(False, description="Whether there are more than `total`; the newest are counted.")
    facets: dict[str, list[FacetValue]]
    without: dict[str, int] = Field(description="How many there would be without each filter that was set.")
    did_you_mean: str | None
    is_far: bool = Field(
        description="True when nothing fits closely: the items hold no word of the text and are only the nearest ones."
    )
    meaning_is_available: bool = Field(description="False when only words could be compared.")
    milliseconds: float
    next: str | None


@router.get("/search", auth=ANYBODY, response={200: Results, READ_PROBLEMS: Problem}, operation_id="search")
def search(request: HttpRequest, response: HttpResponse, filters: Query[SearchFilters]) -> Results:
    """Find offers and needs by words and by meaning."""
    require_ascending(filters.trl_from, filters.trl_to)
    require_known(
        country=("country", filters.country),
        field=("field", filters.field),
        transfer_mode=("transfer_mode", filters.transfer_mode),
    )
    caller = caller_of(request)
    offset = offset_of(filters.cursor)
    result = matching.search(
        viewer=caller.viewer,
        at=caller.at,
        text=filters.q,
        direction=filters.direction,
        filters=Filters(
            fields=tuple(filters.field),
            ipc=filters.ipc,
            trl_low=filters.trl_from,
            trl_high=filters.trl_to,
            countries=tuple(filters.country),
            transfer_modes=tuple(filters.transfer_mode),
            languages=tuple(filters.language),
            organisation_id=filters.organisation,
            published_since=filters.published_since,
        ),
        language=filters.reader,
        limit=filters.limit,
        offset=offset,
    )
    ids = [hit.listing_id for hit in result.hits]
    found = ListingRow.objects.visible_to(caller.viewer, caller.at).filter(pk__in=ids).select_related("owner")
    rendered: dict[UUID, Listing] = {listing.id: listing for listing in listings_of(list(found), caller)}
    end = offset + len(result.hits)
    following = at_offset(end) if result.hits and end < result.total and end <= DEEPEST_OFFSET else None
    link_next(request, response, following)
    return Results(
        items=[
            Hit(
                listing=rendered[hit.listing_id],
                language=hit.language,  # type: ignore[arg-type]
                score=hit.score,
                because=[reason_of(reason) for reason in hit.because],
                snippet=Snippet(text=hit.snippet.text, marks=list(hit.snippet.marks)) if hit.snippet else None,
                is_machine_made=hit.is_machine_made,
            )
            for hit in result.hits
            if hit.listing_id in rendered
        ],
        total=result.total,
        is_capped=result.is_capped,
        facets={
            name: [FacetValue(value=str(value), count=count) for value, count in values]
            for name, values in result.facets.items()
        },
        without=dict(result.without),
        did_you_mean=result.did_you_mean,
        is_far=result.is_far and not offset,
        meaning_is_available=result.meaning_is_available,
        milliseconds=round(result.milliseconds, 1),
        next=following,
    )
