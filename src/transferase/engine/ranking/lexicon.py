"""Words as evidence: exact BM25 in two halves, one stored with the document and one made for the query.

BM25 = sum over terms of idf(term) * weight in the query * tf part in the document, with
tf part = tf (k1 + 1) / (tf + k1 (1 - b + b length / average length)) and idf = ln(1 + (N - df + .5) / (df + .5)).
The tf part needs only a frozen average length, so a new document changes no stored row; the idf is always current.
"""

import math
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

TERM_SPACE = 1_000_000_000
COMMON_SHARE = 0.2
LEAST_TO_TELL = 20


class QueryKind(StrEnum):
    """A long text repeats what matters; of typed words each counts once."""

    NEED = "need"
    TYPED = "typed"


@dataclass(frozen=True)
class Saturation:
    """How fast repeated words stop counting (k1) and how fully length is normalised (b)."""

    k1: float = 4.0
    b: float = 1.0


# Chosen on the SBIR needs, description to abstract: nDCG@10 is .77 with k1 1.2, b .75 and .82 with k1 4, b 1, and
# .83 when a word said n times in a need counts as the square root of n (k1 3 to 8 and powers .5 to .8 are within .005).
DOCUMENT_SATURATION = Saturation()
REPETITION = 0.5
# What two neighbouring words that both texts say weigh, as a share of the weight of the rarer word.
PHRASE = 1.2


def term_id(term: str) -> int:
    """The index of a term in a sparse vector of TERM_SPACE dimensions, counted from 0; needs no dictionary."""
    return zlib.crc32(term.encode()) % TERM_SPACE


def sparse(weights: Mapping[str, float]) -> dict[int, float]:
    """Weights by term id; two terms that share an id are added."""
    found: dict[int, float] = {}
    for term, weight in weights.items():
        index = term_id(term)
        found[index] = found.get(index, 0.0) + weight
    return found


def document_weights(
    terms: Sequence[str], average_length: float, saturation: Saturation = DOCUMENT_SATURATION
) -> dict[str, float]:
    """The tf part of BM25 for each term of a document."""
    return _saturated(Counter(terms), len(terms), average_length, saturation)


def phrases(terms: Sequence[str]) -> list[str]:
    """Each two neighbouring words of a text as one term, which no single word can be."""
    return [f"{first} {second}" for first, second in pairwise(terms)]


def document_phrases(
    terms: Sequence[str], average_length: float, saturation: Saturation = DOCUMENT_SATURATION
) -> dict[str, float]:
    """The tf part of BM25 for each phrase of a document; its length is that of its words."""
    return _saturated(Counter(phrases(terms)), len(terms), average_length, saturation)


def asked_phrases(terms: Sequence[str]) -> dict[str, float]:
    """How much each phrase of a need counts, apart from how rare its words are."""
    return {term: repetition(times, QueryKind.NEED) for term, times in Counter(phrases(terms)).items()}


def _saturated(
    counts: Mapping[str, int], length: int, average_length: float, saturation: Saturation
) -> dict[str, float]:
    k1, b = saturation.k1, saturation.b
    norm = k1 * (1 - b + b * length / average_length) if average_length > 0 else k1
    return {term: count * (k1 + 1) / (count + norm) for term, count in counts.items()}


