"""How the index stands, for those who run the platform: its model, and another edition that is being built."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.http import Http404
from django.shortcuts import render
from django.views.decorators.http import require_safe

from transferase.directory.rules import Permission
from transferase.matching import queries
from transferase.web.unsaved import registered

if TYPE_CHECKING:
    from django.http import HttpResponse

    from transferase.web.middleware import PageRequest


@registered
@require_safe
def index(request: PageRequest) -> HttpResponse:
    """The running index and, while one is built, the next: model, how many listings are done, since when."""
    if Permission.MATCHING_INDEX_WRITE not in request.viewer.permissions:
        raise Http404
    return render(request, "quality/index_show.html", {"index": queries.status()})
