"""Who else may read what stands under a non-disclosure agreement: given and taken back by the owner."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import messages
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext
from django.views.decorators.http import require_POST

from transferase.catalogue import services
from transferase.catalogue.models import Tier
from transferase.directory.queries import search_organisations
from transferase.foundation.errors import DomainError
from transferase.web.accounts import person_of, reading_language
from transferase.web.editing import own_listing
from transferase.web.forms.access import AccessForm
from transferase.web.publishing import show_manage
from transferase.web.sentences import sentence
from transferase.web.unsaved import registered

if TYPE_CHECKING:
    from uuid import UUID

    from django.http import HttpResponse

    from transferase.directory.models import Organisation
    from transferase.web.middleware import PageRequest

MOST_FOUND = 8


@registered
@require_POST
def grant(request: PageRequest, listing_id: UUID) -> HttpResponse:
    """Let an organisation read the text under an agreement."""
    listing = own_listing(request, listing_id)
    words = request.POST.get("access-words", "")[:200]
    found = [o for o in search_organisations(request.viewer, words, MOST_FOUND) if o.pk != listing.owner_id]
    # A secret is opened to whom was named; what only looks like it is asked about first.
    is_sure = len(found) == 1 and _is_named(found[0], words)
    form = AccessForm(request.POST, found=None if is_sure else found, language=reading_language())
    if form.is_valid() and not found:
        form.add_error("words", gettext("No organisation was found. Enter the whole name or the register number."))
    if not form.is_valid():
        return show_manage(request, listing, access=form, status=422)
    chosen = form.cleaned_data.get("organisation", "")
    organisation = found[0] if is_sure else next((o for o in found if str(o.pk) == chosen), None)
    if organisation is None:
        # The page asks which one is meant.
        return show_manage(request, listing, access=form)
    services.grant_access(
        actor=person_of(request),
        listing=listing,
        organisation=organisation,
        tier=Tier.NDA,
        at=request.at,
        ends_at=form.ends_at,
    )
    messages.success(
        request, gettext("%(name)s may read the text now.") % {"name": organisation.name(reading_language())}
    )
    return redirect("listing_manage", listing.pk)


def _is_named(organisation: Organisation, words: str) -> bool:
    """Whether words are a whole name or register number of an organisation."""
    plain = " ".join(words.split()).lower()
    return any(name.name.lower() == plain for name in organisation.names.all()) or any(
        identifier.value.lower() == plain.replace("-", "") for identifier in organisation.identifiers.all()
    )


@registered
@require_POST
def revoke(request: PageRequest, listing_id: UUID, access_id: int) -> HttpResponse:
    """Take the permission to read back."""
    listing = own_listing(request, listing_id)
    access = get_object_or_404(listing.accesses.select_related("organisation"), pk=access_id)
    try:
        services.revoke_access(actor=person_of(request), access=access, at=request.at)
    except DomainError as error:
        messages.error(request, sentence(error.code, error.facts))
    else:
        name = access.organisation.name(reading_language())
        messages.success(request, gettext("%(name)s may no longer read the text.") % {"name": name})
    return redirect("listing_manage", listing.pk)
