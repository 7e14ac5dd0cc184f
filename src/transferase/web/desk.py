"""My desk: what waits, what stands where, what runs out, and the first things to do when there is nothing yet."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db.models import Q
from django.shortcuts import redirect, render, resolve_url
from django.utils.translation import gettext as told
from django.views.decorators.http import require_POST, require_safe

from transferase.catalogue import queries
from transferase.catalogue.models import State
from transferase.directory.models import Role
from transferase.directory.queries import memberships_of, organisations_of
from transferase.interchange.queries import runs
from transferase.matching import queries as matching
from transferase.matching import services as matching_services
from transferase.web.accounts import person_of, reading_language
from transferase.web.unsaved import registered

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from django.http import HttpResponse

    from transferase.catalogue.models import Listing
    from transferase.catalogue.queries import ListingSheet
    from transferase.web.middleware import PageRequest

MOST_ROWS = 50
MOST_NEWS = 8
MOST_IMPORTS = 5


@dataclass(frozen=True)
class Row:
    """One of my listings as the desk shows it."""

    sheet: ListingSheet
    matches: int
    unjudged: int
    note: str

    @property
    def address(self) -> str:
        return resolve_url(self.sheet.direction, self.sheet.id)

    @property
    def matches_address(self) -> str:
        return resolve_url(f"{self.sheet.direction}_matches", self.sheet.id)

    @property
    def edit_address(self) -> str:
        return resolve_url(f"{self.sheet.direction}_edit", self.sheet.id)


@dataclass(frozen=True)
class First:
    """Something to begin with."""

    text: str
    why: str
    address: str


@registered
@require_safe
def desk(request: PageRequest) -> HttpResponse:
    """The page that somebody who is signed in starts from."""
    person, viewer, at, language = person_of(request), request.viewer, request.at, reading_language()
    memberships = memberships_of(person, at)
    state = request.GET.get("state", "")
    mine = queries.own_listings(viewer)
    shown = mine.filter(state=state) if state in State.values else mine.exclude(state=State.TAKEN)
    counts = queries.counts_by_state(viewer)
    notices = matching.notices(viewer=viewer, at=at, language=language, limit=MOST_NEWS)
    unjudged = matching.waiting_count(viewer=viewer, at=at)
    sent_back = _rows(request, queries.sent_back(viewer)[:MOST_ROWS])
    running_out = _rows(request, queries.expiring_soon(viewer, at)[:MOST_ROWS])
    lapsed = _rows(request, mine.filter(_lapsed(at))[:MOST_NEWS])
    page = {
        "memberships": memberships,
        "organisations": organisations_of(person, at),
        "state": state,
        "states": [(code, counts[code]) for code in State.values if counts.get(code)],
        "all": sum(counts.values()),
        "live": counts.get(State.PUBLISHED, 0) - sum(row.sheet.state.code == State.PUBLISHED for row in lapsed),
        "rows": _rows(request, shown[:MOST_ROWS]),
        "drafts": _rows(request, mine.filter(state=State.DRAFT, state_reason="")[:MOST_NEWS]),
        "sent_back": sent_back,
        "running_out": running_out,
        "lapsed": lapsed,
        "notices": notices,
        "waiting_matches": matching.waiting_matches(viewer=viewer, at=at, language=language, limit=MOST_NEWS),
        "unjudged": unjudged,
        "waits": len(sent_back) + len(running_out) + len(lapsed) + len(notices) + unjudged,
        "imports": runs(viewer)[:MOST_IMPORTS],
        "queue": queries.review_queue(viewer).count() if viewer.sees_everything else None,
        "first_acts": _first_acts({membership.role for membership in memberships}),
    }
    return render(request, "desk/desk_show.html", page)


@registered
@require_POST
def notices_seen(request: PageRequest) -> HttpResponse:
    """Put the news away."""
    for organisation in organisations_of(person_of(request), request.at):
        matching_services.see_notices(actor=person_of(request), organisation=organisation, at=request.at)
    return redirect("desk")


def _lapsed(at: datetime) -> Q:
    return Q(state=State.EXPIRED) | Q(state=State.PUBLISHED, visible_until__lte=at)


def _rows(request: PageRequest, listings: Iterable[Listing]) -> list[Row]:
    """Listings as their owner sees them, with how many matches wait."""
    found, language = list(listings), reading_language()
    if not found:
        return []
    counts = matching.counts_of([listing.pk for listing in found], viewer=request.viewer, at=request.at)
    reasons = queries.labels("send_back_reason", language)
    rows = []
    for sheet in queries.sheets(found, request.viewer, request.at, language):
        matches, unjudged = counts.get(sheet.id, (0, 0))
        note = " – ".join(filter(None, (reasons.get(sheet.state_reason, ""), sheet.state_note)))
        rows.append(Row(sheet, matches, unjudged, note))
    return rows


def _first_acts(roles: set[str]) -> list[First]:
    """What a person of a role does first."""
    organisation = First(
        told("Register your organisation"),
        told("Offers and needs belong to an organisation. It takes two minutes."),
        resolve_url("organisation_new"),
    )
    offer = First(
        told("Post a technology"),
        told("A title and a summary are enough for a first look at the needs that it answers."),
        resolve_url("offer_new"),
    )
    file = First(
        told("Bring in a file"),
        told("A spreadsheet with one technology in each row. You see what would happen before anything is saved."),
        resolve_url("import_new"),
    )
    need = First(
        told("Say what you need"),
        told("Write it in your language. You see Korean, Chinese and English technologies with reasons."),
        resolve_url("need_new"),
    )
    needs = First(told("Read what companies need"), told("Needs that are open now."), resolve_url("needs"))
    offers = First(told("Search technologies"), told("Words or a whole paragraph, in any of the three languages."), resolve_url("search"))
    review = First(told("Look through the review queue"), told("The oldest first."), resolve_url("review"))
    if not roles:
        return [organisation, offers, needs]
    if roles & {Role.OPERATOR, Role.REVIEWER}:
        return [review, file, offers]
    if Role.COMPANY_USER in roles:
        return [need, offers, file]
    if Role.BROKER in roles:
        return [needs, offer, need]
    return [offer, file, needs]

