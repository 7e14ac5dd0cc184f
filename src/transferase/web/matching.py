"""The matches of a listing with their reasons, and what people judge of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_safe

from transferase.catalogue.models import Direction, Listing
from transferase.catalogue.queries import draft_of, options
from transferase.catalogue.rules import quality_hints
from transferase.directory.models import Organisation
from transferase.foundation.errors import DomainError
from transferase.foundation.languages import LANGUAGES
from transferase.matching import queries, services
from transferase.matching.models import Verdict
from transferase.matching.queries import WEAK
from transferase.web import reasons
from transferase.web.cards import Card, Wording, address_of, cards, trl_words
from transferase.web.context import text_language
from transferase.web.search import Pages
from transferase.web.sentences import labelled, sentence
from transferase.web.templatetags.interface import language_name
from transferase.web.unsaved import registered

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from uuid import UUID

    from transferase.matching.queries import MatchView
    from transferase.web.middleware import PageRequest

PAGE: Final = 10
MOST_POLLS: Final = 30
OPEN_PAIRS: Final = 2  # so many matches show their evidence at once
MOST_HINTS: Final = 3


@dataclass(frozen=True)
class Pair:
    """A sentence of the need beside one of the offer."""

    need: Wording
    offer: Wording
    need_translation: Wording | None
    offer_translation: Wording | None
    closeness: str
    nearness: str


@dataclass(frozen=True)
class MatchCard:
    """A match as the page shows it."""

    anchor: str
    rank: int
    card: Card
    score: int
    strength: str
    strength_words: str
    is_first_weak: bool
    parts: Sequence[reasons.PartLine]
    fits: Sequence[str]
    misfits: Sequence[str]
    missing: Sequence[str]
    pairs: Sequence[Pair]
    is_open: bool
    is_new: bool
    other_side: str
    side: str
    judge_address: str
    judgement: Any
    verdict_words: str
    reason_words: str
    decline_reasons: Sequence[tuple[str, str]]
    is_fresh: bool = False
    error: str = ""


@require_safe
@registered
def offer_matches(request: PageRequest, listing_id: UUID) -> HttpResponse:
    """Needs that an offer may answer."""
    return _show(request, listing_id, Direction.OFFER)


@require_safe
@registered
def need_matches(request: PageRequest, listing_id: UUID) -> HttpResponse:
    """Offers that may answer a need."""
    return _show(request, listing_id, Direction.NEED)


def _show(request: PageRequest, listing_id: UUID, direction: str) -> HttpResponse:
    listing = _own(request, listing_id, direction)
    is_waiting = queries.is_waiting(listing)
    page_address = address_of(direction, listing.pk, "matches")
    polls = request.GET.get("poll", "")
    if request.htmx and polls:
        total = queries.count_of(listing, request.viewer, request.at)
        return _progress(request, page_address, total=total, is_waiting=is_waiting, polls=polls)
    number = request.GET.get("page", "1")
    page = max(1, int(number)) if number.isdecimal() and len(number) < 4 else 1
    first = (page - 1) * PAGE
    found = queries.matches_of(listing, request.viewer, request.at, limit=PAGE, offset=first, reader=text_language())
    total = queries.count_of(listing, request.viewer, request.at)
    own = cards([listing.pk], viewer=request.viewer, at=request.at, language=text_language())[listing.pk]
    shown = match_cards(request, found, first=first + 1)
    hints = quality_hints(draft_of(listing))[:MOST_HINTS]
    return render(
        request,
        "matching/matches_show.html",
        {
            "listing": own,
            "matches": shown,
            "heading": _heading(direction, total),
            "told": _told(shown, queries.languages_of(listing, request.viewer, request.at)),
            "legend": {part.name: part for match in shown for part in match.parts}.values(),
            "facts": _facts(listing),
            "hints": [sentence(f"hint_{code}") for code in hints],
            "edit_address": reverse(f"{direction}_edit", args=[listing.pk]) if own.is_own else "",
            "is_waiting": is_waiting,
            "poll_address": f"{page_address}?poll=1&known={total}",
            "page_address": page_address,
            "engine_version": found[0].engine_version if found else "",
            "pages": Pages(
                first=first + 1,
                last=first + len(shown),
                total=total,
                previous=f"{page_address}?page={page - 1}" if page > 1 else "",
                next=f"{page_address}?page={page + 1}" if first + PAGE < total and len(found) == PAGE else "",
            ),
        },
    )


@registered
@require_http_methods(["GET", "HEAD", "POST"])
def match(request: PageRequest, need_id: UUID, offer_id: UUID) -> HttpResponse:
    """One match; posting judges it for one of the two sides, or takes the judgement back."""
    visible = Listing.objects.visible_to(request.viewer, request.at)
    need = get_object_or_404(visible, pk=need_id, direction=Direction.NEED)
    offer = get_object_or_404(visible, pk=offer_id, direction=Direction.OFFER)
    reader = text_language()
    found = queries.match_between(need, offer, request.viewer, request.at, reader)
    if found is None:
        return _gone(request, need, offer)
    error = ""
    if request.method == "POST":
        error = _judge(request, need, offer, found)
        found = queries.match_between(need, offer, request.viewer, request.at, reader) or found
        if not request.htmx and not error:
            own = need if found.listing_id == need.pk else offer
            return redirect(f"{address_of(own.direction, own.pk, 'matches')}#{_anchor(found)}")
    [shown] = match_cards(request, [found], first=0, is_fresh=request.method == "POST", error=error)
    status = 422 if error and not request.htmx else 200
    if request.htmx:
        return render(request, "matching/match_judged.html", {"match": shown}, status=status)
    both = cards([need.pk, offer.pk], viewer=request.viewer, at=request.at, language=text_language())
    page = {"match": shown, "sides": _sides(both, need, offer), "own": both.get(found.listing_id)}
    return render(request, "matching/match_show.html", page, status=status)


def match_cards(
    request: PageRequest, found: Sequence[MatchView], *, first: int, is_fresh: bool = False, error: str = ""
) -> list[MatchCard]:
    """Matches as the page shows them, in their order; `first` is the rank of the first, 0 shows no ranks."""
    language = text_language()
    known = cards([m.counterpart_id for m in found], viewer=request.viewer, at=request.at, language=language)
    own = _owned(request, found)
    news = {
        (notice.listing_id, notice.counterpart_id)
        for notice in queries.notices_of(request.viewer, request.at)
        if notice.seen_at is None
    }
    declining = options("decline_reason", language)
    first_weak = next((view for view in found if view.strength == WEAK and not _is_declined(view)), None)
    return [
        _card(
            view,
            known[view.counterpart_id],
            rank=first + position if first else 0,
            side=("need" if view.listing_id == view.need_id else "offer") if view.listing_id in own else "",
            decline_reasons=declining,
            is_open=(position < OPEN_PAIRS and view.strength != WEAK) or not first,
            is_first_weak=bool(first) and view is first_weak,
            is_new=view.judgement is None and (view.listing_id, view.counterpart_id) in news,
            is_fresh=is_fresh,
            error=error,
        )
        for position, view in enumerate(found)
        if view.counterpart_id in known
    ]


def _card(view: MatchView, counterpart: Card, *, rank: int, side: str, **told: Any) -> MatchCard:
    parts = [{"name": part.name, "value": part.value, "weight": part.weight} for part in view.parts]
    judgement = view.judgement
    return MatchCard(
        anchor=_anchor(view),
        rank=rank,
        card=counterpart,
        score=view.score,
        strength=view.strength,
        strength_words=reasons.strength(view.strength),
        parts=reasons.part_lines(parts, {part.name: part.points for part in view.parts}, view.missing),
        fits=reasons.fits(view.because, text_language()),
        misfits=[
            *(reasons.excluded(code) for code in view.excluded_by),
            *(reasons.misfit(misfit.code, misfit.facts) for misfit in view.misfits),
        ],
        missing=reasons.missing(view.missing, view.stated, view.to_check),
        pairs=[_pair(reason.facts) for reason in view.because if reason.code == "sentence_pair"],
        other_side=_("The other side is interested") if view.is_other_interested else "",
        side=side,
        judge_address=reverse("match", args=[view.need_id, view.offer_id]),
        judgement=judgement,
        verdict_words=verdict_words(judgement.verdict) if judgement else "",
        reason_words=labelled("decline_reason", judgement.reason) if judgement and judgement.reason else "",
        **told,
    )


def verdict_words(verdict: str) -> str:
    """What a verdict is called once it was given."""
    words: dict[str, str] = {
        Verdict.INTERESTING: _("Interesting for us"),
        Verdict.KNOWN: _("Already known to us"),
        Verdict.NOT_FOR_US: _("Not for us"),
    }
    return words.get(verdict, verdict)


def _pair(facts: Any) -> Pair:
    need, offer = (Wording(quote["text"], quote["language"]) for quote in (facts["need"], facts["offer"]))
    near = facts["closeness"]
    ours, theirs = (_translation(quote) for quote in (facts["need"], facts["offer"]))
    return Pair(
        need, offer, ours, theirs, f"{near:.2f}", reasons.closeness(near, across=need.language != offer.language)
    )


def _translation(quote: Any) -> Wording | None:
    told = quote.get("translation")
    return Wording(told["text"], told["language"], told["is_machine_made"]) if told else None


def _is_declined(view: MatchView) -> bool:
    return view.judgement is not None and view.judgement.verdict == Verdict.NOT_FOR_US


def _judge(request: PageRequest, need: Listing, offer: Listing, found: MatchView) -> str:
    """Judge, or take a judgement back; what the rules do not allow comes back as a sentence."""
    if request.person is None:
        return sentence("not_allowed")
    own = offer if request.POST.get("side") == "offer" else need
    organisation = Organisation.objects.visible_to(request.viewer).filter(pk=own.owner_id).first()
    if organisation is None:
        return sentence("not_allowed")
    try:
        if request.POST.get("act") == "withdraw":
            if found.judgement is not None:
                services.withdraw_judgement(actor=request.person, judgement=found.judgement, at=request.at)
        else:
            verdict = request.POST.get("verdict", "")
            declines = verdict == Verdict.NOT_FOR_US
            services.judge(
                actor=request.person,
                need=need,
                offer=offer,
                organisation=organisation,
                verdict=verdict,
                reason=request.POST.get("reason", "") if declines else "",
                note=request.POST.get("note", "")[:1000] if declines else "",
                at=request.at,
            )
    except DomainError as error:
        return sentence(error.code, error.facts)
    return ""


def _gone(request: PageRequest, need: Listing, offer: Listing) -> HttpResponse:
    """A match that is no longer one: its listings are still there."""
    both = cards([need.pk, offer.pk], viewer=request.viewer, at=request.at, language=text_language())
    own = next((c for c in both.values() if c.is_own), None)
    if own is None and not request.viewer.sees_everything:
        return redirect(address_of(offer.direction, offer.pk))
    page = {"match": None, "sides": _sides(both, need, offer), "own": own}
    return render(request, "matching/match_show.html", page, status=404)


def _progress(request: PageRequest, page_address: str, *, total: int, is_waiting: bool, polls: str) -> HttpResponse:
    """The line that tells how matching goes; what is new waits behind a button, and only an empty page is reloaded."""
    count = int(polls) if polls.isdecimal() and len(polls) < 4 else MOST_POLLS
    known = request.GET.get("known", "")
    before = int(known) if known.isdecimal() and len(known) < 9 else total
    if not is_waiting and before == 0:
        return HttpResponse(status=204, headers={"HX-Refresh": "true"})
    page = {
        "is_waiting": is_waiting,
        "poll_address": f"{page_address}?poll={count + 1}&known={before}" if count < MOST_POLLS else "",
        "page_address": page_address,
        "fresh": max(0, total - before),
    }
    return render(request, "matching/matches_progress.html", page)


def _own(request: PageRequest, listing_id: UUID, direction: str) -> Listing:
    """A listing whose matches the viewer may see: an own one, or any for a reviewer; others do not exist here."""
    listings = Listing.objects.visible_to(request.viewer, request.at).filter(direction=direction)
    if not request.viewer.sees_everything:
        listings = listings.owned_by(request.viewer)
    return get_object_or_404(listings, pk=listing_id)


def _owned(request: PageRequest, found: Sequence[MatchView]) -> set[UUID]:
    ids = {view.listing_id for view in found}
    owned = Listing.objects.visible_to(request.viewer, request.at).owned_by(request.viewer).filter(pk__in=ids)
    return set(owned.values_list("pk", flat=True))


def _heading(direction: str, total: int) -> str:
    if direction == Direction.NEED:
        return ngettext("%(n)d offer fits", "%(n)d offers fit", total) % {"n": total}
    return ngettext("%(n)d need fits", "%(n)d needs fit", total) % {"n": total}


def _told(shown: Sequence[MatchCard], languages: Mapping[str, int]) -> str:
    """What stands below the heading: how many were judged, in which languages all of them were written."""
    if not shown:
        return ""
    told = []
    judged = sum(m.judgement is not None for m in shown)
    if judged:
        told.append(ngettext("%(n)d judged on this page", "%(n)d judged on this page", judged) % {"n": judged})
    told += [f"{language_name(code)} {languages[code]}" for code in LANGUAGES if languages.get(code)]
    return " · ".join(told)


def _facts(listing: Listing) -> list[tuple[str, str]]:
    """What the listing states that matching uses, in few words."""
    facts = [
        (_("Readiness"), trl_words(listing.trl_low, listing.trl_high)),
        (_("Way of transfer"), labelled("transfer_mode", listing.transfer_modes)),
        (_("Territory"), labelled("country", listing.territory)),
    ]
    return [(name, value) for name, value in facts if value]


def _anchor(view: MatchView) -> str:
    return f"m-{view.counterpart_id}"


def _sides(both: Mapping[UUID, Card], need: Listing, offer: Listing) -> list[Card]:
    return [both[listing.pk] for listing in (need, offer) if listing.pk in both]
