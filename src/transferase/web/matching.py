"""The matches of a listing, and what people judge of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.shortcuts import render

if TYPE_CHECKING:
    from uuid import UUID

    from django.http import HttpResponse

    from transferase.web.middleware import PageRequest


def offer_matches(request: PageRequest, listing_id: UUID) -> HttpResponse:
    """Needs that an offer may answer."""
    return render(request, "catalogue/front_show.html", {})


def need_matches(request: PageRequest, listing_id: UUID) -> HttpResponse:
    """Offers that may answer a need."""
    return render(request, "catalogue/front_show.html", {})


def match(request: PageRequest, need_id: UUID, offer_id: UUID) -> HttpResponse:
    """One match; posting judges it."""
    return render(request, "catalogue/front_show.html", {})
