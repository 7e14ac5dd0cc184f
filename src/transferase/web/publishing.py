"""The last look before publishing, and what an owner does with a listing afterwards."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from django import forms
from django.conf import settings
from django.contrib import messages
from django.db.models import Q
from django.http import Http404
from django.shortcuts import redirect, render, resolve_url
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from transferase.catalogue import queries, rules, services
from transferase.catalogue.models import Direction, State, Tier
from transferase.directory.rules import ANYONE
from transferase.foundation.errors import DomainError
from transferase.web import kept
from transferase.web.accounts import onward, person_of, reading_language
from transferase.web.editing import around, own_listing, step_address
from transferase.web.forms.access import AccessForm
from transferase.web.forms.fields import options
from transferase.web.forms.listing import text_of, words_of
from transferase.web.sentences import sentence
from transferase.web.unsaved import registered

if TYPE_CHECKING:
    from uuid import UUID

    from django.http import HttpResponse
    from django.utils.functional import _StrPromise

    from transferase.catalogue.models import Listing
    from transferase.catalogue.rules import ListingDraft
    from transferase.web.middleware import PageRequest


@dataclass(frozen=True)
class Act:
    """Something an owner may do with a listing: its button, what it brings, and what is said when it is done."""

    name: str
    button: _StrPromise
    brings: _StrPromise
    done: _StrPromise
    asks_reason: bool = False


ACTS: Final = {
    act.name: act
    for act in (
        Act(
            "confirm",
            _("Still current"),
            _("The listing stays visible for another half year. Nothing else changes."),
            _("Confirmed. The listing stays visible for another half year."),
        ),
        Act(
            "pause",
            _("Pause"),
            _("Only your organisation sees it until you resume it. Matches wait."),
            _("Paused. Only your organisation sees the listing now."),
        ),
        Act(
            "resume",
            _("Resume"),
            _("Everybody sees it again, and matching looks for counterparts."),
            _("Resumed. Everybody sees the listing again."),
        ),
        Act(
            "withdraw",
            _("Withdraw"),
            _("It disappears for everybody else at once. You keep the text and can publish it again."),
            _("Withdrawn. Only your organisation sees the listing now."),
            asks_reason=True,
        ),
        Act(
            "take",
            _("No longer available"),
            _("It was transferred, sold or met. It leaves search and matches for good and stays in your records."),
            _("Noted. The listing left search and matches."),
            asks_reason=True,
        ),
        Act(
            "discard",
            _("Delete the draft"),
            _("The draft and everything in it are deleted. Nobody can bring it back."),
            _("The draft is deleted."),
        ),
    )
}


class ReasonForm(forms.Form):
    """Why a listing is withdrawn, or how it was taken."""

    reason = forms.ChoiceField(label=_("Reason"), widget=forms.RadioSelect)

    TAKEN: Final = {
        Direction.OFFER: ("transferred_exclusively", "sold", "abandoned"),
        Direction.NEED: ("met", "solved_here", "solved_elsewhere", "abandoned"),
    }

    def __init__(self, data: Any = None, *, act: str, direction: str, language: str) -> None:
        super().__init__(data, prefix=act)
        self.fields["reason"].choices = (  # type: ignore[attr-defined]
            options("taken_reason", language, only=self.TAKEN[Direction(direction)])
            if act == "take"
            else options("withdraw_reason", language)
        )


@registered
@require_http_methods(["GET", "POST"])
def check(request: PageRequest, listing_id: UUID) -> HttpResponse:
    """The listing as others will see it, what is still missing, and the button that publishes it."""
    listing = own_listing(request, listing_id)
    problem = ""
    if request.method == "POST":
        try:
            after = services.submit(actor=person_of(request), listing=listing, at=request.at)
        except DomainError as error:
            problem = sentence(error.code, error.facts)
        else:
            if after.state == State.PUBLISHED:
                messages.success(request, gettext("Published. Matches appear here within a minute."))
                return redirect("offer_matches" if after.is_offer else "need_matches", after.pk)
            messages.success(request, gettext("Handed in. A reviewer looks at it; you are told here on your desk."))
            return redirect("desk")
    draft = queries.draft_of(listing)
    page = {
        **around(listing, draft, "check"),
        "sheet": queries.sheet(listing, ANYONE, request.at, reading_language()),
        "hidden": hidden_texts(draft),
        "words": words_of(draft.direction),
        "problem": problem,
        "left": [left for left in kept.unfinished(request) if left.listing_id == listing.pk],
        "lacks": [
            (field, sentence(f"lacks_{field}"), step_address(listing, "what"))
            for field in rules.missing_for_publishing(draft)
        ],
        "may_submit": rules.may_start("submit", listing),
        "goes_public": listing.owner.is_verified and settings.REVIEW == "unverified",
    }
    return render(request, "catalogue/listing_edit_check.html", page, status=422 if problem else 200)


@registered
@require_safe
def manage(request: PageRequest, listing_id: UUID) -> HttpResponse:
    """Where a listing stands, what may be done with it, and what was changed when."""
    listing = own_listing(request, listing_id)
    return show_manage(request, listing)


@registered
@require_POST
def act(request: PageRequest, listing_id: UUID, name: str) -> HttpResponse:
    """Do one act with a listing."""
    listing = own_listing(request, listing_id)
    wanted = ACTS.get(name)
    if wanted is None:
        raise Http404
    reasons = {}
    if wanted.asks_reason:
        form = ReasonForm(request.POST, act=name, direction=listing.direction, language=reading_language())
        if not form.is_valid():
            return show_manage(request, listing, asked=form, status=422)
        reasons = form.cleaned_data
    try:
        getattr(services, name)(actor=person_of(request), listing=listing, at=request.at, **reasons)
    except DomainError as error:
        messages.error(request, sentence(error.code, error.facts))
    else:
        messages.success(request, str(wanted.done))
        if name == "discard":
            kept.forget_listing(request, listing)
            return redirect("desk")
    return redirect(onward(request, resolve_url("listing_manage", listing.pk)))


def show_manage(
    request: PageRequest,
    listing: Listing,
    *,
    asked: ReasonForm | None = None,
    access: AccessForm | None = None,
    status: int = 200,
) -> HttpResponse:
    """The page of a listing's state, with a form that was filled in and needs another look."""
    language = reading_language()
    draft = queries.draft_of(listing)
    acts = []
    for name, known in ACTS.items():
        if not may_do(name, listing):
            continue
        form = None
        if known.asks_reason:
            fresh = ReasonForm(act=name, direction=listing.direction, language=language)
            form = asked if asked is not None and asked.prefix == name else fresh
        acts.append((known, form))
    page = {
        "listing": listing,
        "title": title_of(draft),
        "acts": acts,
        "edit_address": step_address(listing, "what"),
        "check_address": step_address(listing, "check"),
        "may_submit": rules.may_start("submit", listing),
        "revisions": queries.revisions_of(listing, request.viewer),
        "access_form": access or AccessForm(),
        "has_secret": any(text.tier == Tier.NDA for text in draft.texts),
        "readers": listing.accesses.filter(Q(ends_at=None) | Q(ends_at__gt=request.at))
        .select_related("organisation")
        .prefetch_related("organisation__names")
        .order_by("pk"),
    }
    return render(request, "catalogue/listing_edit_manage.html", page, status=status)


def may_do(name: str, listing: Listing) -> bool:
    """Whether an act may start from where the listing stands; confirming and deleting move it nowhere."""
    if name == "confirm":
        return listing.state in {State.PUBLISHED, State.PAUSED}
    if name == "discard":
        return listing.state == State.DRAFT and listing.published_at is None
    return rules.may_start(name, listing)


def title_of(draft: ListingDraft) -> str:
    """The title in the language it was written in."""
    text = text_of(draft, draft.original_language)
    return text.title if text else ""


def hidden_texts(draft: ListingDraft) -> list[tuple[str, str]]:
    """What only some may read: (tier, text)."""
    found = ((tier, text_of(draft, draft.original_language, tier)) for tier in (Tier.REGISTERED, Tier.NDA))
    return [(str(tier), text.description) for tier, text in found if text is not None]
