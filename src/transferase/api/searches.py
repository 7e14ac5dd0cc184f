"""Searches that the person of a token keeps; what is new in them is told by the same person's mails and desk."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from django.http import Http404, HttpRequest, HttpResponse
from ninja import Field, Router, Schema, Status
from pydantic import ConfigDict, StringConstraints

from transferase.api.auth import TOKEN, caller_of
from transferase.api.errors import KEY_PROBLEMS, WRITE_PROBLEMS, Problem
from transferase.api.schemas import WITHOUT_NUL, Code, Direction, Language
from transferase.directory.rules import Permission
from transferase.matching import queries, services
from transferase.matching.models import SavedSearch as SearchRow
from transferase.matching.rules import LONGEST_NAME, LONGEST_TEXT, Filters, SearchDraft, read_filters

router = Router(tags=["searches"])

Country = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]


class SearchContent(Schema):
    """A search to be kept, in the words of `/search`."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"name": "Seaweed films", "q": "해조류 포장 필름", "direction": "offer"}]},
    )

    name: Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_NAME, pattern=WITHOUT_NUL)] = Field(
        description="Your name for it; you can use it once."
    )
    q: Annotated[str, StringConstraints(max_length=LONGEST_TEXT, pattern=WITHOUT_NUL)] = ""
    direction: Direction | None = None
    field: list[Code] = Field([], max_length=35, description="Vocabulary `field`.")
    ipc: str = Field("", pattern=r"^([A-HY][0-9A-Z /]{0,18})?$", description="The beginning of an IPC symbol.")
    trl_from: int | None = Field(None, ge=1, le=9)
    trl_to: int | None = Field(None, ge=1, le=9)
    country: list[Country] = Field([], max_length=50)
    transfer_mode: list[Code] = Field([], max_length=50)
    language: list[Language] = Field([], max_length=3, description="Language that the listing was written in.")
    organisation: int | None = Field(None, ge=1, le=2**63 - 1)
    reader: Language = Field("en", description="Language of the reader.")


class SavedSearch(SearchContent):
    """A search that is kept."""

    id: int
    created_at: datetime
    looked_at: datetime = Field(description="Pass it to `/search` as `published_since` to get what is new.")


class SavedSearches(Schema):
    """All searches of the person, by name."""

    items: list[SavedSearch]


@router.get("/searches", auth=TOKEN, response={200: SavedSearches, KEY_PROBLEMS: Problem}, operation_id="list_searches")
def list_searches(request: HttpRequest) -> SavedSearches:
    """The searches that the person of the token keeps."""
    person = caller_of(request).with_scope(Permission.MATCHING_SEARCH_READ)
    return SavedSearches(items=[_rendered(row) for row in queries.searches_of(person)])


@router.post("/searches", auth=TOKEN, response={201: SavedSearch, WRITE_PROBLEMS: Problem}, operation_id="save_search")
def save_search(request: HttpRequest, response: HttpResponse, content: SearchContent) -> Status[SavedSearch]:
    """Keep a search; from now on the desk counts what is new in it, and mails tell it if they are switched on."""
    caller = caller_of(request)
    person = caller.with_scope(Permission.MATCHING_SEARCH_WRITE)
    draft = SearchDraft(
        name=content.name,
        text=content.q,
        direction=content.direction or "",
        language=content.reader,
        filters=Filters(
            fields=tuple(content.field),
            ipc=content.ipc,
            trl_low=content.trl_from,
            trl_high=content.trl_to,
            countries=tuple(content.country),
            transfer_modes=tuple(content.transfer_mode),
            languages=tuple(content.language),
            organisation_id=content.organisation,
        ),
    )
    saved = services.save_search(actor=person, person=person, draft=draft, at=caller.at)
    response["Location"] = request.build_absolute_uri(f"{request.path}/{saved.pk}")
    return Status(201, _rendered(saved))


@router.delete(
    "/searches/{int:search_id}", auth=TOKEN, response={200: SavedSearch, WRITE_PROBLEMS: Problem},
    operation_id="delete_search",
)  # fmt: skip
def delete_search(request: HttpRequest, search_id: int) -> SavedSearch:
    """Delete a saved search and answer what it was."""
    caller = caller_of(request)
    person = caller.with_scope(Permission.MATCHING_SEARCH_WRITE)
    saved = next((row for row in queries.searches_of(person) if row.pk == search_id), None)
    if saved is None:
        raise Http404
    told = _rendered(saved)
    services.forget_search(actor=person, search=saved, at=caller.at)
    return told


def _rendered(row: SearchRow) -> SavedSearch:
    filters = read_filters(row.filters)
    return SavedSearch(
        id=row.pk,
        name=row.name,
        q=row.text,
        direction=row.direction or None,  # type: ignore[arg-type]
        field=list(filters.fields),
        ipc=filters.ipc,
        trl_from=filters.trl_low,
        trl_to=filters.trl_high,
        country=list(filters.countries),
        transfer_mode=list(filters.transfer_modes),
        language=list(filters.languages),  # type: ignore[arg-type]
        organisation=filters.organisation_id,
        reader=row.language,  # type: ignore[arg-type]
        created_at=row.created_at,
        looked_at=row.looked_at,
    )
