"""How good matching is: the figures of stored measurements in one form, whatever run they stand in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from transferase.foundation.languages import Language
from transferase.matching.models import EvaluationKind, EvaluationRun

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

LEGS: Final = ("lexical", "dense", "hybrid")
MEASURES: Final = ("ndcg@10", "mrr@10", "recall@10", "recall@50", "recall@100")
MOST_HISTORY: Final = 12
_LANGUAGES: Final[Mapping[str, str]] = {
    "ko": Language.KO,
    "zh": Language.ZH,
    "zh-Hans": Language.ZH,
    "en": Language.EN,
    "kor": Language.KO,
    "cmn": Language.ZH,
    "eng": Language.EN,
}
# In which language the offers of a judged set are written; of others, that of the question.
_OFFERED: Final[Mapping[str, str]] = {"sbir": Language.EN, "translated": Language.EN, "demo": "", "samples": ""}
_ASKED: Final[Mapping[str, str]] = {"sbir": Language.EN}
# The times, speeds and sizes that are told: where each may stand in a run, the newest form first; its unit; and where
# the run says among how many listings it was measured.
SPEEDS: Final[Mapping[str, tuple[tuple[str, ...], str, str]]] = {
    "embedding_wall": (("engine.embedding.all_cores_per_second",), "a second", ""),
    "embedding_cpu": (
        ("engine.embedding.one_worker_per_cpu_second", "engine.embedding.offers_per_cpu_second"),
        "a processor second",
        "",
    ),
    "propose": (("product.samples.propose_one.p95_ms",), "ms", ""),
    "search": (("product.samples.search_first.p95_ms",), "ms", ""),
    "search_again": (("product.samples.search_again.p95_ms",), "ms", ""),
    "ranking_large": (("large.100k.slowest.ranking",), "ms", "large.100k.load.offers"),
    "page_large": (("large.100k.slowest.page",), "ms", "large.100k.load.offers"),
    "publish_large": (("large.100k.publishing.p95_ms",), "ms", "large.100k.load.offers"),
    "throughput_large": (
        ("large.100k.throughput.each_once.requests_per_second",),
        "a second",
        "large.100k.load.offers",
    ),
    "ranking_huge": (("large.1M.slowest.ranking",), "ms", "large.1M.load.offers"),
    "page_huge": (("large.1M.slowest.page",), "ms", "large.1M.load.offers"),
    "search_page": (("product.scale.search_page.p95_ms",), "ms", "product.scale.rows"),
    "browse_page": (("product.scale.browse_page.p95_ms",), "ms", "product.scale.rows"),
    "memory_web": (("engine.memory.web.rss_mb",), "MB", ""),
    "memory_embedding": (("engine.memory.embedding.rss_mb",), "MB", ""),
}


@dataclass(frozen=True)
class Ranked:
    """How well the needs of one judged set found their offers: {leg: {measure: value}}, each from 0 to 1.

    `asked` and `offered` are languages; an empty one says that texts of all languages stood side by side.
    """

    code: str
    asked: str
    offered: str
    queries: int
    documents: int
    legs: Mapping[str, Mapping[str, float]]


@dataclass(frozen=True)
class Translated:
    """How often the vector of a text finds its translation among the texts of both languages, as a mean rank."""

    code: str
    languages: tuple[str, str]
    pairs: int
    plain: float
    centred: float
    held_out: float | None


@dataclass(frozen=True)
class Known:
    """For how many needs in a language the offer known to answer stood among the first ten, as users get it."""

    asked: str
    needs: int
    found: int
    without_machine_texts: int | None


@dataclass(frozen=True)
class Measured:
    """One time, speed or size; `listings` says among how many it was measured, where that matters."""

    code: str
    value: float
    unit: str
    listings: int | None = None


@dataclass(frozen=True)
class Findings:
    """One stored run and what it found."""

    run: EvaluationRun
    ranked: tuple[Ranked, ...] = ()
    translated: tuple[Translated, ...] = ()
    known: tuple[Known, ...] = ()
    speeds: tuple[Measured, ...] = ()


def newest(at: datetime) -> tuple[Findings | None, tuple[Findings, ...]]:
    """The newest run of the benchmark, and the newest measurement of each single judged set."""
    known = EvaluationRun.objects.filter(measured_at__lte=at)
    bench = known.filter(kind=EvaluationKind.BENCH).order_by("-measured_at", "-pk").first()
    single = (
        known.exclude(kind=EvaluationKind.BENCH)
        .order_by("kind", "data_set", "-measured_at", "-pk")
        .distinct("kind", "data_set")
    )
    return (findings(bench) if bench else None), tuple(findings(run) for run in single)


def history(at: datetime) -> list[Findings]:
    """Runs of the benchmark, the newest first."""
    runs = EvaluationRun.objects.filter(kind=EvaluationKind.BENCH, measured_at__lte=at)
    return [findings(run) for run in runs.order_by("-measured_at", "-pk")[:MOST_HISTORY]]


def findings(run: EvaluationRun) -> Findings:
    """What a run found, whichever of its figures are there."""
    figures = run.figures if isinstance(run.figures, Mapping) else {}
    if run.kind == EvaluationKind.MATCHING:
        return Findings(run, ranked=tuple(_ranked(figures, run.data_set)))
    if run.kind == EvaluationKind.BITEXT:
        return Findings(run, translated=tuple(_translated(figures, run.data_set)))
    return Findings(
        run,
        ranked=tuple(row for name, part in _parts(figures, "hybrid") for row in _ranked(part, name)),
        translated=tuple(row for name, part in _parts(figures, "centred") for row in _translated(part, name)),
        known=tuple(_known(figures)),
        speeds=tuple(_speeds(figures)),
    )


def first_told(figures: object, name: str) -> str:
    """The first text under a name, however deep it stands; empty without one."""
    if not isinstance(figures, Mapping):
        return ""
    if isinstance(figures.get(name), str):
        return str(figures[name])
    return next((told for part in figures.values() if (told := first_told(part, name))), "")


def _parts(figures: Mapping[str, Any], mark: str, path: str = "") -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The figures of single sets, each with its path; a set is known by a key that it must have."""
    for name, part in figures.items():
        if not isinstance(part, Mapping):
            continue
        place = f"{path}.{name}" if path else name
        if isinstance(part.get(mark), Mapping):
            yield place, part
        else:
            yield from _parts(part, mark, place)


