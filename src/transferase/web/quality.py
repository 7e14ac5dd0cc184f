"""How good matching is: a public page made of stored measurements and of the answers that people gave."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from transferase.directory.rules import Permission
from transferase.matching import queries
from transferase.web.sentences import labelled
from transferase.web.templatetags.interface import language_name, number

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from django.http import HttpResponse

    from transferase.matching.queries import Answers, Findings, Known, Ranked, Translated
    from transferase.web.middleware import PageRequest

LEGS: Final = ("hybrid", "dense", "lexical")
# The figure by which runs are compared with each other.
MAIN_SET: Final = "sbir"


@dataclass(frozen=True)
class Bar:
    """A share as a bar from 0 to 100, its number, and a second figure beside it."""

    label: str
    length: str
    told: str
    beside: str = ""
    is_main: bool = False


@dataclass(frozen=True)
class Set:
    """One judged set: between which languages, on what, and how well each way of finding did."""

    title: str
    about: str
    size: str
    bars: Sequence[Bar]


@dataclass(frozen=True)
class Headline:
    """A figure that stands at the top of the page."""

    name: str
    value: str
    note: str


@require_safe
def quality(request: PageRequest) -> HttpResponse:
    """The figures of the newest measurement, the answers on this platform, and how to read them."""
    known = queries.quality(request.at)
    found = known.bench
    return render(
        request,
        "quality/quality_show.html",
        {
            "found": found,
            "run": found.run if found else None,
            "machine": machine_words(found.run.machine) if found else "",
            "headlines": _headlines(found) if found else [],
            "across": [_set(row) for row in found.ranked if _is_across(row)] if found else [],
            "within": [_set(row) for row in found.ranked if not _is_across(row)] if found else [],
            "known": [_known(row) for row in found.known] if found else [],
            "translated": [_translation(row) for row in found.translated] if found else [],
            "speeds": _speeds(found) if found else [],
            "single": [_single(one) for one in known.single],
            "history": _history(known.history) if len(known.history) > 1 else [],
            "answers": known.answers,
            "answer_bars": _answer_bars(known.answers),
            "reason_bars": _reason_bars(known.answers),
            "may_weigh": Permission.MATCHING_WEIGHTS_WRITE in request.viewer.permissions,
            "least_judgements": queries.LEAST_JUDGEMENTS,
            "least_organisations": queries.LEAST_ORGANISATIONS,
        },
    )


@require_safe
def method(request: PageRequest) -> HttpResponse:
    """How matching works and how its figures come about, for readers who want to check them."""
    return render(request, "quality/method_show.html", {})


def machine_words(machine: Mapping[str, object]) -> str:
    """What a run was measured on, in a line."""
    told = [str(machine.get("processor", "")), str(machine.get("system", "")).partition("-")[0]]
    told.append(str(machine.get("python", "")))
    cores = machine.get("cores")
    if isinstance(cores, int):
        told.insert(1, _("%(n)d cores") % {"n": cores})
    if told[-1]:
        told[-1] = f"Python {told[-1]}"
    return ", ".join(word for word in told if word)


def _is_across(row: Ranked) -> bool:
    return bool(row.asked) and row.asked != row.offered


def _headlines(found: Findings) -> list[Headline]:
    lines = []
    if found.known:
        asked, there = sum(row.needs for row in found.known), sum(row.found for row in found.known)
        parts = " · ".join(f"{language_name(row.asked)} {row.found}/{row.needs}" for row in found.known)
        value = _("%(found)s of %(all)s") % {"found": there, "all": asked}
        lines.append(Headline(_("Known counterpart among the first ten"), value, parts))
    main = next((row for row in found.ranked if row.code == MAIN_SET), None)
    if main is not None and (share := main.legs["hybrid"].get("recall@10")) is not None:
        note = _("among %(n)s offers, by their texts alone") % {"n": number(main.documents)}
        lines.append(Headline(_("Awarded offer among the first ten"), percent(share), note))
    across = sorted(
        (row.legs["hybrid"].get("recall@10", 0.0), pair_words(row.asked, row.offered))
        for row in found.ranked
        if _is_across(row) and row.offered
    )
    if across:
        (least, weakest), (most, best) = across[0], across[-1]
        told = _("%(low)s to %(high)s") % {"low": percent(least), "high": percent(most)}
        note = _("weakest %(weakest)s, best %(best)s") % {"weakest": weakest, "best": best}
        lines.append(Headline(_("Across languages among the first ten"), told, note))
    search = next((row for row in found.speeds if row.code == "search"), None)
    if search is not None:
        lines.append(
            Headline(
                _("A search takes at most"), _("%(n)s ms") % {"n": f"{search.value:.0f}"}, _("95 times out of 100")
            )
        )
    return lines


def percent(share: float) -> str:
    """A share from 0 to 1 in words."""
    return _("%(n)s %%") % {"n": f"{100 * share:.0f}"}


def pair_words(asked: str, offered: str) -> str:
    """Two languages as a question and where it is answered."""
    there = language_name(offered) if offered else _("all three languages")
    if not asked or asked == offered:
        return there
    return _("%(asked)s → %(offered)s") % {"asked": language_name(asked), "offered": there}


def _set(row: Ranked) -> Set:
    names = {"hybrid": _("Both together"), "dense": _("By meaning"), "lexical": _("By words")}
    bars = [
        Bar(
            label=names[leg],
            length=f"{100 * measures.get('recall@10', 0.0):.1f}",
            told=percent(measures.get("recall@10", 0.0)),
            beside=f"{measures.get('ndcg@10', 0.0):.3f}",
            is_main=leg == "hybrid",
        )
        for leg in LEGS
        if (measures := row.legs.get(leg)) is not None
    ]
    size = _("%(needs)s needs, %(offers)s offers") % {
        "needs": number(row.queries),
        "offers": number(row.documents),
    }
    return Set(pair_words(row.asked, row.offered) or row.code, set_words(row.code), size, bars)


def set_words(code: str) -> str:
    """What a judged set is made of; one that we do not know is told by its name."""
    words = code.split(".")
    if words[0] == "translated":
        is_short = code.endswith("first")
        return (
            _("SBIR topics retold in another language in one sentence each; the offers stay English")
            if is_short
            else _("SBIR topics retold in another language in a few sentences; the offers stay English")
        )
    known = {
        "sbir": _("Topics of the US research programme SBIR and the projects that were funded for them, titles hidden"),
        "demo": _("Sample needs and the sample offers known to answer them, by their summaries alone"),
        "known": _("A title looks for the text that belongs to it: Korean patents, Chinese research results"),
    }
    return known.get(words[0], code)


def _known(row: Known) -> Bar:
    told = _("%(found)s of %(all)s") % {"found": row.found, "all": row.needs}
    without = row.without_machine_texts
    beside = "" if without is None else _("%(found)s of %(all)s") % {"found": without, "all": row.needs}
    label = _("Needs in %(language)s") % {"language": language_name(row.asked)}
    return Bar(label, f"{100 * row.found / row.needs:.1f}", told, beside, is_main=True)


def _translation(row: Translated) -> Set:
    label = " – ".join(language_name(code) for code in row.languages if code) or row.code
    kinds = [(_("Vectors as they come"), row.plain), (_("Centred by language"), row.centred)]
    if row.held_out is not None:
        kinds.append((_("Centred, means from other texts"), row.held_out))
    bars = [
        Bar(name, f"{100 * value:.1f}", f"{value:.2f}", is_main=place == len(kinds) - 1)
        for place, (name, value) in enumerate(kinds)
    ]
    about = (
        _("Everyday sentences and their translations (Tatoeba)")
        if "tatoeba" in row.code
        else _("Abstracts of the same paper in two languages (ChinaXiv)")
        if "zh_results" in row.code
        else row.code
    )
    return Set(label, about, _("%(n)s pairs") % {"n": number(row.pairs)}, bars)


def _speeds(found: Findings) -> list[tuple[str, str]]:
    names = {
        "embedding_wall": _("Texts made comparable by meaning, each second, all cores"),
        "embedding_cpu": _("Texts made comparable by meaning, each second of a processor core"),
        "propose": _("Matches of one listing found and explained"),
        "search": _("First search for a text"),
        "search_again": _("The same search again"),
        "ranking_large": _("Search in the database, slowest filter, %(n)s listings"),
        "page_large": _("Page of search results, %(n)s listings"),
        "publish_large": _("From publishing to stored matches, %(n)s listings"),
        "throughput_large": _("Different searches answered each second, %(n)s listings"),
        "ranking_huge": _("Search in the database, slowest filter, %(n)s listings"),
        "page_huge": _("Page of search results, %(n)s listings"),
        "search_page": _("Page of search results, %(n)s listings"),
        "browse_page": _("Page of the newest listings, %(n)s listings"),
        "memory_web": _("Memory of a process that serves pages"),
        "memory_embedding": _("Memory of a process that makes vectors"),
    }
    told = []
    for row in found.speeds:
        name = names[row.code]
        amount = f"{row.value:,.0f}"
        value = {"ms": _("%(n)s ms") % {"n": amount}, "MB": f"{amount} MB"}.get(row.unit, amount)
        told.append((name % {"n": number(row.listings or 0)} if "%(n)s" in name else name, value))
    return told


def _single(found: Findings) -> tuple[Findings, list[Set]]:
    return found, [
        *(_set(row) for row in found.ranked),
        *(_translation(row) for row in found.translated),
    ]


def _history(runs: Iterable[Findings]) -> list[tuple[Findings, str, str]]:
    told = []
    for found in runs:
        main = next((row for row in found.ranked if row.code == MAIN_SET), None)
        measures = main.legs["hybrid"] if main else {}
        known = sum(row.found for row in found.known)
        asked = sum(row.needs for row in found.known)
        told.append(
            (
                found,
                f"{measures['ndcg@10']:.3f}" if "ndcg@10" in measures else "–",
                _("%(found)s of %(all)s") % {"found": known, "all": asked} if asked else "–",
            )
        )
    return told


def _answer_bars(told: Answers) -> list[Bar]:
    if not told.is_told:
        return []
    rows = [
        (_("Matches that somebody judged"), told.answered),
        (_("of the judgements: interesting"), told.interesting),
        (_("of the judgements: already known"), told.known),
        (_("of the judgements: not for us"), told.declined),
    ]
    return [_whole_bar(label, share, is_main=place < 2) for place, (label, share) in enumerate(rows)]


def _reason_bars(told: Answers) -> list[Bar]:
    bars = [_whole_bar(labelled("decline_reason", code), share) for code, share in told.reasons]
    if told.reasons and told.other_reasons:
        bars.append(_whole_bar(_("Other reasons, each given by few"), told.other_reasons))
    return bars


def _whole_bar(label: str, share: int | None, *, is_main: bool = False) -> Bar:
    return Bar(label, str(share or 0), _("%(n)s %%") % {"n": share or 0}, is_main=is_main)
