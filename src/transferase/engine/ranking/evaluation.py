"""Evaluation: how well needs find their offers, and how well translations find each other.

Scores are those that users get: the candidates of both legs, their exact scores, and the fixed calibrations of the
weights. Nothing is normalised over the candidates.
"""

import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from transferase.engine.ranking._e5_file import Floats
from transferase.engine.ranking.centring import Means, centre, default_means, own_means
from transferase.engine.ranking.embedding import Embedder, Role, embed_long
from transferase.engine.ranking.judged import JudgedSet, JudgedText
from transferase.engine.ranking.lexicon import Lexicon, QueryKind
from transferase.engine.ranking.metrics import ranking_measures
from transferase.engine.ranking.weighing import Weights, load_weights
from transferase.engine.text import ENGLISH, detect_language, words

CANDIDATES = 100
_BLOCK = 256

Report = Callable[[int, int], None]


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


@dataclass
class Postings:
    """The documents of one language by term: exact BM25 in memory, equal to that of the database."""

    documents: npt.NDArray[np.int64]
    lexicon: Lexicon
    rows: dict[str, tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]] = field(default_factory=dict)

    @classmethod
    def of(cls, documents: Sequence[int], terms: Sequence[Sequence[str]]) -> "Postings":
        """Indexes the analysed documents; `documents` are their numbers in the whole collection."""
        lexicon = Lexicon.of(terms)
        found: dict[str, tuple[list[int], list[float]]] = defaultdict(lambda: ([], []))
        for number, said in zip(documents, terms, strict=True):
            for term, weight in lexicon.document_weights(said).items():
                found[term][0].append(number)
                found[term][1].append(weight)
        rows = {term: (np.array(numbers), np.array(weights)) for term, (numbers, weights) in found.items()}
        return cls(np.array(documents, np.int64), lexicon, rows)

    def shares(self, terms: Sequence[str], kind: QueryKind, into: npt.NDArray[np.float64]) -> None:
        """Writes the BM25 of every document of this language as a share of what the query can attain."""
        into[self.documents] = 0.0
        attainable = self.lexicon.attainable(terms, kind)
        if attainable <= 0:
            return
        for term, weight in self.lexicon.query_weights(terms, kind).items():
            numbers, weights = self.rows[term]
            into[numbers] += weight * weights / attainable

    def candidates(self, terms: Sequence[str], shares: npt.NDArray[np.float64], most: int) -> npt.NDArray[np.int64]:
        """The best documents among those that hold one of the rarest terms."""
        rarest = [self.rows[term][0] for term in self.lexicon.rarest(terms)]
        if not rarest:
            return np.empty(0, np.int64)
        held = np.unique(np.concatenate(rarest))
        return held[best_first(shares[held], most)]


def best_first(scores: npt.NDArray[np.floating[Any]], most: int) -> npt.NDArray[np.int64]:
    """The positions of the highest scores, best first, equal ones in their given order."""
    order: npt.NDArray[np.int64] = np.argsort(-scores, kind="stable")[:most]
    return order


