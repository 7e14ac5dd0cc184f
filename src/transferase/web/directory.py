"""Organisations and what they offer and need."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.shortcuts import render

if TYPE_CHECKING:
    from django.http import HttpResponse

    from transferase.web.middleware import PageRequest


def organisations(request: PageRequest) -> HttpResponse:
    """Organisations, found by name or number."""
    return render(request, "catalogue/front_show.html", {})


def organisation(request: PageRequest, organisation_id: int) -> HttpResponse:
    """One organisation with its listings."""
    return render(request, "catalogue/front_show.html", {})
