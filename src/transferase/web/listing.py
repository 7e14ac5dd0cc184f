"""The page of an offer or a need: what it says, what is known, what is not, and what to do next."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from babel.numbers import format_currency
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from transferase.catalogue.models import Direction, Listing, State, Tier
from transferase.catalogue.queries import sheet
from transferase.foundation.languages import Language
from transferase.matching import queries
from transferase.web import reasons, visits
from transferase.web.cards import Card, address_of, cards, is_linked, trl_words
from transferase.web.context import text_language
from transferase.web.figures import Advice, advice_of
from transferase.web.sentences import listed
from transferase.web.templatetags.interface import number

if TYPE_CHECKING:
    from collections.abc import Sequence
    from decimal import Decimal
    from uuid import UUID

    from django.http import HttpResponse

    from transferase.catalogue.queries import Coded, ListingSheet, Passage
    from transferase.web.middleware import PageRequest

LOCALES: Final = {Language.KO: "ko_KR", Language.ZH: "zh_Hans_CN", Language.EN: "en_GB"}
QUESTIONS: Final = {
    Direction.OFFER: {
        "problem": gettext_lazy("Which problem does it solve?"),
        "alternative": gettext_lazy("What is used today instead?"),
        "advantages": gettext_lazy("How much better is it, in numbers?"),
        "partner_sought": gettext_lazy("Who is sought as a partner?"),
    },
    Direction.NEED: {
        "problem": gettext_lazy("Which problem is to be solved?"),
        "alternative": gettext_lazy("What is used today, and where does it fall short?"),
        "advantages": gettext_lazy("What must be better, in numbers?"),
        "partner_sought": gettext_lazy("Who is sought as a partner?"),
    },
}
TIER_FIELDS: Final = {
    "title": gettext_lazy("Title"),
    "summary": gettext_lazy("Summary"),
    "description": gettext_lazy("Description"),
    "problem": gettext_lazy("Problem"),
    "alternative": gettext_lazy("Alternative today"),
    "advantages": gettext_lazy("Advantages"),
    "partner_sought": gettext_lazy("Partner sought"),
}
MOST_OWN: Final = 3
TRL_LEVELS: Final = range(1, 10)
ENDS_SCRIPT: Final = {ord("<"): "\\u003C", ord(">"): "\\u003E", ord("&"): "\\u0026"}


@dataclass(frozen=True)
class Fact:
    """A fact of the summary beside the text; without a value it is shown as not stated."""

    name: str
    value: str = ""
    address: str = ""
    note: str = ""
    language: str = ""


@dataclass(frozen=True)
class Question:
    """What readers ask first, and what the listing says about it."""

    question: str
    answer: Passage | None


@dataclass(frozen=True)
class TierBox:
    """What some may read: the passages, or the way to them."""

    tier: str
    label: str
    is_readable: bool
    passages: tuple[tuple[str, Passage], ...]


@dataclass(frozen=True)
class Level:
    """A step of the readiness scale."""

    number: int
    x: int
    is_reached: bool


@dataclass(frozen=True)
class OwnMatch:
    """One of the reader's own listings that goes with the one on the page."""

    score: int
    own: Card
    fits: list[str]
    misfits: list[str]
    address: str


@require_safe
def offer(request: PageRequest, listing_id: UUID) -> HttpResponse:
    """The page of an offer."""
    return _show(request, listing_id, Direction.OFFER)


@require_safe
def need(request: PageRequest, listing_id: UUID) -> HttpResponse:
    """The page of a need."""
    return _show(request, listing_id, Direction.NEED)


def _show(request: PageRequest, listing_id: UUID, direction: str) -> HttpResponse:
    listing = get_object_or_404(Listing.objects.visible_to(request.viewer, request.at), pk=listing_id)
    if listing.direction != direction:
        return redirect(address_of(listing.direction, listing.pk), permanent=True)
    language = text_language()
    shown = sheet(listing, request.viewer, request.at, language)
    public = {passage.field: passage for passage in shown.passages if passage.tier == Tier.PUBLIC}
    lead, body = public.get("summary"), public.get("description")
    original = shown.original
    may_edit = shown.is_mine or request.viewer.sees_everything
    own_totals = queries.totals_of([listing] if shown.is_mine else [], request.viewer, request.at)
    if not shown.is_mine:
        visits.opened(request, listing.pk)
    return render(
        request,
        "catalogue/listing_show.html",
        {
            "sheet": shown,
            "lead": lead,
            "body": body,
            "is_translated": any(p is not None and p.is_machine_made for p in (shown.title, lead, body)),
            "original": original,
            "questions": [
                Question(str(text), public.get(field)) for field, text in QUESTIONS[Direction(direction)].items()
            ],
            "answered": sum(field in public for field in QUESTIONS[Direction(direction)]),
            "tiers": _tiers(shown),
            "facts": _facts(shown, language),
            "levels": [Level(step, 30 * (step - 1), _is_reached(shown, step)) for step in TRL_LEVELS],
            "trl": trl_words(shown.trl_low, shown.trl_high),
            "ipc": _codes(shown, "ipc"),
            "cpc": _codes(shown, "cpc"),
            "keywords": [c.code for c in shown.classifications if c.scheme == "unmapped"],
            "listed_at": reverse("offers" if direction == Direction.OFFER else "needs"),
            "own_matches": [] if shown.is_mine else _own_matches(request, listing, language),
            "own_totals": own_totals.get(listing.pk),
            "own_advice": _advice(request, listing) if shown.is_mine else [],
            "matches_address": address_of(direction, shown.id, "matches"),
            "may_see_matches": shown.is_mine or request.viewer.sees_everything,
            "edit_address": reverse(f"{direction}_edit", args=[shown.id]) if may_edit else "",
            "manage_address": reverse("listing_manage", args=[shown.id]) if may_edit else "",
            "is_public": shown.state.code == State.PUBLISHED and not shown.is_held and listing.is_public_at(request.at),
            "structured": _structured(request, shown),
        },
    )


