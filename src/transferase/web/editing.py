"""Posting and changing an offer or a need, step by step; every step is saved before the next one opens."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

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
from transferase.directory.queries import organisations_of
from transferase.foundation.errors import DomainError, NotAllowed
from transferase.web.accounts import person_of, reading_language
from transferase.web.forms.errors import blame, listed
from transferase.web.forms.listing import NEAR_COUNTRIES, FactsForm, ReadersForm, WhatForm, changed
from transferase.web.forms.rows import requirement_rows, right_rows, with_one_more
from transferase.web.sentences import sentence
from transferase.web.unsaved import registered, typed_before

if TYPE_CHECKING:
    from uuid import UUID

    from django.http import HttpResponse

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
MOST_FOUND = 20
LONGEST_HEADLINE = 120


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
    owners = organisations_of(person_of(request), request.at)
    if not owners:
        messages.info(request, gettext("First name the organisation that you post for."))
        return redirect(f"{resolve_url('organisation_new')}?{urlencode({'next': request.get_full_path()})}")
    return _write(request, None, ListingDraft(direction, (), original_language=reading_language()), "what", owners)


def _write(
    request: PageRequest,
    listing: Listing | None,
    draft: ListingDraft,
    step: str,
    owners: list[Organisation] | None = None,
) -> HttpResponse:
    data = request.POST if request.method == "POST" else typed_before(request)
    act = request.POST.get("act", "next")
    for prefix in ("requirements", "rights"):
        if data and act == f"add_{prefix}":
            data = with_one_more(data, prefix)
    forms = _forms(step, draft, data, owners)
    form, rows = forms["form"], forms.get("rows")
    if not listing and request.method == "GET" and not data:
        form.initial |= _asked_for(request)
    is_help = act.startswith(("add_", "find_"))
    status = 200
    if request.method == "POST" and not is_help:
        are_valid = form.is_valid() and (rows is None or rows.is_valid())
        if are_valid and listing and _is_stale(request, listing):
            form.add_error(
                None, gettext("Somebody saved this listing meanwhile. Look at what stands here, then save again.")
            )
            are_valid = False
        if are_valid:
            try:
                saved = _save(request, listing, draft, form, rows, owners)
            except DomainError as error:
                blame(form, error)
            else:
                return redirect(_onward(saved, step, act))
        status = 422
    return render(
        request,
        "catalogue/listing_edit.html",
        {
            **around(listing, draft, step),
            **forms,
            "is_help": is_help,
            "is_unsaved": bool(data),
            "pickers": _pickers(form, data, act) if step == "facts" else {},
            "errors": listed(form, rows) if status != 200 else [],
        },
        status=status,
    )


def _asked_for(request: PageRequest) -> dict[str, str]:
    """What somebody searched for and now posts: a short text is the title, a long one the summary."""
    text = request.GET.get("text", "").strip()[:LONGEST_SUMMARY]
    return {"title" if len(text) <= LONGEST_HEADLINE else "summary": text} if text else {}


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
        return services.record_listing(actor=person, owner=owner, draft=after, at=request.at)
    if not changed(draft, after):
        return listing
    return services.revise(actor=person, listing=listing, draft=after, at=request.at)


def _is_stale(request: PageRequest, listing: Listing) -> bool:
    seen = request.POST.get("version", "")
    return seen != "" and seen != str(listing.version)


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
        "found": [(code, label) for code, label in found if code not in chosen],
        "was_asked": bool(words.strip()),
    }
