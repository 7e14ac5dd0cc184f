"""How the own listings fare: found, opened, judged, and what they should say to be found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from django.shortcuts import get_object_or_404, render, resolve_url
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from transferase.catalogue import queries as catalogue
from transferase.catalogue.models import Listing
from transferase.foundation.languages import LANGUAGES
from transferase.matching import queries
from transferase.matching.rules import FEWEST_TOLD
from transferase.web.accounts import reading_language
from transferase.web.cards import address_of, cards
from transferase.web.context import text_language
from transferase.web.search import Pages
from transferase.web.sentences import labelled
from transferase.web.templatetags.interface import language_name
from transferase.web.unsaved import registered

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date
    from uuid import UUID

    from django.http import HttpResponse

    from transferase.catalogue.queries import ListingSheet
    from transferase.matching.queries import Gap, Month, Totals
    from transferase.web.middleware import PageRequest

PAGE: Final = 20
MOST_DIGITS: Final = 6
# fact -> the step of the form in which it is stated, the place there, and how it is asked for
PLACES: Final[Mapping[str, tuple[str, str, object]]] = {
    "trl": ("facts", "p-trl", gettext_lazy("State the readiness (TRL)")),
    "ipc": ("facts", "p-field", gettext_lazy("State the patent class (IPC)")),
    "transfer_modes": ("facts", "p-transfer", gettext_lazy("State the way of transfer")),
    "territory": ("facts", "p-transfer", gettext_lazy("State the territory")),
    "partner_kinds": ("facts", "p-transfer", gettext_lazy("State the kind of partner that you seek")),
}
WIDTHS: Final = {"wide": 700, "narrow": 360}  # drawn for a desk and for a phone, so that letters keep their size
HEIGHT: Final = 160
BASE: Final = 130  # of the bars
TOP: Final = 18
CLOSE: Final = 50  # less than this from month to month leaves no room for numbers


@dataclass(frozen=True)
class Advice:
    """Something to add to a listing, where to do it, and how many matches it would inform."""

    text: str
    address: str
    matches: int


@dataclass(frozen=True)
class Bar:
    """A month in the chart: two bars side by side, and what they stand for."""

    x: int
    month: date
    found_y: int
    found_height: int
    opened_y: int
    opened_height: int
    width: int
    found: int
    opened: int
    has_numbers: bool
    has_month: bool

    @property
    def found_middle(self) -> int:
        return self.x + self.width // 2

    @property
    def opened_middle(self) -> int:
        return self.opened_x + self.width // 2

    @property
    def opened_x(self) -> int:
        return self.x + self.width + 2

    @property
    def middle(self) -> int:
        return self.x + self.width + 1


@dataclass(frozen=True)
class Row:
    """One of the own listings with its numbers."""

    sheet: ListingSheet
    totals: Totals
    matches: int

    @property
    def address(self) -> str:
        return reverse("listing_figures", args=[self.sheet.id])


@registered
@require_safe
def figures(request: PageRequest) -> HttpResponse:
    """How often each of the own listings was found and opened, and what others said of it."""
    mine = catalogue.own_listings(request.viewer)
    asked = request.GET.get("page", "1")
    number = max(1, int(asked)) if asked.isdecimal() and len(asked) < MOST_DIGITS else 1
    first = (number - 1) * PAGE
    total = mine.count()
    listings = list(mine[first : first + PAGE])
    totals = queries.totals_of(listings, request.viewer, request.at)
    counts = queries.match_counts([listing.pk for listing in listings], request.viewer, request.at)
    sheets = catalogue.sheets(listings, request.viewer, request.at, reading_language())
    page = {
        "rows": [Row(sheet, totals[sheet.id], counts.get(sheet.id, 0)) for sheet in sheets if sheet.id in totals],
        "fewest": FEWEST_TOLD,
        "pages": Pages(
            first=first + 1,
            last=first + len(listings),
            total=total,
            previous=f"?page={number - 1}" if number > 1 else "",
            next=f"?page={number + 1}" if first + PAGE < total else "",
        ),
    }
    return render(request, "matching/figures.html", page)


@registered
@require_safe
def listing_figures(request: PageRequest, listing_id: UUID) -> HttpResponse:
    """One own listing month by month, what others said of it, and what it should say to be found."""
    listings = Listing.objects.visible_to(request.viewer, request.at)
    if not request.viewer.sees_everything:
        listings = listings.owned_by(request.viewer)
    listing = get_object_or_404(listings, pk=listing_id)
    told = queries.figures_of(listing, request.viewer, request.at)
    replies = told.totals.replies
    own = cards([listing.pk], viewer=request.viewer, at=request.at, language=text_language())[listing.pk]
    page = {
        "listing": own,
        "totals": told.totals,
        "matches": queries.match_counts([listing.pk], request.viewer, request.at)[listing.pk],
        "months": tuple(reversed(told.months)),
        "charts": [(name, width, bars_of(told.months, width)) for name, width in WIDTHS.items()],
        "height": HEIGHT,
        "base": BASE,
        "label_y": BASE + 18,
        "reasons": [(labelled("decline_reason", code), count) for code, count in replies.reasons or ()],
        "fewest": FEWEST_TOLD,
        "advice": advice_of(queries.gaps_of(listing, request.viewer, request.at), own.direction, listing.pk),
        "may_edit": own.is_own,
        "matches_address": address_of(own.direction, listing.pk, "matches"),
    }
    return render(request, "matching/listing_figures.html", page)


def advice_of(gaps: Sequence[Gap], direction: str, listing_id: UUID) -> list[Advice]:
    """What to add to a listing, each with the way to the place in the form."""
    told = []
    for gap in gaps:
        if gap.fact in LANGUAGES:
            language = language_name(gap.fact)
            step, place = "readers", "p-languages"
            text = _("Add a title and a summary in %(language)s") % {"language": language}
        else:
            step, place, words = PLACES[gap.fact]
            text = str(words)
        told.append(Advice(text, f"{resolve_url(f'{direction}_edit', listing_id, step)}#{place}", gap.matches))
    return told


def bars_of(months: Sequence[Month], drawing: int) -> list[Bar]:
    """The months as pairs of bars in a drawing of some width; where they stand close, only some are labelled."""
    most = max((max(month.found, month.opened) for month in months), default=0)
    step = drawing // max(len(months), 6)
    width = min(24, (step - 10) // 2)
    is_close = step < CLOSE

    def height(number: int) -> int:
        return round((BASE - TOP) * number / most) if most else 0

    return [
        Bar(
            x=position * step + 5,
            month=month.month,
            found_y=BASE - height(month.found),
            found_height=height(month.found),
            opened_y=BASE - height(month.opened),
            opened_height=height(month.opened),
            width=width,
            found=month.found,
            opened=month.opened,
            has_numbers=not is_close,
            has_month=not is_close or (len(months) - position) % 2 == 1,
        )
        for position, month in enumerate(months)
    ]