class Lexicon:
    """What is known of the terms of one direction and language: how many documents, how long, and who holds which."""

    def __init__(
        self,
        count: int,
        average_length: float,
        frequency: Mapping[str, int] | Callable[[str], int],
        saturation: Saturation = DOCUMENT_SATURATION,
    ) -> None:
        self.count = count
        self.average_length = average_length
        self.saturation = saturation
        self._frequency = frequency

    @classmethod
    def of(cls, documents: Iterable[Sequence[str]], saturation: Saturation = DOCUMENT_SATURATION) -> "Lexicon":
        """The lexicon of analysed documents."""
        frequency: Counter[str] = Counter()
        count = length = 0
        for terms in documents:
            frequency.update(set(terms))
            count += 1
            length += len(terms)
        return cls(count, length / count if count else 0.0, frequency, saturation)

    def frequency(self, term: str) -> int:
        """In how many documents a term stands."""
        if callable(self._frequency):
            return self._frequency(term)
        return self._frequency.get(term, 0)

    def idf(self, term: str) -> float:
        """How much a term tells: much if few documents hold it, never below zero."""
        held = min(self.frequency(term), self.count)
        return math.log(1 + (self.count - held + 0.5) / (held + 0.5))

    def is_common(self, term: str) -> bool:
        """Whether so many documents hold a term that it sets no pair apart; a few documents cannot tell."""
        return self.count >= LEAST_TO_TELL and self.frequency(term) > COMMON_SHARE * self.count

    def document_weights(self, terms: Sequence[str]) -> dict[str, float]:
        """The tf part of BM25 for each term of a document."""
        return document_weights(terms, self.average_length, self.saturation)

    def document_phrases(self, terms: Sequence[str]) -> dict[str, float]:
        """The tf part of BM25 for each phrase of a document."""
        return document_phrases(terms, self.average_length, self.saturation)

    def query_weights(self, terms: Sequence[str], kind: QueryKind = QueryKind.NEED) -> dict[str, float]:
        """The idf part of BM25 for each term of a query that any document holds.

        A word that a need repeats counts more, by the square root of how often; a typed word counts once.
        """
        weights = {}
        for term, times in Counter(terms).items():
            if self.frequency(term):
                weights[term] = self.idf(term) * repetition(times, kind)
        return weights

    def weighed(self, times: Mapping[str, float]) -> dict[str, float]:
        """The idf part of BM25 for words of which is known how much they count, such as those of `Glossary.crossed`."""
        return {term: self.idf(term) * count for term, count in times.items() if self.frequency(term)}

    def phrase_query(self, terms: Sequence[str]) -> dict[str, float]:
        """The idf part of BM25 for the phrases of a need, for offers stored with `document_phrases`."""
        return {phrase: self._phrase_idf(phrase) * times for phrase, times in asked_phrases(terms).items()}

    def phrase_document(self, terms: Sequence[str]) -> dict[str, float]:
        """Both parts of BM25 for the phrases of an offer, for needs stored with `asked_phrases`."""
        return {phrase: self._phrase_idf(phrase) * weight for phrase, weight in self.document_phrases(terms).items()}

    def _phrase_idf(self, phrase: str) -> float:
        """A phrase tells about as much as the rarer of its words: nobody counts phrases."""
        return PHRASE * max((self.idf(term) for term in phrase.split(" ", 1) if self.frequency(term)), default=0.0)

    def rarest(self, terms: Sequence[str], least_terms: int = 8, least_postings: int = 2000) -> list[str]:
        """The rarest known terms, as many as are needed to bring in enough candidates, rarest first.

        At least `least_terms`, and more until together they stand in about `least_postings` documents.
        """
        known = sorted((held, term) for term in set(terms) if (held := self.frequency(term)))
        chosen: list[str] = []
        postings = 0
        for held, term in known:
            if len(chosen) >= least_terms and postings >= least_postings:
                break
            chosen.append(term)
            postings += held
        return chosen

    def attainable(self, terms: Sequence[str], kind: QueryKind = QueryKind.NEED) -> float:
        """The BM25 that a document of average length would have if it held the weightiest terms of a query, each once.

        Dividing by it makes the scores of different queries comparable: it depends on the query and the lexicon only,
        never on the other candidates. Terms that no document holds count too, so a need whose words nobody uses
        cannot be answered fully by the few that somebody does.
        """
        return self.attainable_of({term: repetition(times, kind) for term, times in Counter(terms).items()})

    def attainable_of(self, times: Mapping[str, float]) -> float:
        """The same for words of which is known how much they count, such as those of `Glossary.crossed`."""
        weights = sorted((self.idf(term) * count for term, count in times.items()), reverse=True)
        return sum(weights[: max(1, round(self.average_length))])


def repetition(times: int, kind: QueryKind) -> float:
    """How often a word of a query counts that stands in it so many times."""
    return times**REPETITION if kind is QueryKind.NEED else 1.0


def bm25(query: Mapping[str, float], document: Mapping[str, float]) -> float:
    """The inner product of the two halves."""
    if len(document) < len(query):
        return sum(query.get(term, 0.0) * weight for term, weight in document.items())
    return sum(weight * document.get(term, 0.0) for term, weight in query.items())
