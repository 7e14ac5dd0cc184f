"""Offers and needs: read what may be seen, keep those of one's organisation up to date."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse
from ninja import Field, Query, Router, Schema, Status
from pydantic import AwareDatetime, BeforeValidator, ConfigDict

from transferase.api.asked import require_ascending, require_known
from transferase.api.auth import ANYBODY, TOKEN, Caller, caller_of
from transferase.api.errors import READ_PROBLEMS, WRITE_PROBLEMS, Problem
from transferase.api.paging import Cursor, Limit, after_id, id_of, link_next
from transferase.api.rendering import listing_of, listings_of
from transferase.api.schemas import (
    Code,
    Direction,
    Facts,
    Listing,
    ListingChange,
    ListingContent,
    ListingPage,
    ListingReplacement,
    State,
    TextContent,
)
from transferase.catalogue import services as catalogue
from transferase.catalogue.models import Listing as ListingRow
from transferase.catalogue.models import Scheme
from transferase.catalogue.queries import draft_of
from transferase.catalogue.rules import ListingDraft, RequirementDraft, RightDraft, TextDraft
from transferase.directory.models import Organisation
from transferase.directory.rules import Permission
from transferase.foundation.errors import InvalidContent, NotAllowed
from transferase.foundation.errors import Problem as RuleProblem

if TYPE_CHECKING:
    from transferase.directory.rules import Viewer

router = Router(tags=["listings"])


def _iso(told: object) -> object:
    """Let only dates with time pass: a bare number would be read as seconds since 1970."""
    if isinstance(told, str) and not ISO_DATE.match(told):
        raise ValueError("write it as 2026-11-24T09:00:00Z")
    return told


ISO_DATE = re.compile(r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:")
Moment = Annotated[AwareDatetime, BeforeValidator(_iso)]


class ListingFilters(Schema):
    """What a list of listings is narrowed to."""

    model_config = ConfigDict(extra="forbid")

    direction: Direction | None = None
    state: State | None = Field(None, description="Others than `published` only of your own organisation.")
    organisation: int | None = Field(None, ge=1, le=2**63 - 1, description="Id of the owner.")
    country: str | None = Field(None, pattern=r"^[A-Z]{2}$")
    field: Code | None = Field(None, description="A field of technology, vocabulary `field`.")
    ipc: str | None = Field(None, pattern=r"^[A-HY][0-9A-Z /]{0,18}$", description="The beginning of an IPC symbol.")
    transfer_mode: Code | None = None
    trl_from: int | None = Field(None, ge=1, le=9)
    trl_to: int | None = Field(None, ge=1, le=9)
    external_id: str | None = Field(None, max_length=200, pattern=r"^[^\x00]*$")
    revised_since: Moment | None = Field(None, description="For harvesting: what was revised at or after this time.")
    cursor: Cursor = ""
    limit: Limit = 20


class WithdrawReason(Schema):
    """Why a listing is withdrawn."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"reason": "replaced"}]})

    reason: Code = Field(description="A code of the vocabulary `withdraw_reason`.")


@router.get(
    "/listings", auth=ANYBODY, response={200: ListingPage, READ_PROBLEMS: Problem}, operation_id="list_listings"
)
def list_listings(request: HttpRequest, response: HttpResponse, filters: Query[ListingFilters]) -> ListingPage:
    """Listings that the caller may see, newest first."""
    require_ascending(filters.trl_from, filters.trl_to)
    require_known(
        country=("country", [filters.country or ""]),
        field=("field", [filters.field or ""]),
        transfer_mode=("transfer_mode", [filters.transfer_mode or ""]),
    )
    caller = caller_of(request)
    found = ListingRow.objects.visible_to(caller.viewer, caller.at).filter(*_conditions(filters, caller.viewer))
    if filters.cursor:
        found = found.filter(pk__lt=id_of(filters.cursor))
    rows = list(found.select_related("owner").distinct().order_by("-pk")[: filters.limit + 1])
    shown = rows[: filters.limit]
    following = after_id(shown[-1].pk) if len(rows) > len(shown) else None
    link_next(request, response, following)
    return ListingPage(items=listings_of(shown, caller), next=following)


@router.get(
    "/listings/{uuid:listing_id}", auth=ANYBODY, response={200: Listing, READ_PROBLEMS: Problem},
    operation_id="read_listing",
)  # fmt: skip
def read_listing(request: HttpRequest, listing_id: UUID) -> Listing:
    """One listing, with the texts that the caller may read."""
    caller = caller_of(request)
    return listing_of(find_listing(listing_id, caller), caller)