class Collection:
    """Offers made ready in memory, as the database keeps them: words, centred vectors, statistics."""

    def __init__(
        self,
        offers: Sequence[JudgedText],
        embedder: Embedder,
        weights: Weights,
        defaults: Means,
        report: Report | None = None,
    ) -> None:
        self.offers = offers
        self.weights = weights
        self._languages = np.array([offer.language or "" for offer in offers])
        started = time.perf_counter()
        raw = _embedded(embedder, [offer.text for offer in offers], report)
        terms = [words(offer.text, offer.language or ENGLISH) for offer in offers]
        self.documents_per_second = len(offers) / max(1e-9, time.perf_counter() - started)
        self.raw = raw
        self.postings = {}
        for language in sorted(set(self._languages.tolist())):
            members = np.flatnonzero(self._languages == language).tolist()
            self.postings[language] = Postings.of(members, [terms[member] for member in members])
        groups = {(name, Role.PASSAGE): raw[self._languages == name] for name in self.postings if name}
        self.means = own_means(groups, defaults, f"{defaults.version}+own")
        self.vectors = np.empty_like(raw)
        for language in self.postings:
            rows = self._languages == language
            self.vectors[rows] = self.means.centred(raw[rows], language or None, Role.PASSAGE)

    def legs(
        self, vector: Floats, terms: Sequence[str], language: str | None, kind: QueryKind
    ) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """The cosine and the word share of every offer; no share (NaN) for offers in other languages."""
        cosines = (self.vectors @ vector).astype(np.float64)
        shares = np.full(len(self.offers), np.nan)
        own = self.postings.get(language or "")
        if own is not None:
            own.shares(terms, kind, shares)
        return cosines, shares

    def scores(self, cosines: npt.NDArray[np.float64], shares: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """The text score of every offer: meaning and words, or meaning alone across languages."""
        return self.weights.text_values(cosines, shares, np.isnan(shares))

    def candidates(
        self,
        cosines: npt.NDArray[np.float64],
        shares: npt.NDArray[np.float64],
        terms: Sequence[str],
        language: str | None,
        most: int = CANDIDATES,
    ) -> npt.NDArray[np.int64]:
        """The union of the best of both legs, in the order of the collection."""
        own = self.postings.get(language or "")
        lexical = own.candidates(terms, shares, most) if own is not None else np.empty(0, np.int64)
        return np.union1d(best_first(cosines, most), lexical)


def _embedded(embedder: Embedder, texts: Sequence[str], report: Report | None) -> Floats:
    found = np.empty((len(texts), embedder.dimension), np.float32)
    for start in range(0, len(texts), _BLOCK):
        found[start : start + _BLOCK] = embedder.embed(texts[start : start + _BLOCK], Role.PASSAGE)
        if report is not None:
            report(min(start + _BLOCK, len(texts)), len(texts))
    return found


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
    raw = embed_long(embedder, [need.text for need in judged.needs], Role.QUERY)
    vectors, means = _centred_needs(judged.needs, raw, collection.means)
    names = np.array([offer.id for offer in judged.offers])
    rankings: dict[str, dict[str, list[str]]] = {"lexical": {}, "dense": {}, "hybrid": {}}
    seconds = []
    for need, vector in zip(judged.needs, vectors, strict=True):
        started = time.perf_counter()
        terms = words(need.text, need.language or ENGLISH)
        cosines, shares = collection.legs(vector, terms, need.language, QueryKind.NEED)
        chosen = collection.candidates(cosines, shares, terms, need.language)
        order = chosen[best_first(collection.scores(cosines, shares)[chosen], CANDIDATES)]
        seconds.append(time.perf_counter() - started)
        rankings["hybrid"][need.id] = names[order].tolist()
        rankings["dense"][need.id] = names[best_first(cosines, CANDIDATES)].tolist()
        told = np.flatnonzero(np.nan_to_num(shares) > 0)
        rankings["lexical"][need.id] = names[told[best_first(shares[told], CANDIDATES)]].tolist()
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


def _centred_needs(needs: Sequence[JudgedText], raw: Floats, means: Means) -> tuple[Floats, Means]:
    languages = np.array([need.language or "" for need in needs])
    groups = {(name, Role.QUERY): raw[languages == name] for name in set(languages.tolist()) if name}
    means = own_means(groups, means, means.version)
    vectors = np.empty_like(raw)
    for language in set(languages.tolist()):
        rows = languages == language
        vectors[rows] = means.centred(raw[rows], language or None, Role.QUERY)
    return vectors, means


# ---------------------------------------------------------------- translations


def evaluate_bitext(
    pairs: Sequence[tuple[str, str]], embedder: Embedder, languages: tuple[str, str] | None = None
) -> BitextReport:
    """How often a text finds its translation, in the pool of the other language and in the pool of both.

    The means are those of the file itself; for the held-out figures they are those of the first half, scored on the
    second. Both directions are averaged.
    """
    left = embed_long(embedder, [pair[0] for pair in pairs], Role.SENTENCE)
    right = embed_long(embedder, [pair[1] for pair in pairs], Role.SENTENCE)
    half = max(1, len(pairs) // 2)
    held = slice(half, None) if len(pairs) > 1 else slice(None)
    return BitextReport(
        pairs=len(pairs),
        plain=_bitext_measures(left, right),
        centred=_bitext_measures(centre(left, left.mean(0)), centre(right, right.mean(0))),
        centred_held_out=_bitext_measures(
            centre(left[held], left[:half].mean(0)), centre(right[held], right[:half].mean(0))
        ),
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
