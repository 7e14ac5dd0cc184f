"""Help while somebody types: the language, what is still missing, classes found by words, first matches."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.http import Http404
from django.shortcuts import render
from django.views.decorators.http import require_GET, require_POST

from transferase.catalogue import queries
from transferase.catalogue.models import Direction
from transferase.catalogue.rules import ListingDraft, clean_draft
from transferase.directory.queries import organisations_of
from transferase.engine.text import detect_language
from transferase.foundation.languages import LANGUAGES
from transferase.matching import queries as matching
from transferase.web.accounts import reading_language
from transferase.web.editing import SCHEMES, hints_of, own_listing, picker
from transferase.web.forms.listing import BODY, WhatForm, text_of
from transferase.web.unsaved import registered

if TYPE_CHECKING:
    from uuid import UUID

    from django.http import HttpResponse

    from transferase.directory.models import Organisation
    from transferase.web.middleware import PageRequest

MOST_MATCHES = 5
# A few words say too little: what they find would change with every key.
LEAST_CHARACTERS = 12
# The beginning of a text tells enough, and everybody who types waits for the analysis of what others typed.
LONGEST_SO_FAR = 5_000


@registered
@require_POST
def listing_hints(request: PageRequest, direction: str) -> HttpResponse:
    """What the text so far has and lacks, and whether it is in the language that it claims."""
    if direction not in Direction.values:
        raise Http404
    draft = _draft_so_far(request, direction)
    text = text_of(draft, draft.original_language)
    read_as = detect_language(" ".join(getattr(text, name) for name in BODY)) if text else None
    page = {
        "hints": hints_of(draft),
        "read_as": read_as if read_as != draft.original_language else None,
        "claimed": draft.original_language,
    }
    return render(request, "catalogue/listing_edit_hints.html", page)


@registered
@require_GET
def term_search(request: PageRequest, name: str) -> HttpResponse:
    """The codes found for words, beside those already ticked."""
    if name not in SCHEMES:
        raise Http404
    words = request.GET.get(f"{name}_words", "")[:100]
    shown = picker(name, SCHEMES[name], request.GET.getlist(name)[:200], words)
    return render(request, "catalogue/listing_edit_picked.html", {"picker": shown})


@registered
@require_POST
def text_matches(request: PageRequest, direction: str) -> HttpResponse:
    """The first counterparts found for the text so far; nothing is saved."""
    if direction not in Direction.values:
        raise Http404
    owners = organisations_of(request.person, request.at) if request.person else []
    named = request.POST.get("owner", "")
    owner = next((one for one in owners if str(one.pk) == named), next(iter(owners), None))
    return _first_matches(request, clean_draft(_draft_so_far(request, direction)), owner)


@registered
@require_GET
def listing_matches_preview(request: PageRequest, listing_id: UUID) -> HttpResponse:
    """The first counterparts found for a listing as it was last saved."""
    listing = own_listing(request, listing_id)
    return _first_matches(request, queries.draft_of(listing), listing.owner)


def _draft_so_far(request: PageRequest, direction: str) -> ListingDraft:
    """What was typed, whether or not it would pass the checks."""
    language = request.POST.get("language", "")
    if language not in LANGUAGES:
        language = reading_language()
    form = WhatForm(request.POST, draft=ListingDraft(direction, (), original_language=language))
    form.is_valid()
    form.cleaned_data = {"language": language, **{name: request.POST.get(name, "")[:LONGEST_SO_FAR] for name in BODY}}
    return form.lay_into(form.draft)


def _first_matches(request: PageRequest, draft: ListingDraft, owner: Organisation | None) -> HttpResponse:
    text = text_of(draft, draft.original_language)
    words = "\n".join(filter(None, (getattr(text, name) for name in BODY))) if text else ""
    matches = (
        matching.matches_for_text(
            viewer=request.viewer,
            at=request.at,
            draft=draft,
            language=reading_language(),
            limit=MOST_MATCHES,
            owner=owner,
        )
        if len(words) >= LEAST_CHARACTERS
        else []
    )
    page = {
        "matches": matches,
        "is_short": len(words) < LEAST_CHARACTERS,
        "is_offer": draft.direction == Direction.OFFER,
    }
    return render(request, "catalogue/listing_edit_matches.html", page)
