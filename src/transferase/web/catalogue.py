"""The front page, and the page of an offer or a need."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.core.cache import cache
from django.db.models import Count
from django.shortcuts import render
from django.views.decorators.http import require_safe

from transferase.catalogue.models import Direction, Listing, Scheme
from transferase.catalogue.queries import labels
from transferase.directory.rules import ANYONE
from transferase.matching.queries import known_counterparts
from transferase.web.cards import cards
from transferase.web.context import text_language
from transferase.web.templatetags.interface import language_name, number

if TYPE_CHECKING:
    from datetime import datetime

    from django.http import HttpResponse

    from transferase.web.middleware import PageRequest

NEWEST = 4
MOST_FIELDS = 18
FIGURES_LAST = 60  # seconds


@dataclass(frozen=True)
class FieldCount:
    """A field of technology and how many public listings stand in it."""

    code: str
    label: str
    count: int


@require_safe
def front(request: PageRequest) -> HttpResponse:
    """The first page: search, what is new, and what there is."""
    language = text_language()
    newest = {
        str(direction): list(
            Listing.objects.visible_to(ANYONE, request.at)
            .filter(direction=direction)
            .order_by("-published_at")
            .values_list("pk", flat=True)[:NEWEST]
        )
        for direction in Direction
    }
    found = cards([*newest["offer"], *newest["need"]], viewer=request.viewer, at=request.at, language=language)
    figures = _figures(request.at)
    names = labels("field", language)
    return render(
        request,
        "catalogue/front_show.html",
        {
            "offers": [found[pk] for pk in newest["offer"] if pk in found],
            "needs": [found[pk] for pk in newest["need"] if pk in found],
            "figures": {
                **figures,
                "fields": [FieldCount(code, names.get(code, code), count) for code, count in figures["fields"]],
            },
            "offers_by_language": _by_language(figures["languages"]["offer"]),
            "needs_by_language": _by_language(figures["languages"]["need"]),
        },
    )


def _figures(at: datetime) -> dict[str, Any]:
    """What everybody may see, counted at most once a minute."""

    def count() -> dict[str, Any]:
        public = Listing.objects.visible_to(ANYONE, at)
        languages: dict[str, dict[str, int]] = {"offer": {}, "need": {}}
        counted = public.values_list("direction", "original_language").annotate(n=Count("pk"))
        for direction, language, listings in counted:
            languages[direction][language] = listings
        fields = (
            public.filter(classifications__scheme=Scheme.FIELD)
            .values_list("classifications__code")
            .annotate(n=Count("pk", distinct=True))
            .order_by("-n", "classifications__code")[:MOST_FIELDS]
        )
        named = public.filter(is_anonymous=False).aggregate(
            organisations=Count("owner", distinct=True), countries=Count("owner__country", distinct=True)
        )
        return {
            "offers": sum(languages["offer"].values()),
            "needs": sum(languages["need"].values()),
            "languages": languages,
            "fields": list(fields),
            "counterparts": known_counterparts(at),
            **named,
        }

    return cache.get_or_set("front_figures", count, FIGURES_LAST)  # type: ignore[return-value]


def _by_language(counts: dict[str, int]) -> str:
    """The languages that listings were written in, with their counts: Korean 50 · Chinese 43."""
    most_first = sorted(counts, key=lambda code: (-counts[code], code))
    return " · ".join(f"{language_name(code)} {number(counts[code])}" for code in most_first)
