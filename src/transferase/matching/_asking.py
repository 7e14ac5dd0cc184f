"""A need as a question in three languages: its own words, and those that the glossary has for it in the others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from transferase.catalogue.models import Direction
from transferase.engine.ranking import Lexicon, QueryKind, asked_phrases, document_phrases, load_glossary
from transferase.foundation.languages import LANGUAGES
from transferase.matching._statistics import lexicon

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from transferase.matching._statistics import Statistics

# So many numbers a sparse vector holds at most.
LONGEST_SPARSE: Final = 16_000
# By language, how much each word counts that the glossary has for a need in it.
Crossed = dict[str, dict[str, float]]


def asked_weights(terms: Sequence[str]) -> dict[str, float]:
    """How much each word of a need counts by how often it stands there, apart from how rare it is among offers."""
    alike = Lexicon(1, 0.0, lambda _term: 1)
    return {term: weight / alike.idf(term) for term, weight in alike.query_weights(terms, QueryKind.NEED).items()}


def crossed_words(text: str, language: str) -> Crossed:
    """The words of a text in the other languages."""
    known = load_glossary()
    return {
        other: {term: round(times, 4) for term, times in known.crossed(text, language, other).items()}
        for other in LANGUAGES
        if other != language
    }


def asked_in_all(terms: Sequence[str], crossed: Crossed) -> dict[str, float]:
    """What a need asks offers of any language: the words of two languages are never the same but for names."""
    asked = asked_weights(terms)
    for words in crossed.values():
        for term, times in words.items():
            if term in asked or len(asked) < LONGEST_SPARSE:
                asked[term] = max(asked.get(term, 0.0), times)
    return asked


def attained(crossed: Crossed, statistics: Statistics) -> dict[str, dict[str, object]]:
    """Crossed words as a row keeps them: with what offers of their language could attain."""
    kept: dict[str, dict[str, object]] = {}
    for language, words in crossed.items():
        known = lexicon(Direction.OFFER, language, words, statistics)
        kept[language] = {"attainable": known.attainable_of(words), "words": words}
    return kept


def need_phrases(terms: Sequence[str]) -> dict[str, float]:
    """The phrases of a need as a row keeps them."""
    return _longest_possible(asked_phrases(terms))


def offer_phrases(terms: Sequence[str], average_length: float) -> dict[str, float]:
    """The phrases of an offer as a row keeps them."""
    return _longest_possible(document_phrases(terms, average_length))


def _longest_possible(weights: Mapping[str, float]) -> dict[str, float]:
    return dict(list(weights.items())[:LONGEST_SPARSE])
