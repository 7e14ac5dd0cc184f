"""Evaluation: how well needs find their offers, and how well translations find each other.

Scores are those that users get: the candidates of both legs, their exact scores, and the fixed calibrations of the
weights. Nothing is normalised over the candidates.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np

from transferase.engine.ranking._e5_file import Floats
from transferase.engine.ranking.centring import Means, centre, default_means, own_means
from transferase.engine.ranking.collection import CANDIDATES, Collection, Report, best_first
from transferase.engine.ranking.embedding import Embedder, Role, embed_long, embed_parts, unit
from transferase.engine.ranking.judged import JudgedSet, JudgedText
from transferase.engine.ranking.metrics import ranking_measures
from transferase.engine.ranking.weighing import Weights, load_weights
from transferase.engine.text import detect_language

_BLOCK = 256


@dataclass(frozen=True)
class MatchingReport:
    """Figures of a judged set; `as_json` has the keys of the command."""

    queries: int
    documents: int
    lexical: Mapping[str, float]
    dense: Mapping[str, float]
    hybrid: Mapping[str, float]
    documents_per_second: float
    query_ms: Mapping[str, float]
    model: str
    engine_version: str
    means_version: str

    def as_json(self) -> dict[str, object]:
        """The report as plain values."""
        return asdict(self)


@dataclass(frozen=True)
class BitextReport:
    """Figures of a file of translations; `as_json` has the keys of the command."""

    pairs: int
    plain: Mapping[str, float]
    centred: Mapping[str, float]
    centred_held_out: Mapping[str, float]
    languages: tuple[str, str]
    model: str

    def as_json(self) -> dict[str, object]:
        """The report as plain values."""
        return asdict(self)


# ---------------------------------------------------------------- matching


def evaluate_matching(
    judged: JudgedSet,
    embedder: Embedder,
    weights: Weights | None = None,
    defaults: Means | None = None,
    report: Report | None = None,
) -> MatchingReport:
    """Ranks the offers for every judged need by words, by meaning and by both, and measures the three.

    The means are those of the set itself, shrunk towards the defaults. An offer without a judgement counts as not
    relevant, so the figures are lower bounds. `report` is told how many offers are embedded.
    """
    weights = weights or load_weights()
    collection = Collection(
        judged.offers, embedder, weights, defaults or default_means(embedder.model_version, embedder.dimension), report
    )
    parts, means = _centred_needs(judged.needs, embedder, collection.means)
    names = np.array([offer.id for offer in judged.offers])
    rankings: dict[str, dict[str, list[str]]] = {"lexical": {}, "dense": {}, "hybrid": {}}
    seconds = []
    for need, (vector, vectors) in zip(judged.needs, parts, strict=True):
        started = time.perf_counter()
        fit = collection.compared(need.text, need.language, vector, vectors)
        order = fit.candidates[best_first(collection.scores(fit)[fit.candidates], CANDIDATES)]
        seconds.append(time.perf_counter() - started)
        rankings["hybrid"][need.id] = names[order].tolist()
        rankings["dense"][need.id] = names[best_first(fit.closeness, CANDIDATES)].tolist()
        told = np.flatnonzero(np.nan_to_num(fit.words) > 0)
        rankings["lexical"][need.id] = names[told[best_first(fit.words[told], CANDIDATES)]].tolist()
    return MatchingReport(
        queries=len(judged.needs),
        documents=len(judged.offers),
        lexical=ranking_measures(rankings["lexical"], judged.relevance),
        dense=ranking_measures(rankings["dense"], judged.relevance),
        hybrid=ranking_measures(rankings["hybrid"], judged.relevance),
        documents_per_second=collection.documents_per_second,
        query_ms={"p50": 1000 * float(np.percentile(seconds, 50)), "p95": 1000 * float(np.percentile(seconds, 95))},
        model=embedder.name,
        engine_version=weights.engine_version,
        means_version=means.version,
    )


def _centred_needs(
    needs: Sequence[JudgedText], embedder: Embedder, means: Means
) -> tuple[list[tuple[Floats, Floats]], Means]:
    """The vector of each need and those of its parts, without the mean of their language."""
    raw = embed_parts(embedder, [need.text for need in needs], Role.QUERY)
    whole = unit(np.vstack([parts.mean(0) for parts in raw]))
    languages = np.array([need.language or "" for need in needs])
    groups = {(name, Role.QUERY): whole[languages == name] for name in set(languages.tolist()) if name}
    means = own_means(groups, means, means.version)
    centred = [
        tuple(means.centred(rows, need.language, Role.QUERY) for rows in (vector[None], parts))
        for need, vector, parts in zip(needs, whole, raw, strict=True)
    ]
    return [(vector[0], parts) for vector, parts in centred], means


# ---------------------------------------------------------------- translations


def evaluate_bitext(
    pairs: Sequence[tuple[str, str]], embedder: Embedder, languages: tuple[str, str] | None = None
) -> BitextReport:
    """How often a text finds its translation, in the pool of the other language and in the pool of both.

    The means are those of the file itself; for the held-out figures they are those of the first half, scored on the
    second. Centred vectors are aligned as those of the product are. Both directions are averaged.
    """
    left = embed_long(embedder, [pair[0] for pair in pairs], Role.SENTENCE)
    right = embed_long(embedder, [pair[1] for pair in pairs], Role.SENTENCE)
    half = max(1, len(pairs) // 2)
    held = slice(half, None) if len(pairs) > 1 else slice(None)
    shipped = default_means(embedder.model_version, embedder.dimension)

    def centred(rows: Floats, of: Floats) -> Floats:
        return shipped.aligned(centre(rows, of.mean(0)), Role.SENTENCE)

    return BitextReport(
        pairs=len(pairs),
        plain=_bitext_measures(left, right),
        centred=_bitext_measures(centred(left, left), centred(right, right)),
        centred_held_out=_bitext_measures(centred(left[held], left[:half]), centred(right[held], right[:half])),
        languages=languages or (_most_likely(pairs, 0), _most_likely(pairs, 1)),
        model=embedder.name,
    )


def _most_likely(pairs: Sequence[tuple[str, str]], side: int) -> str:
    return detect_language(" ".join(pair[side] for pair in pairs[:200])) or "und"


def _bitext_measures(left: Floats, right: Floats) -> dict[str, float]:
    there = _direction(left, right)
    back = _direction(right, left)
    return {"acc@1": (there[0] + back[0]) / 2, "mrr_mixed": (there[1] + back[1]) / 2}


def _direction(asked: Floats, pool: Floats) -> tuple[float, float]:
    """Accuracy among the translations, and reciprocal rank among them and the other texts of the own language."""
    hits = ranks = 0.0
    for start in range(0, len(asked), _BLOCK):
        block = asked[start : start + _BLOCK]
        rows = np.arange(len(block))
        across = block @ pool.T
        within = block @ asked.T
        within[rows, start + rows] = -np.inf
        target = across[rows, start + rows][:, None]
        better = (across > target).sum(1)
        hits += float((better == 0).sum())
        ranks += float((1 / (1 + better + (within > target).sum(1))).sum())
    return hits / len(asked), ranks / len(asked)
