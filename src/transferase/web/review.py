"""What waits for a reviewer: listings of organisations that nobody has verified, and those organisations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import messages
from django.http import Http404
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST, require_safe

from transferase.catalogue import queries, rules, services
from transferase.catalogue.models import Listing
from transferase.directory import queries as directory
from transferase.directory.models import Organisation
from transferase.directory.rules import Permission
from transferase.foundation.errors import DomainError
from transferase.web.accounts import person_of, reading_language
from transferase.web.forms.fields import Words, options
from transferase.web.sentences import sentence
from transferase.web.unsaved import registered

if TYPE_CHECKING:
    from uuid import UUID

    from django.http import HttpResponse

    from transferase.web.middleware import PageRequest

MOST = 50


class SendBackForm(forms.Form):
    """Why a listing is sent back; its owner reads the reason."""

    reason = forms.ChoiceField(label=_("What should be mended"), widget=forms.RadioSelect)

    note = Words(label=_("A word to the owner"), rows=2, max_length=1000)

    def __init__(self, data: Any = None, *, language: str, listing_id: UUID) -> None:
        super().__init__(data, prefix=f"l{listing_id.hex}")
        self.fields["reason"].choices = options("send_back_reason", language)  # type: ignore[attr-defined]


@registered
@require_safe
def review(request: PageRequest) -> HttpResponse:
    """Listings that wait for a reviewer, the oldest first, and organisations that wait for an operator."""
    return _queue(request)


@registered
@require_POST
def publish(request: PageRequest, listing_id: UUID) -> HttpResponse:
    """Publish a listing that waits."""
    listing = _waiting(request, listing_id)
    try:
        services.publish(actor=person_of(request), listing=listing, at=request.at)
    except DomainError as error:
        messages.error(request, sentence(error.code, error.facts))
    else:
        messages.success(request, gettext("Published. Matching looks for counterparts now."))
    return redirect("review")


@registered
@require_POST
def send_back(request: PageRequest, listing_id: UUID) -> HttpResponse:
    """Send a listing back to its owner with a reason."""
    listing = _waiting(request, listing_id)
    form = SendBackForm(request.POST, language=reading_language(), listing_id=listing.pk)
    if not form.is_valid():
        return _queue(request, form, listing, status=422)
    try:
        services.send_back(actor=person_of(request), listing=listing, at=request.at, **form.cleaned_data)
    except DomainError as error:
        messages.error(request, sentence(error.code, error.facts))
    else:
        messages.success(request, gettext("Sent back. Its owner reads the reason and can hand it in again."))
    return redirect("review")


def _waiting(request: PageRequest, listing_id: UUID) -> Listing:
    _let_reviewers_pass(request)
    return get_object_or_404(Listing.objects.visible_to(request.viewer, request.at), pk=listing_id)


def _let_reviewers_pass(request: PageRequest) -> None:
    if not rules.may_review(person_of(request)):
        raise Http404


def _queue(
    request: PageRequest, asked: SendBackForm | None = None, about: Listing | None = None, status: int = 200
) -> HttpResponse:
    _let_reviewers_pass(request)
    language = reading_language()
    waiting = list(queries.review_queue(request.viewer)[:MOST])
    entries = []
    for sheet in queries.sheets(waiting, request.viewer, request.at, language):
        is_asked = about is not None and about.pk == sheet.id
        entries.append((sheet, asked if is_asked else SendBackForm(language=language, listing_id=sheet.id)))
    may_verify = Permission.DIRECTORY_ORGANISATION_VERIFY in request.viewer.permissions
    unverified = []
    if may_verify:
        seen = Organisation.objects.visible_to(request.viewer).filter(verified_at=None).order_by("created_at")
        unverified = list(seen.prefetch_related("names", "identifiers"))
    namesakes = directory.namesakes_of(unverified)
    page = {
        "entries": entries,
        "organisations": [(organisation, namesakes[organisation.pk]) for organisation in unverified],
        "may_verify": may_verify,
    }
    return render(request, "catalogue/review_queue.html", page, status=status)
