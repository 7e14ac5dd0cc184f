"""My desk: what waits, what stands where, what runs out, and the first things to do when there is nothing yet."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db.models import Q
from django.shortcuts import redirect, render, resolve_url
from django.utils.http import urlencode
from django.utils.translation import gettext
from django.views.decorators.http import require_POST, require_safe

from transferase.catalogue import queries
from transferase.catalogue.models import Direction, Listing, State
from transferase.directory import queries as directory
from transferase.directory.models import Role
from transferase.directory.queries import memberships_of, organisations_of
from transferase.directory.rules import Permission
from transferase.interchange.queries import runs
from transferase.matching import queries as matching
from transferase.matching import services as matching_services
from transferase.web import kept
from transferase.web.accounts import person_of, reading_language
from transferase.web.saving import MOST_ON_DESK, rows_of
from transferase.web.search import Pages
from transferase.web.unsaved import registered

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime
    from uuid import UUID

    from django.http import HttpResponse

    from transferase.catalogue.queries import ListingSheet
    from transferase.web.middleware import PageRequest

MOST_ROWS = 50
PAGE = 20
MOST_DIGITS = 6
MOST_NEWS = 8
MOST_READ = 50
MOST_IMPORTS = 5


@dataclass(frozen=True)
class Row:
    """One of my listings as the desk shows it."""

    sheet: ListingSheet
    matches: int
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
class Pair:
    """One of my listings and a counterpart: news of a match, or a match that nobody has judged yet."""

    own: ListingSheet
    other: ListingSheet
    kind: str
    at: datetime
    score: int | None = None

    @property
    def address(self) -> str:
        need, offer = (self.own, self.other) if self.own.direction == Direction.NEED else (self.other, self.own)
        return resolve_url("match", need.id, offer.id)


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
    person, viewer, at = person_of(request), request.viewer, request.at
    memberships = memberships_of(person, at)
    roles = {membership.role for membership in memberships}
    state = request.GET.get("state", "")
    mine = queries.own_listings(viewer)
    shown = mine.filter(state=state) if state in State.values else mine.exclude(state=State.TAKEN)
    counts = queries.counts_by_state(viewer)
    asked = request.GET.get("page", "1")
    page_number = int(asked) if asked.isdecimal() and len(asked) < MOST_DIGITS else 1
    first = max(page_number - 1, 0) * PAGE
    to_answer = directory.admissions_to_answer(person, viewer, at)
    news = _news(request)
    waiting = _waiting_matches(request) if counts else []
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
        "rows": _rows(request, shown[first : first + PAGE]),
        "pages": _pages(state, page_number, shown.count()),
        "drafts": _rows(request, mine.filter(state=State.DRAFT, state_reason="")[:MOST_NEWS]),
        "sent_back": sent_back,
        "running_out": running_out,
        "lapsed": lapsed,
        "news": news,
        "waiting_matches": waiting,
        "unjudged": matching.unjudged_count(viewer, at) if counts else 0,
        # Whoever has one listing need not read its title beside each match.
        "own_vary": len({pair.own.id for pair in waiting}) > 1,
        "waits": len(to_answer) + len(sent_back) + len(running_out) + len(lapsed) + len(news),
        "to_answer": to_answer,
        "asked_by_me": directory.own_requests(person, at),
        "unfinished": kept.unfinished(request),
        "imports": runs(viewer)[:MOST_IMPORTS],
        "searches": (searches := rows_of(request, MOST_ON_DESK, most_counted=0)),
        "is_counted": all(row.new is not None for row in searches),
        "letters": _letter_troubles(request),
        "queue": queries.review_queue(viewer).count() if viewer.sees_everything else None,
        "first_acts": _first_acts(roles),
        "seeks": Role.COMPANY_USER in roles and Role.TRANSFER_OFFICER not in roles,
    }
    return render(request, "desk/desk_show.html", page)


@registered
@require_POST
def notices_seen(request: PageRequest) -> HttpResponse:
    """Put the news away."""
    for organisation in organisations_of(person_of(request), request.at):
        matching_services.see_notices(actor=person_of(request), organisation=organisation, at=request.at)
    return redirect("desk")


def _letter_troubles(request: PageRequest) -> matching.LetterTroubles | None:
    """What keeps mails from leaving, for those who run the platform."""
    if Permission.MATCHING_INDEX_WRITE not in request.viewer.permissions:
        return None
    troubles = matching.letter_troubles(request.at)
    return None if troubles.is_clear else troubles


def _pages(state: str, number: int, total: int) -> Pages:
    """Where in the own listings one is, and the addresses before and after."""

    def address(page: int) -> str:
        return f"?{urlencode({'state': state, 'page': str(page)})}#listings"

    first = (number - 1) * PAGE + 1
    return Pages(
        first=first,
        last=min(first + PAGE - 1, total),
        total=total,
        previous=address(number - 1) if number > 1 else "",
        next=address(number + 1) if first + PAGE <= total else "",
    )


def _lapsed(at: datetime) -> Q:
    return Q(state=State.EXPIRED) | Q(state=State.PUBLISHED, visible_until__lte=at)


def _rows(request: PageRequest, listings: Iterable[Listing]) -> list[Row]:
    """Listings as their owner sees them, with how many matches wait."""
    found, language = list(listings), reading_language()
    if not found:
        return []
    counts = matching.match_counts([listing.pk for listing in found], request.viewer, request.at)
    reasons = queries.labels("send_back_reason", language)
    rows = []
    for sheet in queries.sheets(found, request.viewer, request.at, language):
        note = " – ".join(filter(None, (reasons.get(sheet.state_reason, ""), sheet.state_note)))
        rows.append(Row(sheet, counts.get(sheet.id, 0), note))
    return rows


def _news(request: PageRequest) -> list[Pair]:
    """What my organisations have not seen yet of matches and of the other sides."""
    notices = [n for n in matching.notices_of(request.viewer, request.at, MOST_READ) if n.seen_at is None][:MOST_NEWS]
    sheets = _sheets(request, [n.listing_id for n in notices] + [n.counterpart_id for n in notices])
    return [
        Pair(sheets[n.listing_id], sheets[n.counterpart_id], n.kind, n.at)
        for n in notices
        if n.listing_id in sheets and n.counterpart_id in sheets
    ]


def _waiting_matches(request: PageRequest) -> list[Pair]:
    """The best matches of my listings that nobody of us has judged."""
    best = [m for m in matching.best_matches(request.viewer, request.at, MOST_READ) if m.judgement is None][:MOST_NEWS]
    sheets = _sheets(request, [m.listing_id for m in best] + [m.counterpart_id for m in best])
    return [
        Pair(sheets[m.listing_id], sheets[m.counterpart_id], "match", m.found_at, m.score)
        for m in best
        if m.listing_id in sheets and m.counterpart_id in sheets
    ]


def _sheets(request: PageRequest, ids: Iterable[UUID]) -> dict[UUID, ListingSheet]:
    listings = Listing.objects.visible_to(request.viewer, request.at).filter(pk__in=set(ids))
    return {s.id: s for s in queries.sheets(list(listings), request.viewer, request.at, reading_language())}


def _first_acts(roles: set[str]) -> list[First]:
    """What a person of a role does first."""
    organisation = First(
        gettext("Name your organisation"),
        gettext("Offers and needs belong to an organisation. Ask to be let in, or register it: it takes two minutes."),
        resolve_url("organisation_new"),
    )
    offer = First(
        gettext("Post a technology"),
        gettext("A title and a summary are enough for a first look at the needs that it answers."),
        resolve_url("offer_new"),
    )
    file = First(
        gettext("Bring in a file"),
        gettext("A spreadsheet with one technology in each row. You see what would happen before anything is saved."),
        resolve_url("import_new"),
    )
    need = First(
        gettext("Say what you need"),
        gettext("Write it in your language. You see Korean, Chinese and English technologies with reasons."),
        resolve_url("need_new"),
    )
    needs = First(gettext("Read what companies need"), gettext("Needs that are open now."), resolve_url("needs"))
    offers = First(
        gettext("Search technologies"),
        gettext("Words or a whole paragraph, in any of the three languages."),
        resolve_url("search"),
    )
    review = First(gettext("Look through the review queue"), gettext("The oldest first."), resolve_url("review"))
    if not roles:
        return [organisation, offers, needs]
    if roles & {Role.OPERATOR, Role.REVIEWER}:
        return [review, file, offers]
    if Role.COMPANY_USER in roles:
        return [need, offers, file]
    if Role.BROKER in roles:
        return [needs, offer, need]
    return [offer, file, needs]
