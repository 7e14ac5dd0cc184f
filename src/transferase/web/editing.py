"""Posting and changing an offer or a need, step by step; every step is saved before the next one opens."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from django.contrib import messages
from django.forms import ChoiceField, Form
from django.http import Http404
from django.shortcuts import get_object_or_404, redirect, render, resolve_url
from django.utils.http import urlencode
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods

from transferase.catalogue import queries, rules, services
from transferase.catalogue.models import Direction, Listing
from transferase.catalogue.rules import LONGEST_SUMMARY, ListingDraft
from transferase.directory.queries import organisations_of, person_named
from transferase.foundation import typed
from transferase.foundation.errors import DomainError, NotAllowed
from transferase.foundation.ids import uuid7
from transferase.foundation.ledger import reference
from transferase.web import kept
from transferase.web.accounts import person_of, reading_language
from transferase.web.forms.errors import blame, listed
from transferase.web.forms.listing import NEAR_COUNTRIES, NEVER_PICKED, FactsForm, ReadersForm, WhatForm, changed
from transferase.web.forms.rows import requirement_rows, right_rows, with_one_more
from transferase.web.meanwhile import Change, changes, row_changes, with_theirs
from transferase.web.sentences import sentence
from transferase.web.unsaved import draft_before, registered, typed_before

if TYPE_CHECKING:
    from datetime import datetime

    from django.http import HttpResponse, QueryDict

    from transferase.directory.models import Organisation
    from transferase.web.middleware import PageRequest

STEPS = {
    "what": _("What it is"),
    "facts": _("Facts"),
    "readers": _("Who sees what"),
    "check": _("Check and publish"),
}
PICKERS = {"find_ipc": "ipc", "find_territory": "territory", "find_excluded_countries": "excluded_countries"}
SCHEMES = {"ipc": "ipc", "territory": "country", "excluded_countries": "country"}
HELPS = ("add_", "find_")
MOST_FOUND = 20
LONGEST_HEADLINE = 120
MOST_DIGITS: Final = 9


@dataclass(frozen=True)
class Step:
    """A step as the head of the page shows it."""

    text: str
    address: str
    is_current: bool
    is_done: bool


@registered
@require_http_methods(["GET", "POST"])
def offer_new(request: PageRequest) -> HttpResponse:
    """Begin an offer."""
    return _begin(request, Direction.OFFER)


@registered
@require_http_methods(["GET", "POST"])
def need_new(request: PageRequest) -> HttpResponse:
    """Begin a need."""
    return _begin(request, Direction.NEED)


@registered
@require_http_methods(["GET", "POST"])
def edit(request: PageRequest, listing_id: UUID, step: str = "what") -> HttpResponse:
    """Change one step of a listing; what was typed is saved when the next step is opened."""
    listing = own_listing(request, listing_id)
    return _write(request, listing, queries.draft_of(listing), step)


def own_listing(request: PageRequest, listing_id: UUID) -> Listing:
    """A listing that the person may change; for others it is as if there were no such page."""
    listing = get_object_or_404(
        Listing.objects.visible_to(request.viewer, request.at).select_related("owner"), pk=listing_id
    )
    if not rules.may_edit(person_of(request), listing):
        raise Http404
    return listing


def _begin(request: PageRequest, direction: str) -> HttpResponse:
    person = person_of(request)
    owners = organisations_of(person, request.at)
    if not owners:
        messages.info(request, gettext("First name the organisation that you post for."))
        return redirect(f"{resolve_url('organisation_new')}?{urlencode({'next': request.get_full_path()})}")
    # The page of a new listing bears the id that the listing will have: sent twice, it is still one listing.
    listing_id = _id_given(request) or uuid7()
    if Listing.objects.visible_to(request.viewer, request.at).filter(pk=listing_id).exists():
        listing = own_listing(request, listing_id)
        if request.method == "GET":
            return redirect(step_address(listing, "what"))
        return _write(request, listing, queries.draft_of(listing), "what")
    draft = ListingDraft(direction, (), original_language=reading_language())
    return _write(request, None, draft, "what", owners=owners, listing_id=listing_id)


def _id_given(request: PageRequest) -> UUID | None:
    try:
        return UUID(request.POST.get("draft") or request.GET.get("draft") or draft_before(request))
    except ValueError:
        return None


def _write(
    request: PageRequest,
    listing: Listing | None,
    draft: ListingDraft,
    step: str,
    *,
    owners: list[Organisation] | None = None,
    listing_id: UUID | None = None,
) -> HttpResponse:
    if step not in kept.STEPS:
        raise Http404
    place = kept.place_of(draft.direction, listing.pk if listing else listing_id or uuid7(), step)
    data, left_at = _said(request, place, is_new=listing is None)
    act = request.POST.get("act", "next")
    seen = _seen(data, listing)
    data = _laid(data, act, listing, draft, step, seen)
    forms = _forms(step, draft, data, owners)
    if not listing and data is None:
        forms["form"].initial |= _asked_for(request)
    theirs: list[Change] = []
    is_faulty = request.method == "POST" and not act.startswith(HELPS)
    if is_faulty:
        saved, theirs = _save_unless(request, listing, draft, forms, step, seen, owners=owners, listing_id=listing_id)
        if saved is not None:
            typed.forget(person_of(request), place)
            return redirect(_onward(saved, step, act))
    if request.method == "POST":
        kept.keep(request, person_of(request), place)
    errors = listed(forms["form"], forms.get("rows")) if is_faulty and not theirs else []
    if theirs and listing and data is not None:
        untouched = [change.name for change in theirs if not change.is_contested]
        data = with_theirs(data, forms["form"], _told(step, draft), untouched)
        forms, seen = _forms(step, draft, data, owners), listing.version
    return render(
        request,
        "catalogue/listing_edit.html",
        {
            **around(listing, draft, step),
            **forms,
            "listing_id": listing.pk if listing else listing_id,
            "action": step_address(listing, step) if listing else resolve_url(f"{draft.direction}_new"),
            "seen": seen,
            "theirs": theirs,
            **(_last_writer(request, listing) if theirs and listing else {}),
            "left_at": left_at,
            "unfinished": kept.unfinished(request, draft.direction) if not listing and not data else [],
            "pickers": _pickers(forms["form"], data, act) if step == "facts" else {},
            "errors": errors,
        },
        status=422 if is_faulty else 200,
    )


def _save_unless(
    request: PageRequest,
    listing: Listing | None,
    draft: ListingDraft,
    forms: dict[str, Any],
    step: str,
    seen: int | None,
    *,
    owners: list[Organisation] | None,
    listing_id: UUID | None,
) -> tuple[Listing | None, list[Change]]:
    """Save a step, unless it has faults or others changed the same fields: then it tells what they changed."""
    form, rows = forms["form"], forms.get("rows")
    if not form.is_valid() or not (rows is None or rows.is_valid()):
        return None, []
    if listing and seen != listing.version and (theirs := _theirs(listing, draft, step, forms, seen)):
        return None, theirs
    try:
        return _save(request, listing, draft, form, rows, owners, listing_id), []
    except (rules.ChangedMeanwhile, rules.AlreadyRecorded):
        # The other one was faster by the blink of an eye: now there are both.
        there = own_listing(request, listing.pk if listing else listing_id)  # type: ignore[arg-type]
        seen = seen or 1
        return _save_unless(
            request, there, queries.draft_of(there), forms, step, seen, owners=owners, listing_id=listing_id
        )
    except DomainError as error:
        blame(form, error)
        return None, []


def _said(request: PageRequest, place: str, *, is_new: bool) -> tuple[QueryDict | None, datetime | None]:
    """What stands in the form: posted now, typed before signing in, or left unsaved; else when something was left."""
    if request.method == "POST":
        return request.POST, None
    if (before := typed_before(request)) is not None:
        return before, None
    left = kept.found(request, place)
    if left is None:
        return None, None
    if is_new or "typed" in request.GET:
        messages.info(request, gettext("What you typed stands here again. It is not saved yet."))
        return left[0], None
    return None, left[1]


def _seen(data: QueryDict | None, listing: Listing | None) -> int | None:
    """The version that the writer had before them; whoever has the page of a new listing saw the first one."""
    if listing is None:
        return None
    said = data.get("version", "") if data else ""
    if said:
        # What is no version is taken for one before the first: nothing is overwritten unseen.
        return int(said) if said.isdecimal() and len(said) <= MOST_DIGITS else 0
    return 1 if data and "draft" in data else listing.version


def _told(step: str, draft: ListingDraft) -> dict[str, Any]:
    """What a step shows of a content, rows included."""
    told = dict(_forms(step, draft, None, None)["form"].initial)
    return told | {"requirements": draft.requirements, "rights": draft.rights}


def _theirs(listing: Listing, draft: ListingDraft, step: str, forms: dict[str, Any], seen: int | None) -> list[Change]:
    """What others changed on this step since the version that the writer saw."""
    base = queries.draft_at(listing, seen) if seen else None
    # A version that is not kept is told as if the writer had begun with nothing.
    before = _told(step, base or ListingDraft(draft.direction, (), original_language=draft.original_language))
    now = _told(step, draft)
    found = changes(forms["form"], before, now)
    if rows := forms.get("rows"):
        label = gettext("Rights") if rows.prefix == "rights" else gettext("Requirements in numbers")
        found += row_changes(rows.prefix, label, before[rows.prefix], now[rows.prefix], rows.drafts)
    return found


def _laid(
    data: QueryDict | None, act: str, listing: Listing | None, draft: ListingDraft, step: str, seen: int | None
) -> QueryDict | None:
    """What was posted, with one more row where asked for, and with what the writer takes from the other one."""
    if data is None:
        return None
    if act.startswith("add_"):
        data = with_one_more(data, act.removeprefix("add_"))
    if listing and "take" in data:
        shown = (queries.draft_at(listing, seen) if seen else None) or draft
        data = with_theirs(data, _forms(step, draft, None, None)["form"], _told(step, shown), data.getlist("take"))
    return data


def _last_writer(request: PageRequest, listing: Listing) -> dict[str, Any]:
    """Who saved the listing last, where the reader may know; it may be the reader, on another page."""
    newest = next(iter(queries.revisions_of(listing, request.viewer)), None)
    if newest is None:
        return {}
    is_reader = newest.actor == reference(person_of(request))
    return {"by_me": is_reader, "by": person_named(newest.actor, request.viewer, request.at)}


def _asked_for(request: PageRequest) -> dict[str, str]:
    """What somebody searched for and now posts: by its length it is the title, the summary or the description."""
    text = (typed.searched(request.GET.get("kept", ""), request.at) or request.GET.get("text", "")).strip()
    if not text:
        return {}
    if len(text) > LONGEST_SUMMARY:
        return {"description": text}
    return {"title" if len(text) <= LONGEST_HEADLINE else "summary": text}


def _forms(step: str, draft: ListingDraft, data: Any, owners: list[Organisation] | None) -> dict[str, Any]:
    language = reading_language()
    if step == "what":
        form: Form = WhatForm(data, draft=draft)
        if owners and len(owners) > 1:
            named = [(str(owner.pk), owner.name(language)) for owner in owners]
            form.fields["owner"] = ChoiceField(label=_("Posted for"), choices=named)
        return {"form": form}
    if step == "facts":
        is_offer = draft.direction == Direction.OFFER
        rows = (
            right_rows(language, draft.rights, data)
            if is_offer
            else requirement_rows(language, draft.requirements, data)
        )
        return {"form": FactsForm(data, draft=draft, language=language), "rows": rows}
    if step == "readers":
        return {"form": ReadersForm(data, draft=draft)}
    raise Http404


def _save(
    request: PageRequest,
    listing: Listing | None,
    draft: ListingDraft,
    form: Any,
    rows: Any,
    owners: list[Organisation] | None,
    listing_id: UUID | None,
) -> Listing:
    after: ListingDraft = form.lay_into(draft)
    if rows is not None:
        field = "rights" if draft.direction == Direction.OFFER else "requirements"
        after = replace(after, **{field: rows.drafts})
    person = person_of(request)
    if listing is None:
        if not owners:
            raise NotAllowed
        owner = next((o for o in owners if str(o.pk) == form.cleaned_data.get("owner")), owners[0])
        after = replace(after, country=owner.country)
        return services.record_listing(actor=person, owner=owner, draft=after, at=request.at, listing_id=listing_id)
    if not changed(draft, after):
        return listing
    return services.revise(actor=person, listing=listing, draft=after, at=request.at, seen=listing.version)


def _onward(listing: Listing, step: str, act: str) -> str:
    if act == "later":
        return resolve_url("desk")
    names = list(STEPS)
    return step_address(listing, names[names.index(step) + 1])


def step_address(listing: Listing, step: str) -> str:
    """The page of a step."""
    return resolve_url("offer_edit" if listing.is_offer else "need_edit", listing.pk, step)


def around(listing: Listing | None, draft: ListingDraft, step: str) -> dict[str, Any]:
    """The head of the page, and the hints at its side."""
    names = list(STEPS)
    here = names.index(step)
    steps = [
        Step(str(text), step_address(listing, name) if listing else "", name == step, bool(listing) and place < here)
        for place, (name, text) in enumerate(STEPS.items())
    ]
    return {
        "listing": listing,
        "draft": draft,
        "is_offer": draft.direction == Direction.OFFER,
        "step": step,
        "step_number": here + 1,
        "steps": steps,
        "next_text": STEPS[names[here + 1]] if here + 1 < len(names) else "",
        "back": step_address(listing, names[here - 1]) if listing and here else "",
        "hints": hints_of(draft),
    }


def hints_of(draft: ListingDraft) -> dict[str, Any]:
    """What makes a listing easy to find and to judge: what is there, and what would help."""
    missing = rules.quality_hints(draft)
    every = rules.quality_hints(ListingDraft(draft.direction, ()))
    if "trl_evidence" in missing and "trl_evidence" not in every:
        every = (*every, "trl_evidence")
    there = [code for code in every if code not in missing]
    return {
        "missing": [(code, sentence(f"hint_{code}")) for code in missing],
        "there": [(code, sentence(f"has_{code}")) for code in there],
        "count": len(there),
        "total": len(every),
    }


def _pickers(form: Any, data: Any, act: str) -> dict[str, dict[str, Any]]:
    """For each field that is picked by words: what is chosen and what was found."""
    asked = PICKERS.get(act)
    shown = {}
    for name, scheme in SCHEMES.items():
        if name not in form.fields:
            continue
        chosen = data.getlist(name) if data else list(form.initial.get(name) or ())
        words = data.get(f"{name}_words", "") if data and asked == name else ""
        shown[name] = picker(name, scheme, chosen, words)
    return shown


def picker(name: str, scheme: str, chosen: list[str], words: str) -> dict[str, Any]:
    """What a field picked by words shows: the chosen codes with labels, and those found for the words."""
    language = reading_language()
    found = queries.search_terms(scheme, words, language, MOST_FOUND) if words.strip() else ()
    if not words.strip() and scheme == "country":
        found = tuple((code, queries.label(scheme, code, language)) for code in NEAR_COUNTRIES)
    return {
        "name": name,
        "scheme": scheme,
        "words": words,
        "chosen": [(code, queries.label(scheme, code, language)) for code in chosen],
        "found": [(code, label) for code, label in found if code not in (*chosen, *NEVER_PICKED.get(name, ()))],
        "was_asked": bool(words.strip()),
    }