@router.post("/listings", auth=TOKEN, response={201: Listing, WRITE_PROBLEMS: Problem}, operation_id="record_listing")
def record_listing(request: HttpRequest, response: HttpResponse, content: ListingContent) -> Status[Listing]:
    """Record an offer or a need as a draft of your organisation; `submit` publishes it or asks for review."""
    caller = caller_of(request)
    person = caller.with_scope(Permission.CATALOGUE_LISTING_WRITE)
    owner = _owner(content, caller)
    listing = catalogue.record_listing(actor=person, owner=owner, draft=_draft(content, owner), at=caller.at)
    response["Location"] = request.build_absolute_uri(f"{request.path}/{listing.pk}")
    return Status(201, _as_written(listing, caller))


@router.put(
    "/listings/{uuid:listing_id}", auth=TOKEN, response={200: Listing, WRITE_PROBLEMS: Problem},
    operation_id="replace_listing",
)  # fmt: skip
def replace_listing(request: HttpRequest, listing_id: UUID, content: ListingReplacement) -> Listing:
    """Replace the whole content of a listing of your organisation; its state stays."""
    caller = caller_of(request)
    person = caller.with_scope(Permission.CATALOGUE_LISTING_WRITE)
    listing = find_listing(listing_id, caller)
    draft = ListingDraft(
        **_with_country(content, listing.owner),
        texts=_texts(content.texts),
        direction=listing.direction,
        original_language=content.original_language or content.texts[0].language,
        source=listing.source,
        external_id=listing.external_id,
        source_url=content.source_url,
        attribution=listing.attribution,
    )
    listing = catalogue.revise(actor=person, listing=listing, draft=draft, at=caller.at, reviews=caller.reviews)
    return _as_written(listing, caller)


@router.patch(
    "/listings/{uuid:listing_id}", auth=TOKEN, response={200: Listing, WRITE_PROBLEMS: Problem},
    operation_id="revise_listing",
)  # fmt: skip
def revise_listing(request: HttpRequest, listing_id: UUID, content: ListingChange) -> Listing:
    """Change some fields of a listing of your organisation; its state stays."""
    caller = caller_of(request)
    person = caller.with_scope(Permission.CATALOGUE_LISTING_WRITE)
    listing = find_listing(listing_id, caller)
    given = content.model_fields_set
    before = draft_of(listing)
    changes = {name: value for name, value in _common(content).items() if name in given}
    if content.texts is not None:
        kept = {(text.language, text.tier): text for text in before.texts}
        kept |= {(text.language, text.tier): text for text in _texts(content.texts)}
        changes["texts"] = tuple(kept.values())
    if content.original_language:
        changes["original_language"] = content.original_language
    if "source_url" in given:
        changes["source_url"] = content.source_url
    listing = catalogue.revise(
        actor=person, listing=listing, draft=replace(before, **changes), at=caller.at, reviews=caller.reviews
    )
    return _as_written(listing, caller)


@router.post(
    "/listings/{uuid:listing_id}/withdraw", auth=TOKEN, response={200: Listing, WRITE_PROBLEMS: Problem},
    operation_id="withdraw_listing",
)  # fmt: skip
def withdraw_listing(request: HttpRequest, listing_id: UUID, content: WithdrawReason) -> Listing:
    """Take a listing of your organisation back, with a reason."""
    caller = caller_of(request)
    person = caller.with_scope(Permission.CATALOGUE_LISTING_WRITE)
    listing = find_listing(listing_id, caller)
    listing = catalogue.withdraw(actor=person, listing=listing, reason=content.reason, at=caller.at)
    return _as_written(listing, caller)


@router.post(
    "/listings/{uuid:listing_id}/submit", auth=TOKEN, response={200: Listing, WRITE_PROBLEMS: Problem},
    operation_id="submit_listing",
)  # fmt: skip
def submit_listing(request: HttpRequest, listing_id: UUID) -> Listing:
    """Publish a listing of your organisation at once (verified organisations), or ask for its review.

    A token of a reviewer or an operator publishes without a review only with the scope `catalogue:listing:review`.
    """
    return _moved(request, listing_id, partial(catalogue.submit, reviews=caller_of(request).reviews))


@router.post(
    "/listings/{uuid:listing_id}/pause", auth=TOKEN, response={200: Listing, WRITE_PROBLEMS: Problem},
    operation_id="pause_listing",
)  # fmt: skip
def pause_listing(request: HttpRequest, listing_id: UUID) -> Listing:
    """Hide a published listing of your organisation for a while."""
    return _moved(request, listing_id, catalogue.pause)