def _ranked(part: Mapping[str, Any], name: str) -> Iterator[Ranked]:
    legs = {
        leg: measures
        for leg in LEGS
        if isinstance(part.get(leg), Mapping)
        and (measures := {m: v for m in MEASURES if (v := _number(part[leg].get(m))) is not None})
    }
    if "hybrid" not in legs:
        return
    # A leg that cannot find anything, such as words across languages, has no figures.
    told = {leg: measures for leg, measures in legs.items() if any(measures.values())}
    code = name.removeprefix("engine.")
    words = code.replace(".", " ").split()
    asked = next((_LANGUAGES[word] for word in words if word in _LANGUAGES), _ASKED.get(words[0], ""))
    yield Ranked(
        code=code,
        asked=asked,
        offered=_OFFERED.get(words[0], asked),
        queries=_whole(part.get("queries")) or 0,
        documents=_whole(part.get("documents")) or 0,
        legs=told,
    )


def _translated(part: Mapping[str, Any], name: str) -> Iterator[Translated]:
    plain, centred = (_number(_at(part, f"{kind}.mrr_mixed")) for kind in ("plain", "centred"))
    if plain is None or centred is None:
        return
    told = part.get("languages")
    languages = [_LANGUAGES.get(str(one), str(one)) for one in told] if isinstance(told, list) else []
    yield Translated(
        code=name.removeprefix("engine."),
        languages=(languages[0], languages[1]) if len(languages) > 1 else ("", ""),
        pairs=_whole(part.get("pairs")) or 0,
        plain=plain,
        centred=centred,
        held_out=_number(_at(part, "centred_held_out.mrr_mixed")),
    )


def _known(figures: Mapping[str, Any]) -> Iterator[Known]:
    shown = _at(figures, "product.samples.known_offer_among_ten")
    without = _at(figures, "product.samples.known_offer_among_ten_without_machine_texts")
    for name, part in shown.items() if isinstance(shown, Mapping) else ():
        needs, found = _whole(_at(part, "asked")), _whole(_at(part, "found"))
        if needs and found is not None:
            yield Known(_LANGUAGES.get(name, ""), needs, found, _whole(_at(without, f"{name}.found")))


def _speeds(figures: Mapping[str, Any]) -> Iterator[Measured]:
    for code, (places, unit, counted) in SPEEDS.items():
        value = _first(_number(_at(figures, place)) for place in places)
        if value is not None:
            yield Measured(code, value, unit, _whole(_at(figures, counted)) if counted else None)


def _first(values: Iterable[float | None]) -> float | None:
    return next((value for value in values if value is not None), None)


def _at(figures: object, path: str) -> object:
    """The value at a path such as "product.scale.rows"; None where there is none."""
    for name in path.split("."):
        if not isinstance(figures, Mapping):
            return None
        figures = figures.get(name)
    return figures


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _whole(value: object) -> int | None:
    found = _number(value)
    return None if found is None else int(found)
