"""How the texts of a listing fit those of its candidates: closeness, words, phrases, words across languages.

Whichever side one looks from, the need is the question and the offer the document, so a pair fits in one way. Words
across languages count only where no language is shared: those that the need's row holds for the offer's language.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from django.db import connection

from transferase.catalogue.models import Direction, ListingText, Tier
from transferase.engine.ranking import load_glossary, load_weights, pooled, sparse, term_id
from transferase.foundation.languages import LANGUAGES
from transferase.matching._candidates import CANDIDATES, Ask, Question, find
from transferase.matching._statistics import lexicon
from transferase.matching._texts import whole

if TYPE_CHECKING:
    from collections.abc import Iterable
    from uuid import UUID

    from numpy.typing import NDArray

    from transferase.matching._candidates import Found
    from transferase.matching._reach import Reach
    from transferase.matching._statistics import Statistics


@dataclass(frozen=True)
class TextRow:
    """A public text of the listing that looks for counterparts, as the index holds it.

    `crossed` is what a need has in other languages, by language: what offers could attain, and the words.
    """

    language: str
    is_machine_made: bool
    said: Sequence[str]  # its words in their order
    weights: Mapping[int, float]  # an offer: as a document; a need: as it asks
    attainable: float
    vector: NDArray[np.float32] | None
    body: str = ""
    crossed: Mapping[str, tuple[float, Sequence[str]]] = field(default_factory=dict)
    parts: Sequence[NDArray[np.float32]] = ()

    @cached_property
    def terms(self) -> Sequence[str]:
        """Each of its words once."""
        return list(dict.fromkeys(self.said))


@dataclass(frozen=True)
class Subject:
    """The listing that looks for counterparts."""

    listing_id: UUID
    direction: str
    rows: Sequence[TextRow]

    @property
    def sought(self) -> str:
        return Direction.OFFER if self.direction == Direction.NEED else Direction.NEED

    @property
    def written(self) -> TextRow | None:
        """The text in whose words the listing is compared across languages."""
        if self.direction == Direction.NEED:
            return next((row for row in self.rows if row.crossed), None)
        return next((row for row in self.rows if not row.is_machine_made), None)


@dataclass(frozen=True)
class TextFit:
    """How near two listings are in meaning and in words, and in which language the words were compared.

    `is_machine_made` says that one of the two texts compared by their words is a machine's translation; `is_written`
    that the pair could also be compared in a language in which people wrote both. `crossed` are words compared through
    the glossary, where the two share no language.
    """

    closeness: float | None = None
    is_across: bool = False  # the two nearest vectors are of texts in different languages
    words: float | None = None
    language: str = ""
    is_machine_made: bool = False
    is_written: bool = False
    crossed: float | None = None


def subject_of(listing_id: UUID, statistics: Statistics) -> Subject | None:
    """What the index holds of the public texts of a listing; None when it holds nothing."""
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT direction, language, is_machine_made,
                      (SELECT array_agg(said.lexeme ORDER BY place)
                       FROM unnest(lexemes) said, unnest(said.positions) place),
                      coalesce(asked, words)::text, attainable, CASE WHEN model_version = %s THEN centred::text END,
                      crossed::text, part
            FROM matching_listingindex WHERE listing_id = %s AND tier = 'public' ORDER BY language, part""",
            [statistics.model_version, listing_id],
        )
        found = cursor.fetchall()
    bodies: dict[str, str] = {}
    if found and found[0][0] == Direction.OFFER:
        texts = ListingText.objects.filter(listing=listing_id, tier=Tier.PUBLIC)
        bodies = {text.language: whole(text) for text in texts}
    parts: dict[str, list[NDArray[np.float32]]] = defaultdict(list)
    for row in found:
        if row[-1] and (vector := _vector_of(row[6])) is not None:
            parts[row[1]].append(vector)
    rows = [
        TextRow(
            language=language,
            is_machine_made=made,
            said=said or (),
            weights=_sparse_of(weights),
            attainable=attainable,
            vector=_vector_of(vector),
            body=bodies.get(language, ""),
            crossed=_crossed_of(crossed),
            parts=parts[language],
        )
        for _, language, made, said, weights, attainable, vector, crossed, part in found
        if part == 0
    ]
    return Subject(listing_id, found[0][0], rows) if rows else None


def _sparse_of(text: str) -> dict[int, float]:
    pairs = text[1 : text.index("}")]
    # pgvector writes indexes from 1.
    return {int(key) - 1: float(value) for key, value in (pair.split(":") for pair in pairs.split(",") if pair)}


def _vector_of(text: str | None) -> NDArray[np.float32] | None:
    return None if text is None else np.array(text.strip("[]").split(","), np.float32)


def _crossed_of(text: str | None) -> dict[str, tuple[float, Sequence[str]]]:
    kept = json.loads(text) if text else {}
    return {language: (told["attainable"], list(told["words"])) for language, told in kept.items()}


