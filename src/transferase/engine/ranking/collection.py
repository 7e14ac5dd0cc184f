"""Offers made ready in memory, as the database keeps them: words, phrases, centred vectors, statistics."""

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from transferase.engine.ranking._e5_file import Floats
from transferase.engine.ranking.centring import Means, own_means
from transferase.engine.ranking.embedding import Embedder, Role
from transferase.engine.ranking.glossary import load_glossary
from transferase.engine.ranking.judged import JudgedText
from transferase.engine.ranking.lexicon import Lexicon, QueryKind, repetition
from transferase.engine.ranking.weighing import Weights
from transferase.engine.text import ENGLISH, LANGUAGES, words

CANDIDATES = 100
_BLOCK = 256

Report = Callable[[int, int], None]
Numbers = npt.NDArray[np.int64]
Scores = npt.NDArray[np.float64]


def best_first(scores: npt.NDArray[np.floating[Any]], most: int) -> Numbers:
    """The positions of the highest scores, best first, equal ones in their given order."""
    order: Numbers = np.argsort(-scores, kind="stable")[:most]
    return order


@dataclass
class Postings:
    """The documents of one language by word and by phrase: exact BM25 in memory, equal to that of the database."""

    documents: Numbers
    lexicon: Lexicon
    rows: dict[str, tuple[Numbers, Scores]] = field(default_factory=dict)

    @classmethod
    def of(cls, documents: Sequence[int], terms: Sequence[Sequence[str]]) -> "Postings":
        """Indexes the analysed documents; `documents` are their numbers in the whole collection."""
        lexicon = Lexicon.of(terms)
        found: dict[str, tuple[list[int], list[float]]] = defaultdict(lambda: ([], []))
        for number, said in zip(documents, terms, strict=True):
            for weights in (lexicon.document_weights(said), lexicon.document_phrases(said)):
                for term, weight in weights.items():
                    found[term][0].append(number)
                    found[term][1].append(weight)
        rows = {term: (np.array(numbers), np.array(weights)) for term, (numbers, weights) in found.items()}
        return cls(np.array(documents, np.int64), lexicon, rows)

    def shares(self, weights: Mapping[str, float], attainable: float, into: Scores) -> None:
        """Writes the BM25 of every document of this language as a share of what the query can attain."""
        into[self.documents] = 0.0
        self.add(weights, attainable, into)

    def add(self, weights: Mapping[str, float], attainable: float, into: Scores) -> None:
        """Adds what further terms of the query are worth."""
        for term, weight in weights.items() if attainable > 0 else ():
            if term in self.rows:
                numbers, held = self.rows[term]
                into[numbers] += weight * held / attainable

    def candidates(self, rarest: Sequence[str], shares: Scores, most: int) -> Numbers:
        """The best documents among those that hold one of the rarest terms."""
        held = [self.rows[term][0] for term in rarest]
        if not held:
            return np.empty(0, np.int64)
        numbers = np.unique(np.concatenate(held))
        return numbers[best_first(shares[numbers], most)]


@dataclass(frozen=True)
class Compared:
    """How one need fits every offer: closeness, share of words (NaN where no words can be compared), candidates."""

    closeness: Scores
    words: Scores
    is_across: npt.NDArray[np.bool_]
    candidates: Numbers


class Collection:
    """Offers made ready in memory."""

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

    def compared(
        self, text: str, language: str | None, vector: Floats, parts: Floats, kind: QueryKind = QueryKind.NEED
    ) -> Compared:
        """A need with every offer: in its own words where the language is the same, else through the glossary."""
        whole = (self.vectors @ vector).astype(np.float64)
        closeness = (whole + (self.vectors @ parts.T).max(1)) / 2
        shares = np.full(len(self.offers), np.nan)
        chosen = [best_first(whole, CANDIDATES)]
        terms = words(text, language or ENGLISH)
        crossed = {other: load_glossary().crossed(text, language, other) for other in _others(language) if language}
        asked = {term: repetition(times, kind) for term, times in Counter(terms).items()}
        for said in crossed.values():
            asked |= {term: max(times, asked.get(term, 0.0)) for term, times in said.items()}
        for other, postings in self.postings.items():
            lexicon = postings.lexicon
            if other == (language or ""):
                weights = lexicon.query_weights(terms, kind)
                rarest = lexicon.rarest(terms)
                phrases = lexicon.phrase_query(terms) if kind is QueryKind.NEED else {}
                attainable = lexicon.attainable(terms, kind)
            elif crossed.get(other):
                weights, phrases = lexicon.weighed({term: asked[term] for term in crossed[other]}), {}
                rarest = lexicon.rarest(list(crossed[other]))
                attainable = lexicon.attainable_of(crossed[other])
            else:
                continue
            postings.shares(weights, attainable, shares)
            chosen.append(postings.candidates(rarest, shares, CANDIDATES))
            if phrases:
                postings.add(phrases, attainable, shares)
        return Compared(closeness, shares, self._languages != (language or ""), _joined(chosen))

    def scores(self, compared: Compared) -> Scores:
        """The text score of every offer: meaning and words, or meaning alone where no words can be compared."""
        return self.weights.text_values(compared.closeness, compared.words, compared.is_across)


def _others(language: str | None) -> list[str]:
    return [other for other in LANGUAGES if other != language] if language in LANGUAGES else []


def _joined(chosen: Sequence[Numbers]) -> Numbers:
    numbers: Numbers = np.unique(np.concatenate(chosen))
    return numbers


def _embedded(embedder: Embedder, texts: Sequence[str], report: Report | None) -> Floats:
    found = np.empty((len(texts), embedder.dimension), np.float32)
    for start in range(0, len(texts), _BLOCK):
        found[start : start + _BLOCK] = embedder.embed(texts[start : start + _BLOCK], Role.PASSAGE)
        if report is not None:
            report(min(start + _BLOCK, len(texts)), len(texts))
    return found
