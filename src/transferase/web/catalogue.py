"""The front page, search, and the page of an offer or a need."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.shortcuts import render

if TYPE_CHECKING:
    from uuid import UUID

    from django.http import HttpResponse

    from transferase.web.middleware import PageRequest


def front(request: PageRequest) -> HttpResponse:
    """The first page."""
    return render(request, "catalogue/front_show.html", {})


def search(request: PageRequest) -> HttpResponse:
    """Offers and needs found for words or a text."""
    return render(request, "catalogue/front_show.html", {})


def offers(request: PageRequest) -> HttpResponse:
    """All offers, newest first, with filters."""
    return search(request)


def needs(request: PageRequest) -> HttpResponse:
    """All needs, newest first, with filters."""
    return search(request)


def offer(request: PageRequest, listing_id: UUID) -> HttpResponse:
    """The page of an offer."""
    return search(request)


def need(request: PageRequest, listing_id: UUID) -> HttpResponse:
    """The page of a need."""
    return search(request)
