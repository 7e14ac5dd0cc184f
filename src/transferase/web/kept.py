"""What was typed into the steps of a listing and not saved yet: kept as one writes, and found again afterwards."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from uuid import UUID

from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import redirect, render, resolve_url
from django.views.decorators.http import require_POST

from transferase.catalogue import queries, rules
from transferase.catalogue.models import Direction, Listing
from transferase.foundation import typed
from transferase.foundation.ledger import reference
from transferase.web.accounts import onward, person_of
from transferase.web.unsaved import registered

if TYPE_CHECKING:
    from datetime import datetime

    from transferase.directory.models import Person
    from transferase.web.middleware import PageRequest

STEPS: Final = ("what", "facts", "readers")
# What a form says beside what was typed.
SILENT: Final = frozenset({"csrfmiddlewaretoken", "act", "take"})
# A page that holds nothing but these was not written on.
PRESET: Final = frozenset({"language", "owner", "draft", "version"})
SHOWN: Final = 90
MOST_DIGITS: Final = 9


@dataclass(frozen=True)
class Unfinished:
    """Something that was typed and not saved: what it is called, when that was, where it goes on."""

    title: str
    listing_id: UUID
    step: str
    at: datetime
    direction: str
    is_new: bool
    address: str
    forget_address: str


def place_of(direction: str, listing_id: UUID, step: str) -> str:
    """The name under which the text of a step is kept."""
    return f"{direction}/{listing_id}/{step}"


# Somebody who signed out meanwhile is not sent to sign in by a request that nobody sees.
@require_POST
def keep_typed(request: PageRequest, direction: str, listing_id: UUID, step: str) -> HttpResponse:
    """Keep what stands in the form now."""
    _check(direction, step)
    if request.person is None:
        return HttpResponse(status=401)
    if _was_overtaken(request, request.person, listing_id):
        # No fault, but nothing is kept either: the page goes on asking before it is left.
        return HttpResponse(status=204)
    if not keep(request, request.person, place_of(direction, listing_id, step)):
        return HttpResponse(status=413)
    return render(request, "catalogue/listing_edit_kept.html", {"at": request.at})


@registered
@require_POST
def forget_typed(request: PageRequest, direction: str, listing_id: UUID, step: str) -> HttpResponse:
    """Throw away what was typed and not saved."""
    _check(direction, step)
    typed.forget(person_of(request), place_of(direction, listing_id, step))
    return redirect(onward(request, "desk"))


def keep(request: PageRequest, person: Person, place: str) -> bool:
    """Keep what was posted under a place; an empty page is not worth it."""
    said = request.POST.copy()
    for name in SILENT:
        said.pop(name, None)
    if not any(any(values) for name, values in said.lists() if name not in PRESET):
        typed.forget(person, place)
        return True
    return typed.keep(owner=person, place=place, content=said.urlencode(), at=request.at)


def found(request: PageRequest, place: str) -> tuple[QueryDict, datetime] | None:
    """What the person left at a place, and when."""
    row = typed.kept(person_of(request), place)
    return (QueryDict(row.content), row.at) if row else None


def unfinished(request: PageRequest, direction: str = "") -> list[Unfinished]:
    """Everything that the person typed and has not saved, newest first; of one direction, only what is new."""
    rows = []
    for row in typed.all_kept(person_of(request)):
        kind, name, step = row.place.split("/")
        if not direction or kind == direction:
            rows.append((row, kind, UUID(name), step))
    known = {
        listing.pk: listing
        for listing in Listing.objects.visible_to(request.viewer, request.at).filter(pk__in=[row[2] for row in rows])
    }
    shown = []
    for row, kind, listing_id, step in rows:
        listing = known.get(listing_id)
        if listing is None and step != "what":
            continue
        if listing is not None and (direction or not rules.may_edit(person_of(request), listing)):
            continue
        said = QueryDict(row.content)
        title = said.get("title") or said.get("summary") or (_title_of(listing) if listing else "")
        where = f"{resolve_url(f'{kind}_edit', listing_id, step)}?typed=1"
        shown.append(
            Unfinished(
                title=title[:SHOWN],
                listing_id=listing_id,
                step=step,
                at=row.at,
                direction=kind,
                is_new=listing is None,
                address=where if listing else f"{resolve_url(f'{kind}_new')}?draft={listing_id}",
                forget_address=resolve_url("forget_typed", kind, listing_id, step),
            )
        )
    return shown


def forget_listing(request: PageRequest, listing: Listing) -> None:
    """Throw away what the person typed for a listing that is no more."""
    for step in STEPS:
        typed.forget(person_of(request), place_of(listing.direction, listing.pk, step))


def _was_overtaken(request: PageRequest, person: Person, listing_id: UUID) -> bool:
    """Whether the person has saved the listing since the page was opened: then what it held is saved or given up."""
    listing = Listing.objects.visible_to(request.viewer, request.at).filter(pk=listing_id).first()
    seen = request.POST.get("version", "")
    if listing is None or (seen.isdecimal() and int(seen[:MOST_DIGITS]) >= listing.version):
        return False
    newest = next(iter(queries.revisions_of(listing, request.viewer)), None)
    return newest is not None and newest.actor == reference(person)


def _title_of(listing: Listing) -> str:
    texts = listing.texts.filter(language=listing.original_language).order_by("pk")
    return next((text.title for text in texts if text.title), "")


def _check(direction: str, step: str) -> None:
    if direction not in Direction.values or step not in STEPS:
        raise Http404
