"""Search: the address says everything that was asked, the page says how many there are and why they were found."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from django.http import HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import pgettext
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from transferase.catalogue.models import Direction
from transferase.catalogue.queries import labels
from transferase.directory.models import Organisation
from transferase.foundation.languages import LANGUAGES
from transferase.matching import queries as matching
from transferase.matching.queries import SearchResult
from transferase.matching.rules import LONGEST_TEXT
from transferase.web import visits
from transferase.web.asked import LAST_PAGE, Asked
from transferase.web.cards import Card, cards
from transferase.web.context import text_language
from transferase.web.saving import saving_of
from transferase.web.sentences import listed
from transferase.web.templatetags.interface import language_name, moment

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from django.http import HttpResponse

    from transferase.directory.rules import Viewer
    from transferase.engine.text import Snippet
    from transferase.matching.queries import Hit
    from transferase.web.middleware import PageRequest

PAGE = 10
MOST_SHOWN = 8

NOTHING = SearchResult(
    hits=(),
    total=0,
    facets=dict.fromkeys(("direction", "countries", "languages", "fields", "trl", "transfer_modes"), ()),
    without={},
    did_you_mean=None,
    milliseconds=0.0,
    meaning_is_available=True,
)


@dataclass(frozen=True)
class Choice:
    """One value of a filter, with how many results it would leave."""

    value: str
    label: str
    count: int
    is_chosen: bool


@dataclass(frozen=True)
class Facet:
    """A filter with its values."""

    name: str
    label: str
    kind: str  # checkbox or radio
    choices: tuple[Choice, ...]
    more: tuple[Choice, ...]

    @property
    def is_used(self) -> bool:
        return any(choice.is_chosen and choice.value for choice in (*self.choices, *self.more))


@dataclass(frozen=True)
class Chip:
    """A filter in force: what it says, the address without it, and what it keeps away."""

    text: str
    without: str
    hidden: int


@dataclass(frozen=True)
class Marks:
    """What was found in a listing, with the found words marked."""

    snippet: SafeString
    snippet_language: str
    title: SafeString | None = None
    is_machine_made: bool = False


@dataclass(frozen=True)
class Result:
    """A line of the list of results."""

    card: Card
    marks: Marks | None
    because: tuple[str, ...]


@dataclass(frozen=True)
class Suggestion:
    """Other words that may have been meant, and the search for them."""

    text: str
    address: str


@dataclass(frozen=True)
class Pages:
    """Where in a list of pages one is."""

    first: int
    last: int
    total: int
    previous: str
    next: str

    @property
    def has_more_than_one(self) -> bool:
        return bool(self.previous or self.next)


# Asking changes nothing that belongs to anybody, and without a token the page sets no cookie for a visitor.
@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def search(request: PageRequest, kind: str = "") -> HttpResponse:
    """Offers and needs found for words, for a whole text, or for filters alone; what was posted gets an address."""
    if request.method == "POST":
        settled = Asked.from_address(request.POST, kind).settled(request.at)
        return HttpResponseRedirect(settled.address(), status=303)
    asked = Asked.from_address(request.GET, kind).settled(request.at)
    language = text_language()
    found = (
        matching.search(
            viewer=request.viewer,
            at=request.at,
            text=asked.text,
            direction=asked.kind or None,
            filters=asked.filters,
            language=language,
            limit=PAGE,
            offset=(asked.page - 1) * PAGE,
        )
        if asked.says_something
        else NOTHING
    )
    shown = cards([hit.listing_id for hit in found.hits], viewer=request.viewer, at=request.at, language=language)
    results = [
        Result(shown[hit.listing_id], marks_of(hit), reasons_of(hit, language))
        for hit in found.hits
        if hit.listing_id in shown
    ]
    visits.found(request, [key for key, card in shown.items() if not card.is_own])
    chips = chips_of(asked, found, language, request.viewer)
    return render(
        request,
        "catalogue/listings_search.html",
        {
            "asked": asked,
            "found": found,
            "results": results,
            "facets": facets_of(asked, found, language),
            "chips": chips,
            "is_far": is_far(asked, found),
            "hiding": [chip for chip in chips if chip.hidden],
            "unfiltered": Asked(text=asked.text, kept=asked.kept, kind=asked.kind).address() if chips else "",
            "longest": LONGEST_TEXT,
            "pages": pages_of(asked, found.total, len(results)),
            "heading": heading_of(asked),
            "seconds": seconds(found.milliseconds),
            "suggestion": suggestion_of(asked, found),
            "post_address": post_address(asked),
            "saving": saving_of(request, asked),
        },
    )


def is_far(asked: Asked, found: SearchResult) -> bool:
    """Whether the first page of what was found for a text says that nothing fits closely."""
    return bool(asked.text) and asked.page == 1 and found.is_far


def heading_of(asked: Asked) -> str:
    """What the page is called."""
    if asked.text:
        return _("Results for “%(text)s”") % {"text": asked.text[:60]}
    return {"offer": _("Technology offers"), "need": _("Technology needs")}.get(asked.kind, _("Offers and needs"))


def facets_of(asked: Asked, found: SearchResult, language: str) -> list[Facet]:
    """The filters with counts, in the order of use; a filter without a choice to make is left out."""
    kinds = {"offer": _("Offers"), "need": _("Needs")}
    bands = {
        "1-3": _("1–3 Research"),
        "4-6": _("4–6 Prototype"),
        "7-9": _("7–9 Proven in use"),
        "none": _("Not stated"),
    }
    facets = [
        _facet("kind", _("Kind"), _both(found.facets["direction"]), kinds, (asked.kind,), kind="radio"),
        _facet("country", _("Country"), found.facets["countries"], labels("country", language), asked.countries),
        _facet(
            "language",
            _("Written in"),
            found.facets["languages"],
            {code: language_name(code) for code in LANGUAGES},
            asked.languages,
        ),
        _facet("field", _("Field of technology"), found.facets["fields"], labels("field", language), asked.fields),
        _facet("trl", _("Readiness (TRL)"), found.facets["trl"], bands, (asked.trl,), kind="radio"),
        _facet(
            "mode",
            _("Way of transfer"),
            found.facets["transfer_modes"],
            labels("transfer_mode", language),
            asked.modes,
        ),
    ]
    return [facet for facet in facets if facet is not None]


def chips_of(asked: Asked, found: SearchResult, language: str, viewer: Viewer) -> list[Chip]:
    """The filters in force, each with a way to drop it and the number of results that it keeps away."""

    def chip(name: str, text: str, **change: Any) -> Chip:
        hidden = max(0, found.without.get(name, found.total) - found.total)
        return Chip(text, replace(asked, page=1, **change).address(), hidden)

    def several(name: str, attribute: str, names: Mapping[str, str]) -> list[Chip]:
        chosen: tuple[str, ...] = getattr(asked, attribute)
        return [
            chip(name, names.get(value, value), **{attribute: tuple(other for other in chosen if other != value)})
            for value in chosen
        ]

    told = [
        *several("countries", "countries", labels("country", language)),
        *several("languages", "languages", {code: language_name(code) for code in LANGUAGES}),
        *several("fields", "fields", labels("field", language)),
        *several("transfer_modes", "modes", labels("transfer_mode", language)),
    ]
    if asked.trl:
        told.append(chip("trl", f"TRL {asked.trl.replace('-', '–')}", trl=""))
    if asked.since:
        since = _("published after %(moment)s") % {"moment": moment(datetime.fromisoformat(asked.since))}
        told.append(chip("published_since", since, since=""))
    if asked.ipc:
        told.append(chip("ipc", f"IPC {asked.ipc}", ipc=""))
    if asked.organisation is not None:
        owner = Organisation.objects.visible_to(viewer).prefetch_related("names").filter(pk=asked.organisation).first()
        if owner is not None:
            told.append(chip("organisation_id", owner.name(language), organisation=None))
    return told


def suggestion_of(asked: Asked, found: SearchResult) -> Suggestion | None:
    """The text as it may have been meant, where a word of it is one that no listing uses."""
    if not found.did_you_mean:
        return None
    meant = asked.reworded(found.did_you_mean)
    return Suggestion(found.did_you_mean, meant.address()) if meant.fits_address else None


def post_address(asked: Asked) -> str:
    """Where what was searched for can be posted as a need."""
    address = reverse("need_new")
    told = {"kept": asked.kept} if asked.kept else {"text": asked.text}
    return f"{address}?{urlencode(told)}" if asked.text else address


def pages_of(asked: Asked, total: int, shown: int) -> Pages:
    """The page one is on, and the addresses before and after it."""
    first = (asked.page - 1) * PAGE + 1
    return Pages(
        first=first,
        last=first + shown - 1,
        total=total,
        previous=replace(asked, page=asked.page - 1).address() if asked.page > 1 else "",
        next=replace(asked, page=asked.page + 1).address() if first + PAGE <= total and asked.page < LAST_PAGE else "",
    )


def marks_of(hit: Hit) -> Marks | None:
    """The snippet of a hit with the found words marked."""
    if hit.snippet is None or not hit.snippet.text:
        return None
    return Marks(marked(hit.snippet), hit.language, is_machine_made=hit.is_machine_made)


def marked(snippet: Snippet) -> SafeString:
    """A stretch of text in which found words stand in `mark`; everything else is escaped."""
    pieces, last = [], 0
    for start, end in snippet.marks:
        pieces.append(format_html("{}<mark>{}</mark>", snippet.text[last:start], snippet.text[start:end]))
        last = end
    inside = format_html("{}{}", format_html_join("", "{}", ((piece,) for piece in pieces)), snippet.text[last:])
    return format_html("{}{}{}", "… " if snippet.cut_before else "", inside, " …" if snippet.cut_after else "")


def reasons_of(hit: Hit, reader: str) -> tuple[str, ...]:
    """Why a listing was found, in words."""
    told = []
    for reason in hit.because:
        if reason.code == "found_words":
            words: Any = reason.facts["words"]
            quoted = listed(pgettext("a word as it was found", "“%s”") % word for word in words)
            told.append(_("Found by words: %(words)s") % {"words": quoted})
        elif reason.code == "close_meaning":
            told.append(_("Found by meaning") if hit.language == reader else _("Found by meaning, across languages"))
    return tuple(told)


def seconds(milliseconds: float) -> str:
    """How long a search took."""
    return _("%(seconds)s s") % {"seconds": f"{milliseconds / 1000:.2f}"}


def _both(counts: Sequence[tuple[str, int]]) -> list[tuple[str, int]]:
    """Offers and needs both stay to choose from, whatever was found."""
    known = dict(counts)
    return [(direction, known.get(direction, 0)) for direction in Direction.values]


def _facet(
    name: str,
    label: str,
    counts: Sequence[tuple[str, int]],
    names: Mapping[str, str],
    chosen: tuple[str, ...],
    kind: str = "checkbox",
) -> Facet | None:
    known = dict(counts)
    for value in chosen:
        if value:
            known.setdefault(value, 0)
    if kind == "radio":  # few values with an order of their own, which the names keep
        known = {value: known[value] for value in names if value in known}
    choices = [Choice(value, names.get(value, value), count, value in chosen) for value, count in known.items()]
    if not choices or (len(choices) == 1 and not choices[0].is_chosen):
        return None
    first = [choice for i, choice in enumerate(choices) if i < MOST_SHOWN or choice.is_chosen]
    rest = [choice for choice in choices if choice not in first]
    return Facet(name, label, kind, tuple(first), tuple(rest))