def _is_reached(shown: ListingSheet, level: int) -> bool:
    """Whether a level is filled: all that an offer has behind it, only the range that a need asks for."""
    if shown.trl_low is None:
        return False
    first = shown.trl_low if shown.direction == Direction.NEED else 1
    return first <= level <= (shown.trl_high or shown.trl_low)


def _own_matches(request: PageRequest, listing: Listing, language: str) -> list[OwnMatch]:
    """How a listing of somebody else goes with the reader's own ones."""
    if not request.viewer.organisations:
        return []
    found = queries.matches_of(listing, request.viewer, request.at, limit=MOST_OWN)
    known = cards([match.counterpart_id for match in found], viewer=request.viewer, at=request.at, language=language)
    return [
        OwnMatch(
            score=match.score,
            own=known[match.counterpart_id],
            fits=reasons.fits(match.because, language)[:2],
            misfits=[reasons.misfit(misfit.code, misfit.facts) for misfit in match.misfits][:2],
            address=reverse("match", args=[match.need_id, match.offer_id]),
        )
        for match in found
        if match.counterpart_id in known and known[match.counterpart_id].is_own
    ]


def _advice(request: PageRequest, listing: Listing) -> list[Advice]:
    """What the owner should add first, so that the matches of the listing learn most."""
    gaps = queries.gaps_of(listing, request.viewer, request.at)[:MOST_OWN]
    return advice_of(gaps, listing.direction, listing.pk)


def _tiers(shown: ListingSheet) -> list[TierBox]:
    boxes = []
    for tier in shown.tiers:
        if tier.tier == Tier.PUBLIC or not tier.has_text:
            continue
        passages = tuple(
            (str(TIER_FIELDS.get(passage.field, passage.field)), passage)
            for passage in shown.passages
            if passage.tier == tier.tier
        )
        boxes.append(TierBox(tier.tier, tier.label, tier.is_readable, passages))
    return boxes


def _facts(shown: ListingSheet, language: str) -> list[Fact]:
    is_offer = shown.direction == Direction.OFFER
    owner = Fact(
        _("Owner"),
        shown.owner_name or _("Name not shown"),
        reverse("organisation", args=[shown.owner_id]) if is_linked(shown) else "",
        note=shown.owner_kind.label if shown.owner_kind else "",
    )
    facts = [owner, Fact(_("Country"), shown.country.label if shown.country else "")]
    if shown.need_kind:
        facts.append(Fact(_("Kind of need"), shown.need_kind.label))
    if shown.fields:
        facts.append(Fact(_("Field of technology"), listed(field.label for field in shown.fields)))
    facts += [
        Fact(_("Way of transfer"), _labels(shown.transfer_modes)),
        *_stated(Fact(_("Exclusivity"), shown.exclusivity.label if shown.exclusivity else "")),
        Fact(_("Territory"), _labels(shown.territory)),
        *_stated(Fact(_("Field of use"), shown.field_of_use)),
        *_stated(Fact(_("Partner sought"), _labels(shown.partner_kinds))),
        Fact(_("Price") if is_offer else _("Budget"), money(shown, language)),
        *_stated(Fact(_("Payment"), _labels(shown.payment_kinds))),
        *_stated(Fact(_("Not from"), _labels(shown.excluded_countries))),
    ]
    return facts


def money(shown: ListingSheet, language: str) -> str:
    """A price or budget in words: its kind, and the amount or range."""
    locale = LOCALES[Language(language)]

    def amount(value: Decimal) -> str:
        if not shown.currency:
            return number(value)
        text = format_currency(value, shown.currency, locale=locale)
        return text.removesuffix(".00")

    told = [shown.price_kind.label] if shown.price_kind else []
    if shown.price_low is not None and shown.price_high is not None and shown.price_low != shown.price_high:
        told.append(f"{amount(shown.price_low)} – {amount(shown.price_high)}")
    elif (value := shown.price_low if shown.price_low is not None else shown.price_high) is not None:
        told.append(amount(value))
    return " · ".join(told)


def _codes(shown: ListingSheet, scheme: str) -> list[tuple[str, str]]:
    return [(c.code, "" if c.label == c.code else c.label) for c in shown.classifications if c.scheme == scheme]


def _labels(coded: Sequence[Coded]) -> str:
    return listed(one.label for one in coded)


def _stated(fact: Fact) -> list[Fact]:
    return [fact] if fact.value else []


def _structured(request: PageRequest, shown: ListingSheet) -> SafeString | str:
    """The listing for search engines (schema.org); only of listings that everybody may see."""
    if shown.state.code != State.PUBLISHED or shown.is_held:
        return ""
    told = {
        "@context": "https://schema.org",
        "@type": "Offer" if shown.direction == Direction.OFFER else "Demand",
        "url": request.build_absolute_uri(address_of(shown.direction, shown.id)),
        "itemOffered": {
            "@type": "Thing",
            "name": shown.title.text,
            "description": next((p.text for p in shown.passages if p.field == "summary" and p.tier == Tier.PUBLIC), ""),
        },
    }
    if shown.visible_until is not None:
        told["validThrough"] = shown.visible_until.date().isoformat()
    if shown.owner_name and shown.direction == Direction.OFFER:
        told["offeredBy"] = {"@type": "Organization", "name": shown.owner_name}
    text = json.dumps(told, ensure_ascii=False).translate(ENDS_SCRIPT)
    # Every character that could end the script is escaped above.
    return mark_safe(text)  # noqa: S308
