"""Reasons: why a need and an offer were put together, as codes with the facts that show it.

A reason never says a sentence of its own. It quotes a sentence at its position, names words where they stand, or
cites a stated field, so that a reader can check it, and it goes when that evidence goes.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from transferase.engine.ranking._e5_file import Floats
from transferase.engine.ranking.classification import ipc_similarity, shared_nodes
from transferase.engine.ranking.facts import WORLD, NeedFacts, OfferFacts
from transferase.engine.ranking.glossary import load_glossary
from transferase.engine.ranking.scoring import trl_range
from transferase.engine.ranking.weighing import Weights
from transferase.engine.text import LANGUAGES, Word, is_telling, placed_words, sentences

_SHORTEST_QUOTE = 12
MOST_PAIRS = 3
MOST_TERMS = 6


@dataclass(frozen=True)
class Quote:
    """A sentence of a listing: the field that holds it and where it stands in that field's text."""

    field: str
    language: str
    start: int
    end: int
    text: str


@dataclass(frozen=True)
class EvidencePair:
    """Two sentences that say the same, and how nearly, from 0 to 1."""

    need: Quote
    offer: Quote
    closeness: float


@dataclass(frozen=True)
class SharedTerm:
    """A word that both say: how it is written and where, and its share of the word score."""

    term: str
    need: Quote
    offer: Quote
    share: float


@dataclass(frozen=True)
class SharedConcept:
    """A term that both say, each in another language: its name in all three, how it is written and where."""

    labels: Mapping[str, str]
    need: Quote
    offer: Quote
    share: float


@dataclass(frozen=True)
class Reason:
    """One reason: a code that doors put into words, and the facts for it."""

    code: str
    facts: Mapping[str, object]


def _no_vectors() -> Floats:
    return np.empty((0, 0), np.float32)


@dataclass
class Place:
    """Where a term is first said, how often it is said, and whether it tells a reader something."""

    quote: Quote
    count: int = 0
    is_telling: bool = False


@dataclass(frozen=True)
class Side:
    """The texts of a need or an offer by field, in one language, with quotes and their centred vectors."""

    language: str
    texts: Mapping[str, str]
    quotes: tuple[Quote, ...] = ()
    vectors: Floats = field(default_factory=_no_vectors)

    @cached_property
    def places(self) -> Mapping[str, "Place"]:
        """Each term of the texts with where it stands first."""
        return _first_places(self)

    @cached_property
    def concepts(self) -> Mapping[int, "Place"]:
        """Each concept of the glossary that the texts name, with where they do so first."""
        return _first_mentions(self)


def quotes(texts: Mapping[str, str], language: str) -> tuple[Quote, ...]:
    """The sentences of the fields of a listing that are long enough to show."""
    return tuple(
        Quote(name, language, span.start, span.end, span.text)
        for name, text in texts.items()
        for span in sentences(text, language)
        if span.end - span.start >= _SHORTEST_QUOTE
    )


def evidence_pairs(need: Side, offer: Side, weights: Weights, most: int = MOST_PAIRS) -> tuple[EvidencePair, ...]:
    """The nearest sentence pairs across languages, no sentence twice, none below what the weights ask for."""
    if not len(need.quotes) or not len(offer.quotes):
        return ()
    across = need.language != offer.language
    least = weights.evidence_least_across if across else weights.evidence_least
    calibration = weights.evidence_across if across else weights.evidence
    cosines = np.asarray(need.vectors) @ np.asarray(offer.vectors).T
    pairs: list[EvidencePair] = []
    order = np.argsort(-cosines, axis=None, kind="stable")
    used_needs: set[int] = set()
    used_offers: set[int] = set()
    for flat in order:
        row, column = divmod(int(flat), cosines.shape[1])
        cosine = float(cosines[row, column])
        if cosine < least or len(pairs) == most:
            break
        if row not in used_needs and column not in used_offers:
            used_needs.add(row)
            used_offers.add(column)
            pairs.append(EvidencePair(need.quotes[row], offer.quotes[column], calibration.value(cosine)))
    return tuple(pairs)


def shared_terms(
    need: Side,
    offer: Side,
    idf: Callable[[str], float],
    most: int = MOST_TERMS,
    is_common: Callable[[str], bool] | None = None,
) -> tuple[SharedTerm, ...]:
    """The words that both texts say, the most telling first, each with the place where it is first said.

    Verb stems, generic words and words that `is_common` knows are left out: they count, but show nothing.
    """
    mine, theirs = need.places, offer.places
    worth = {
        term: (place.count * theirs[term].count) ** 0.5 * idf(term) for term, place in mine.items() if term in theirs
    }
    total = sum(worth.values())
    if not total:
        return ()
    # A word inside a longer one that is also shared tells nothing more.
    best: list[str] = []
    shown = [
        term
        for term in worth
        if mine[term].is_telling and theirs[term].is_telling and not (is_common is not None and is_common(term))
    ]
    for term in sorted(shown, key=lambda term: (-worth[term], -len(term), term)):
        if worth[term] > 0 and not any(_overlap(mine[term].quote, mine[other].quote) for other in best):
            best.append(term)
    return tuple(SharedTerm(term, mine[term].quote, theirs[term].quote, worth[term] / total) for term in best[:most])


