"""Search: typed words, or a whole text, in any of the three languages, over everything that a reader may see."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from transferase.catalogue.models import Direction, ListingText
from transferase.engine.ranking import QueryKind, Reason, Role, load_weights, sparse
from transferase.engine.text import Snippet, detect_language, normalise, snippet, words
from transferase.foundation import replicas
from transferase.foundation.languages import LANGUAGES, Language
from transferase.matching import _facets as facets
from transferase.matching import _model as model
from transferase.matching import _statistics as statistics
from transferase.matching._candidates import Ask, Question, clauses, find
from transferase.matching._editions import EditionChanged
from transferase.matching._reach import public_reach, reach_of
from transferase.matching._scoring import nearest
from transferase.matching._texts import fields_of, whole
from transferase.matching.models import TermFrequency
from transferase.matching.rules import Filters

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

    import numpy as np
    from numpy.typing import NDArray

    from transferase.directory.rules import Viewer
    from transferase.engine.ranking import Weights
    from transferase.matching._candidates import Found
    from transferase.matching._facets import Counts
    from transferase.matching._reach import Reach
    from transferase.matching._statistics import Statistics

CANDIDATES: Final = 200
# A text of more words than this is a need or an offer, in which repeated words count; fewer are typed words.
LONGEST_TYPED: Final = 30
LONGEST_QUERY: Final = 20_000
SNIPPET_WIDTH: Final = 240
# A listing that holds less than half of the words must be so near in meaning to be a result; what it holds counts half.
LEAST_MEANING: Final = 0.285
LEAST_COVERED: Final = 0.5
LEAST_WORDS: Final = 0.2
# Who holds none of the rarest few of typed words holds too little of them.
RAREST_TYPED: Final = 4
# A text that answers a query in its own language holds about so much of its words for what it is worth in meaning.
EXPECTED_WORDS: Final = 0.6
# A word is taken for a slip of another if so many of their groups of three letters are the same.
LEAST_ALIKE: Final = 0.4
_LATIN: Final = re.compile(r"[a-z0-9]")


@dataclass(frozen=True)
class Hit:
    """A listing that was found: its score in points of 100, why, and the stretch of text that shows it.

    `language` is that of the snippet; `is_machine_made` says whether a machine wrote it.
    """

    listing_id: UUID
    direction: str
    language: str
    score: int
    because: tuple[Reason, ...]
    snippet: Snippet | None
    is_machine_made: bool = False


# Below this score what was found by meaning alone is only the nearest there is.
LEAST_CLOSE: Final = 40


@dataclass(frozen=True)
class SearchResult:
    """What a search found; `without` says how many there would be without each filter that was set.

    `is_capped` says that there are more than `total`, and that the counts are those of the newest.
    """

    hits: tuple[Hit, ...]
    total: int
    facets: Mapping[str, Sequence[tuple[str, int]]]
    without: Mapping[str, int]
    did_you_mean: str | None
    milliseconds: float
    meaning_is_available: bool
    is_capped: bool = False

    @property
    def is_far(self) -> bool:
        """Whether the best of what was found for a text neither holds a word of it nor comes near to it in meaning."""
        holds_words = any(reason.code == "found_words" for hit in self.hits for reason in hit.because)
        return bool(self.hits) and not holds_words and max(hit.score for hit in self.hits) < LEAST_CLOSE


@dataclass(frozen=True)
class _Query:
    """A typed text made ready: its vector, and its terms in each language that they may stand in."""

    text: str
    language: str
    kind: QueryKind
    terms: Mapping[str, Sequence[str]]
    vector: NDArray[np.float32] | None


@dataclass
class _Ranked:
    """A listing that was found, from all its rows."""

    direction: str
    closeness: float | None = None
    meaning: float = 0.0
    said: float | None = None  # what its words are worth, 0 to 1
    covered: float = 0.0
    said_language: str = ""
    is_said_machine_made: bool = False
    score: float = 0.0
    languages: set[str] = field(default_factory=set)


def search(
    *,
    viewer: Viewer,
    at: datetime,
    text: str = "",
    direction: str | None = None,
    filters: Filters | None = None,
    language: str = Language.EN,
    limit: int = 20,
    offset: int = 0,
    is_counted: bool = True,
) -> SearchResult:
    """Find listings by words and by meaning, best first; without a text, the newest first.

    `language` is the reader's. The facets count the results by the values of each filter, honouring the others. Where
    nobody sees them, `is_counted` says so and saves most of the work; the total of a text is told all the same.
    """
    started = time.perf_counter()
    asked = _Asked(
        reach=reach_of(viewer, at),
        directions=[Direction(direction)] if direction else [Direction.OFFER, Direction.NEED],
        filters=filters or Filters(),
        own=sorted(viewer.organisations),
        limit=limit,
        offset=offset,
        at=at,
        is_counted=is_counted,
    )
    said = normalise(text)[:LONGEST_QUERY]
    reader = f"directory.Person:{viewer.person_id}" if viewer.is_registered else ""
    # A replica may be a moment behind: it says what is near, the primary says what of it may be seen now.

    def look() -> _Looked:
        return _looked_for(said, language, asked) if said else _browsed(asked, language)

    try:
        looked = replicas.read(look, reader=reader, at=at)
    except EditionChanged:
        # The index was switched between the making of the query and its question; once in a while that happens.
        looked = look()
    hits = looked.hits
    if looked.query is not None:
        hits = _hits(looked.page, looked.ranked, looked.query, viewer, at, language)
    return SearchResult(
        hits=hits,
        total=looked.counts.total,
        facets=looked.counts.facets,
        without=looked.counts.without,
        is_capped=looked.counts.is_capped,
        did_you_mean=looked.did_you_mean,
        milliseconds=1000 * (time.perf_counter() - started),
        meaning_is_available=looked.meaning_is_available,
    )


@dataclass(frozen=True)
class _Asked:
    """What a search is for, its text aside."""

    reach: Reach
    directions: Sequence[str]
    filters: Filters
    own: Sequence[int]
    limit: int
    offset: int
    at: datetime
    is_counted: bool


@dataclass(frozen=True)
class _Looked:
    """What the index says: a page of listings in their order, and counts of all of them."""

    counts: Counts
    meaning_is_available: bool
    hits: tuple[Hit, ...] = ()
    query: _Query | None = None
    page: Sequence[UUID] = ()
    ranked: Mapping[UUID, _Ranked] = field(default_factory=dict)
    did_you_mean: str | None = None


def _looked_for(said: str, language: str, asked: _Asked) -> _Looked:
    """The listings that answer a text, best first."""
    now = statistics.current()
    query = prepared(said, language, now)
    ranked = _ranked(query, asked, asked.filters, now)
    counts = _pool_counts(query, asked, ranked, now) if asked.is_counted else facets.Counts(len(ranked), {}, {})
    order = sorted(ranked, key=lambda listing: (-ranked[listing].score, str(listing)))
    page = order[asked.offset : asked.offset + asked.limit]
    return _Looked(
        counts=counts,
        meaning_is_available=query.vector is not None,
        query=query,
        page=page,
        ranked={listing: ranked[listing] for listing in page},
        did_you_mean=did_you_mean(said, asked.at) if query.kind is QueryKind.TYPED and asked.is_counted else None,
    )


def _pool_counts(query: _Query, asked: _Asked, ranked: Mapping[UUID, _Ranked], now: Statistics) -> Counts:
    """Counts of all that answer the text, whatever the filters keep away."""
    pool = ranked if asked.filters.is_empty else {**_ranked(query, asked, Filters(), now), **ranked}
    return facets.count(
        reach=asked.reach, directions=asked.directions, filters=asked.filters, own=asked.own, listings=list(pool)
    )


def _browsed(asked: _Asked, language: str) -> _Looked:
    """The newest listings, where nothing is said of what they are about."""
    named = {"reach": asked.reach, "directions": asked.directions, "filters": asked.filters, "own": asked.own}
    counts = facets.count(**named, listings=None) if asked.is_counted else facets.Counts(0, {}, {})  # type: ignore[arg-type]
    newest = facets.newest(**named, limit=asked.limit, offset=asked.offset)  # type: ignore[arg-type]
    return _Looked(
        counts=counts,
        meaning_is_available=model.embedder() is not None,
        hits=tuple(
            Hit(listing, found, language, 0, (Reason("newest", {}),), None) for listing, found, language in newest
        ),
    )


def prepared(text: str, reader: str, now: Statistics) -> _Query:
    """A typed text made ready to be compared."""
    language = detect_language(text) or (Language.EN if text.isascii() else reader)
    terms = {language: words(text, language)}
    for other in LANGUAGES:
        if other != language:
            # Names, acronyms and figures are written alike in all three languages.
            terms[other] = [term for term in terms[language] if _LATIN.match(term)]
    kind = QueryKind.TYPED if len(terms[language]) <= LONGEST_TYPED else QueryKind.NEED
    vector = model.embed_typed(text, now.edition)
    if vector is not None:
        vector = now.centred(vector, language, Role.QUERY)
    return _Query(text, language, kind, terms, vector)


def _ranked(query: _Query, asked: _Asked, filters: Filters, now: Statistics) -> dict[UUID, _Ranked]:
    """The listings that answer a query, with their scores; those that say nothing of it are left out."""
    conditions, parameters = facets.conditions(filters, asked.own)
    weights = load_weights()
    found: dict[UUID, _Ranked] = {}
    for direction in asked.directions:
        asks, attainable = _asks(query, direction, now)
        question = Question(
            direction=direction,
            vectors={} if query.vector is None else {query.language: query.vector},
            asks=asks,
            model_version=now.model_version,
            edition=now.edition.number,
            conditions=" AND ".join(conditions.values()) or "TRUE",
            parameters=parameters,
        )
        for row in find(question, asked.reach, CANDIDATES):
            _add(found.setdefault(row.listing_id, _Ranked(direction)), row, attainable, query, weights)
    for listing in found.values():
        listing.score = _score(listing, weights)
    return {key: listing for key, listing in found.items() if _is_result(listing, query.kind)}


def _asks(query: _Query, direction: str, now: Statistics) -> tuple[dict[str, Ask], dict[str, float]]:
    asks, attainable = {}, {}
    for language, terms in query.terms.items():
        asked = query.terms[query.language]
        if not terms:
            continue
        known = statistics.lexicon(direction, language, {*terms, *asked}, now)
        if query.kind is QueryKind.TYPED:
            # A word that no public text holds may stand in a private one that this reader may see.
            weights = {term: known.idf(term) for term in terms}
            total = sum(known.idf(term) for term in set(asked))
            worth = {term: weight / total for term, weight in weights.items()}
            rarest = clauses(known, terms, least_terms=RAREST_TYPED)
            rarest += [term for term in weights if not known.frequency(term)]
            asks[language] = Ask(sparse(weights), rarest, worth)
        else:
            asks[language] = Ask(sparse(known.query_weights(terms, query.kind)), clauses(known, terms))
        attainable[language] = known.attainable(asked, query.kind)
    return asks, attainable


def _add(listing: _Ranked, row: Found, attainable: Mapping[str, float], query: _Query, weights: Weights) -> None:
    near = nearest(row, [query.language])
    if near is not None and (listing.closeness is None or near.value > listing.meaning):
        listing.closeness, listing.meaning = near.cosine, near.value
    if row.part == 0 and row.language in attainable:
        share = row.bm25 / attainable[row.language] if attainable[row.language] > 0 else 0.0
        said = weights.words.value(share)
        if query.kind is QueryKind.TYPED:
            # Of typed words each matters: many of one are no substitute for the others.
            said = row.covered * (0.5 + 0.5 * said)
        if listing.said is None or said > listing.said:
            listing.said = said
            listing.covered = row.covered
            listing.said_language = row.language
            listing.is_said_machine_made = row.is_machine_made


def _score(listing: _Ranked, weights: Weights) -> float:
    """Meaning and words; where no text of the query's language could be compared, what its words would be worth.

    A machine-made text may lift a listing, never lower it: it is shorter than what it translates.
    """
    if listing.closeness is None:
        return listing.said or 0.0
    said = listing.said
    if said is None or listing.is_said_machine_made:
        said = max(said or 0.0, EXPECTED_WORDS * listing.meaning)
    share = weights.parts["meaning"] / (weights.parts["meaning"] + weights.parts["words"])
    return share * listing.meaning + (1 - share) * said


def _is_result(listing: _Ranked, kind: QueryKind) -> bool:
    if kind is QueryKind.TYPED and listing.covered >= LEAST_COVERED:
        return True
    if kind is QueryKind.NEED and (listing.said or 0.0) >= LEAST_WORDS:
        return True
    return listing.meaning + listing.covered / 2 >= LEAST_MEANING


# ---------------------------------------------------------------- what is shown


def _hits(
    page: Sequence[UUID],
    ranked: Mapping[UUID, _Ranked],
    query: _Query,
    viewer: Viewer,
    at: datetime,
    reader: str,
) -> tuple[Hit, ...]:
    texts: dict[UUID, list[ListingText]] = {listing: [] for listing in page}
    for text in ListingText.objects.visible_to(viewer, at).filter(listing__in=page).order_by("pk"):
        texts[text.listing_id].append(text)
    return tuple(_hit(listing, ranked[listing], texts[listing], query, reader) for listing in page)


def _hit(listing: UUID, ranked: _Ranked, texts: Sequence[ListingText], query: _Query, reader: str) -> Hit:
    because: list[Reason] = []
    shown, chosen = None, None
    for text in sorted(texts, key=lambda text: _preference(text, ranked, reader)):
        terms = query.terms.get(text.language, ())
        found = snippet(whole(text), terms, text.language, SNIPPET_WIDTH)
        if chosen is None or (found.marks and shown is not None and not shown.marks):
            body = "\n".join(fields_of(text).values())
            below_title = snippet(body, terms, text.language, SNIPPET_WIDTH)
            chosen, shown = text, below_title if below_title.marks or not found.marks else found
    if ranked.said and chosen is not None and shown is not None and shown.marks:
        said = dict.fromkeys(shown.text[start:end] for start, end in shown.marks)
        facts = {"words": list(said)[:8], "language": chosen.language, "is_machine_made": chosen.is_machine_made}
        because.append(Reason("found_words", facts))
    if ranked.closeness is not None and ranked.meaning >= LEAST_MEANING:
        because.append(Reason("close_meaning", {"closeness": round(ranked.closeness, 3), "language": query.language}))
    return Hit(
        listing_id=listing,
        direction=ranked.direction,
        language=chosen.language if chosen else "",
        score=round(100 * ranked.score),
        because=tuple(because),
        snippet=shown,
        is_machine_made=chosen.is_machine_made if chosen else False,
    )


def _preference(text: ListingText, ranked: _Ranked, reader: str) -> tuple[bool, bool, bool]:
    return text.language != reader, text.language != ranked.said_language, text.is_machine_made


# ---------------------------------------------------------------- slips of the keyboard


def did_you_mean(text: str, at: datetime) -> str | None:
    """The text with each Latin word that no public listing uses replaced by one written nearly alike, or None.

    Words are known by their stems, so a replacement is read from a text that everybody may read now.
    """
    slips: dict[str, str] = {}
    for word in dict.fromkeys(re.findall(r"[A-Za-z]{4,}", text)):
        terms = words(word, Language.EN)
        if len(terms) != 1:
            continue
        is_known = TermFrequency.objects.filter(term=terms[0], listings__gt=0).exists()
        meant = None if is_known else _nearest(terms[0], at)
        if meant is None:
            continue
        slips[word] = meant
    if not slips:
        return None
    return re.sub("|".join(map(re.escape, slips)), lambda match: slips[match.group()], text)


def _nearest(term: str, at: datetime) -> str | None:
    reach = public_reach(at)
    with replicas.reading().cursor() as cursor:
        cursor.execute(
            f"""SELECT f.term, (SELECT t.title || ' ' || t.summary FROM matching_listingindex i
                    JOIN catalogue_listingtext t ON t.listing_id = i.listing_id AND t.language = i.language
                         AND t.tier = i.tier
                    JOIN catalogue_listing l ON l.id = i.listing_id
                    WHERE i.lexemes @@ quote_literal(f.term)::tsquery AND {reach.row} AND {reach.listing}
                      AND i.language = f.language LIMIT 1)
            FROM matching_termfrequency f WHERE f.term %% %(term)s AND f.listings > 0 AND f.term ~ '^[a-z]+$'
                AND similarity(f.term, %(term)s) >= %(alike)s AND left(f.term, 1) = left(%(term)s, 1)
            ORDER BY similarity(f.term, %(term)s) DESC, f.listings DESC LIMIT 3""",  # noqa: S608 - constants
            {**reach.parameters, "term": term, "alike": LEAST_ALIKE},
        )
        for stem, said in cursor.fetchall():
            for word in re.findall(r"[A-Za-z]+", said or ""):
                if words(word, Language.EN) == [stem]:
                    return str(word if word.isupper() else word.lower())
    return None