@router.post(
    "/listings/{uuid:listing_id}/resume", auth=TOKEN, response={200: Listing, WRITE_PROBLEMS: Problem},
    operation_id="resume_listing",
)  # fmt: skip
def resume_listing(request: HttpRequest, listing_id: UUID) -> Listing:
    """Show a paused listing of your organisation again."""
    return _moved(request, listing_id, catalogue.resume)


@router.post(
    "/listings/{uuid:listing_id}/confirm", auth=TOKEN, response={200: Listing, WRITE_PROBLEMS: Problem},
    operation_id="confirm_listing",
)  # fmt: skip
def confirm_listing(request: HttpRequest, listing_id: UUID) -> Listing:
    """Say that a listing of your organisation still holds, so that it is shown for longer."""
    return _moved(request, listing_id, catalogue.confirm)


def _moved(request: HttpRequest, listing_id: UUID, step: Callable[..., ListingRow]) -> Listing:
    caller = caller_of(request)
    person = caller.with_scope(Permission.CATALOGUE_LISTING_WRITE)
    return _as_written(step(actor=person, listing=find_listing(listing_id, caller), at=caller.at), caller)


def find_listing(listing_id: UUID, caller: Caller) -> ListingRow:
    """The listing, if the caller may see it."""
    found = ListingRow.objects.visible_to(caller.viewer, caller.at).filter(pk=listing_id).select_related("owner")
    listing = found.first()
    if listing is None:
        raise Http404
    return listing


def _as_written(listing: ListingRow, caller: Caller) -> Listing:
    """The listing read anew: a service may have changed more of it than was asked for."""
    return listing_of(find_listing(listing.pk, caller), caller)


def _conditions(filters: ListingFilters, viewer: Viewer) -> list[Q]:
    asked: dict[str, Any] = {
        "direction": filters.direction,
        "state": filters.state,
        "country": filters.country,
        "trl_high__gte": filters.trl_from,
        "trl_low__lte": filters.trl_to,
        "revised_at__gte": filters.revised_since,
        "external_id": filters.external_id,
        "owner_id": filters.organisation,
    }
    conditions = [Q(**{name: value}) for name, value in asked.items() if value is not None]
    if not viewer.sees_everything and (filters.organisation is not None or filters.external_id):
        # An anonymous owner must not be found by its id or by numbers that only it uses.
        conditions.append(Q(is_anonymous=False) | Q(owner_id__in=viewer.organisations))
    if filters.transfer_mode:
        conditions.append(Q(transfer_modes__contains=[filters.transfer_mode]))
    if filters.field:
        conditions.append(Q(classifications__scheme=Scheme.FIELD, classifications__code=filters.field))
    if filters.ipc:
        conditions.append(Q(classifications__scheme=Scheme.IPC, classifications__code__startswith=filters.ipc))
    return conditions


def _common(content: Facts) -> dict[str, Any]:
    """The facts of a content as fields of a draft."""
    facts = {name: getattr(content, name) for name in Facts.model_fields if name not in {"rights", "requirements"}}
    for name, value in facts.items():
        if isinstance(value, list):
            facts[name] = tuple(value)
    facts["rights"] = tuple(RightDraft(**right.model_dump()) for right in content.rights)
    facts["requirements"] = tuple(RequirementDraft(**required.model_dump()) for required in content.requirements)
    return facts


def _with_country(content: Facts, owner: Organisation) -> dict[str, Any]:
    """The facts of a whole content; as in the form, who states no country is where its organisation is."""
    return _common(content) | {"country": content.country or owner.country}


def _texts(texts: Sequence[TextContent]) -> tuple[TextDraft, ...]:
    return tuple(TextDraft(**text.model_dump()) for text in texts)


def _owner(content: ListingContent, caller: Caller) -> Organisation:
    own = caller.viewer.organisations
    if content.organisation is None and len(own) != 1:
        raise InvalidContent(problems=(RuleProblem("organisation", "required"),))
    number = content.organisation or next(iter(own))
    owner = Organisation.objects.visible_to(caller.viewer).filter(pk=number).first()
    if owner is None:
        raise NotAllowed(permission=str(Permission.CATALOGUE_LISTING_WRITE), organisation=number)
    return owner


def _draft(content: ListingContent, owner: Organisation) -> ListingDraft:
    return ListingDraft(
        **_with_country(content, owner),
        texts=_texts(content.texts),
        direction=content.direction,
        original_language=content.original_language or content.texts[0].language,
        external_id=content.external_id,
        # The numbers of two organisations must not collide: each has a space of its own.
        source=f"api:{owner.pk}" if content.external_id else "",
        source_url=content.source_url,
    )