def text_fits(
    subject: Subject,
    reach: Reach,
    statistics: Statistics,
    also: Sequence[UUID] = (),
    candidates: int = CANDIDATES,
    conditions: str = "TRUE",
    neighbours: Sequence[UUID] | None = None,
) -> dict[UUID, TextFit]:
    """The listings of the other direction that may belong to a listing, and how their texts fit.

    `neighbours` are those near in meaning, where they have been looked for already.
    """
    asks = {row.language: _ask(row, subject.direction, statistics) for row in subject.rows}
    crossed = _crossed_asks(subject, asks, statistics)
    embedded = [row for row in subject.rows if row.vector is not None]
    written = subject.written
    question = Question(
        direction=subject.sought,
        vectors={row.language: row.vector for row in embedded if row.vector is not None},
        asks={**crossed, **asks},
        model_version=statistics.model_version,
        edition=statistics.edition.number,
        column="words" if subject.direction == Direction.NEED else "asked",
        conditions=f"({conditions}) AND i.part = 0",
        except_listing=subject.listing_id,
        also=also,
        near=neighbours,
        parts=[part for row in embedded for part in row.parts],
        crossed_from=written.language if written and subject.direction == Direction.OFFER else "",
    )
    rows: dict[UUID, list[Found]] = defaultdict(list)
    for found in find(question, reach, candidates):
        if found.tier == Tier.PUBLIC:
            rows[found.listing_id].append(found)
    return {
        listing: _words_fit(_meaning_fit(TextFit(), found, embedded), found, subject) for listing, found in rows.items()
    }


def _ask(row: TextRow, direction: str, statistics: Statistics) -> Ask:
    """What a text asks in its own words, weighed by how rare they are among offers."""
    offers = lexicon(Direction.OFFER, row.language, row.terms, statistics)
    weights = {
        key: row.weights[key] * offers.idf(term)
        for term in row.terms
        if offers.frequency(term) and (key := term_id(term)) in row.weights
    }
    if direction == Direction.NEED:
        return Ask(weights, offers.rarest(row.terms), phrases=sparse(offers.phrase_query(row.said)))
    needs = lexicon(Direction.NEED, row.language, row.terms, statistics)
    return Ask(weights, needs.rarest(row.terms), phrases=sparse(offers.phrase_document(row.said)))


def _crossed_asks(subject: Subject, asks: Mapping[str, Ask], statistics: Statistics) -> dict[str, Ask]:
    """What a listing asks in the languages that it has no text in."""
    written = subject.written
    found: dict[str, Ask] = {}
    for language in LANGUAGES:
        if written is None or language in asks:
            continue
        if subject.direction == Direction.NEED:
            _, terms = written.crossed.get(language, (0.0, ()))
            known = lexicon(Direction.OFFER, language, terms, statistics)
            weights = {
                key: written.weights[key] * known.idf(term)
                for term in terms
                if known.frequency(term) and (key := term_id(term)) in written.weights
            }
        else:
            terms = list(load_glossary().crossed(written.body, written.language, language))
            known = lexicon(Direction.NEED, language, terms, statistics)
            weights = dict(asks[written.language].weights)
        found[language] = Ask(weights, known.rarest(terms))
    return found


def _meaning_fit(fit: TextFit, found: Iterable[Found], embedded: Sequence[TextRow]) -> TextFit:
    """The best of all texts of the two, in whichever languages: a need in parts by their mean and by its best part."""
    by_language: dict[str, list[Found]] = defaultdict(list)
    for row in found:
        if row.closeness:
            by_language[row.language].append(row)
    best: Nearness | None = None
    for language, rows in by_language.items():
        whole_row = next((row for row in rows if row.part == 0), None)
        if whole_row is None:
            continue
        first = len(embedded)
        for number, mine in enumerate(embedded):
            last = first + len(mine.parts)
            parts = list((whole_row.closeness or ())[first:last])
            parts += [row.closeness[number] for row in rows if row.part and row.closeness]
            first = last
            cosine = pooled((whole_row.closeness or ())[number], parts)
            is_across = mine.language != language
            near = Nearness(cosine, is_across, meaning_of(cosine, across=is_across))
            if best is None or near.value > best.value:
                best = near
    return fit if best is None else replace(fit, closeness=best.cosine, is_across=best.is_across)


def _words_fit(fit: TextFit, found: Iterable[Found], subject: Subject) -> TextFit:
    """The best of the languages that both have; where there is none, words through the glossary."""
    own = {row.language: row for row in subject.rows}
    written = subject.written
    for row in found:
        if row.part:
            continue
        mine = own.get(row.language)
        if mine is not None:
            attainable = mine.attainable if subject.direction == Direction.NEED else row.attainable
            share = (row.bm25 + row.phrases) / attainable if attainable > 0 else 0.0
            is_machine_made = mine.is_machine_made or row.is_machine_made
            fit = replace(fit, is_written=fit.is_written or not is_machine_made)
            if fit.words is None or share > fit.words:
                fit = replace(fit, words=share, language=row.language, is_machine_made=is_machine_made)
        elif written is not None and not row.is_machine_made:
            attainable = row.crossed
            if subject.direction == Direction.NEED:
                attainable = written.crossed.get(row.language, (0.0, ()))[0]
            if attainable > 0:
                fit = replace(fit, crossed=max(fit.crossed or 0.0, row.bm25 / attainable))
    return fit if fit.words is None else replace(fit, crossed=None)


@dataclass(frozen=True)
class Nearness:
    """How near two texts are in meaning: the cosine, whether it goes across languages, and what it is worth."""

    cosine: float
    is_across: bool
    value: float


def nearest(found: Found, languages: Sequence[str]) -> Nearness | None:
    """The vector of the question that a row is nearest to; across languages even translations stand further apart."""
    near = [
        Nearness(cosine, language != found.language, meaning_of(cosine, across=language != found.language))
        for language, cosine in zip(languages, found.closeness or (), strict=False)
    ]
    return max(near, key=lambda one: one.value, default=None)


def meaning_of(cosine: float, *, across: bool) -> float:
    """What a cosine of centred vectors is worth, 0 to 1."""
    weights = load_weights()
    return (weights.meaning_across if across else weights.meaning).value(cosine)