def shared_concepts(
    need: Side,
    offer: Side,
    idf: Callable[[str], float],
    most: int = MOST_TERMS,
    is_common: Callable[[str], bool] | None = None,
) -> tuple[SharedConcept, ...]:
    """The terms of the glossary that two texts in different languages both say, the most telling first.

    `idf` and `is_common` are of the offers in the offer's language; what its words there tell, the term tells.
    """
    mine, theirs = need.concepts, offer.concepts
    worth: dict[int, float] = {}
    for concept, place in theirs.items():
        said = [word for word in placed_words(place.quote.text, offer.language) if is_telling(word)]
        told = [word.term for word in said if is_common is None or not is_common(word.term)]
        if concept in mine and told:
            worth[concept] = (place.count * mine[concept].count) ** 0.5 * max(map(idf, told))
    total = sum(worth.values())
    best: list[int] = []
    for concept in sorted(worth, key=lambda concept: (-worth[concept], concept)):
        # A word that means two things is one reason, whichever of them it means.
        if worth[concept] > 0 and not any(_overlap(theirs[concept].quote, theirs[other].quote) for other in best):
            best.append(concept)
    known = load_glossary().concepts
    return tuple(
        SharedConcept(
            {language: known[concept].label(language) for language in LANGUAGES},
            mine[concept].quote,
            theirs[concept].quote,
            worth[concept] / total,
        )
        for concept in best[:most]
    )


def _first_mentions(side: Side) -> dict[int, Place]:
    places: dict[int, Place] = {}
    for name, text in side.texts.items():
        for mention in load_glossary().mentions(text, side.language):
            for concept in mention.concepts:
                said = Quote(name, side.language, mention.start, mention.end, text[mention.start : mention.end])
                places.setdefault(concept, Place(said)).count += 1
    return places


def _first_places(side: Side) -> dict[str, Place]:
    places: dict[str, Place] = {}
    for name, text in side.texts.items():
        for word in placed_words(text, side.language):
            place = places.get(word.term)
            if place is None:
                place = places[word.term] = Place(_written(name, text, word, side.language))
            place.count += 1
            place.is_telling = place.is_telling or is_telling(word)
    return places


def _written(name: str, text: str, word: Word, language: str) -> Quote:
    return Quote(name, language, word.start, word.end, text[word.start : word.end])


def _overlap(a: Quote, b: Quote) -> bool:
    return a.field == b.field and a.start < b.end and b.start < a.end


def explain(
    need: NeedFacts,
    offer: OfferFacts,
    need_side: Side,
    offer_side: Side,
    weights: Weights,
    *,
    idf: Callable[[str], float] | None = None,
    is_common: Callable[[str], bool] | None = None,
) -> tuple[Reason, ...]:
    """The reasons for a pair: sentences that say the same, words that both say, and stated facts that fit.

    Words are compared within one language, or across two through the glossary; `idf` and `is_common` are of the offers
    in the offer's language, and without them no words are named. The nodes of the classification that both stand under
    are shown by their titles.
    """
    found = [
        Reason("sentence_pair", {"need": _cited(pair.need), "offer": _cited(pair.offer), "closeness": pair.closeness})
        for pair in evidence_pairs(need_side, offer_side, weights)
    ]
    if idf is not None and need_side.language != offer_side.language:
        concepts = shared_concepts(need_side, offer_side, idf, is_common=is_common)
        if concepts:
            said = [
                {"labels": dict(c.labels), "need": _cited(c.need), "offer": _cited(c.offer), "share": c.share}
                for c in concepts
            ]
            found.append(Reason("shared_concepts", {"terms": said}))
    elif idf is not None:
        terms = shared_terms(need_side, offer_side, idf, is_common=is_common)
        if terms:
            facts = [
                {"term": t.term, "need": _cited(t.need), "offer": _cited(t.offer), "share": t.share} for t in terms
            ]
            found.append(Reason("shared_terms", {"terms": facts}))
    return (*found, *_structured(need, offer))


def _cited(quote: Quote) -> dict[str, object]:
    return {
        "field": quote.field,
        "language": quote.language,
        "start": quote.start,
        "end": quote.end,
        "text": quote.text,
    }


def _structured(need: NeedFacts, offer: OfferFacts) -> list[Reason]:
    found: list[Reason] = []
    nodes = shared_nodes(need.ipc, offer.ipc)
    if nodes:
        fit = ipc_similarity(need.ipc, offer.ipc)
        found.append(Reason("shared_field", {"node": fit.shared_node or nodes[0], "nodes": nodes[:3]}))
    wanted = trl_range(need.trl_low, need.trl_high, open_end=9)
    low = offer.trl_low if offer.trl_low is not None else offer.trl_high
    stated = trl_range(low, offer.trl_high, open_end=0)
    if wanted and stated and stated[1] >= wanted[0] and stated[0] <= wanted[1]:
        found.append(Reason("readiness_fits", {"wanted": list(wanted), "stated": list(stated)}))
    modes = need.transfer_modes & offer.transfer_modes
    if modes:
        found.append(Reason("transfer_mode_fits", {"modes": sorted(modes)}))
    territory = need.territory or (frozenset({need.country}) if need.country else frozenset())
    if territory and offer.territory and (WORLD in offer.territory or territory <= offer.territory):
        found.append(Reason("territory_fits", {"wanted": sorted(territory), "given": sorted(offer.territory)}))
    if need.owner_kind and need.owner_kind in offer.partner_kinds:
        found.append(Reason("partner_fits", {"side": "need", "kind": need.owner_kind}))
    if offer.owner_kind and offer.owner_kind in need.partner_kinds:
        found.append(Reason("partner_fits", {"side": "offer", "kind": offer.owner_kind}))
    return found
