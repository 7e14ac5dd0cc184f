"""Candidates of both kinds, near in meaning and alike in words, with both exact scores.

A vector index that filters afterwards silently loses results, so it scans on until enough rows pass
(`hnsw.iterative_scan`). In a small index, and where a filter leaves few rows, an exact scan costs less than the index
and misses nothing; how much a filter leaves is told by a sample of the rows.
"""

from __future__ import annotations

import itertools
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from django.db import transaction
from pgvector import SparseVector

from transferase.foundation.replicas import reading
from transferase.matching._editions import EditionChanged
from transferase.matching.models import TERM_SPACE

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from uuid import UUID

    import numpy as np
    from django.db.backends.utils import CursorWrapper
    from numpy.typing import NDArray

    from transferase.engine.ranking import Lexicon
    from transferase.matching._reach import Reach

# A term, or terms that must all stand in a row.
Clause: TypeAlias = str | tuple[str, ...]
# Rows of the index, and rows that a filter leaves of it, below which all of them are looked at.
EXACT_BELOW: Final = 30_000
EXACT_ROWS: Final = 12_000
CANDIDATES: Final = 100
# How many rows are weighed by their words at most, and how many rows tell what a filter leaves.
LEXICAL_ROWS: Final = 2_000
SAMPLE: Final = 4_000
SAMPLE_HOLDS_S: Final = 120.0
# Of the vector index: how many neighbours are followed at once; a thousand is the most that it takes.
EF_SEARCH: Final = 600
# Of the terms that stand in too many rows so many are paired.
_PAIRED: Final = 6
_TOGETHER: Final = 5
_SETTINGS: Final = """
SELECT set_config('citus.propagate_set_commands', 'local', true),
       set_config('hnsw.iterative_scan', 'relaxed_order', true), set_config('hnsw.ef_search', %(ef_search)s, true),
       set_config('hnsw.max_scan_tuples', %(most)s, true), set_config('hnsw.scan_mem_multiplier', '4', true),
       set_config('enable_sort', 'off', true), set_config('enable_seqscan', 'off', true)"""
_AS_USUAL: Final = "SELECT set_config('enable_sort', 'on', true), set_config('enable_seqscan', 'on', true)"


@dataclass(frozen=True)
class Ask:
    """What is asked in the words of one language: weights by term id, and the rarest terms to find candidates by.

    Of typed words `worth` says how much of the question each is; a row that holds more of them answers more of it.
    `phrases` are weighed beside the words, but no row is found by them alone.
    """

    weights: Mapping[int, float]
    rarest: Sequence[Clause]
    worth: Mapping[str, float] = field(default_factory=dict)
    phrases: Mapping[int, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Question:
    """What the rows of one direction are compared with.

    `column` is what the words are multiplied with: `words` where the rows are documents, `asked` where the rows are
    needs and an offer looks for them.
    """

    direction: str
    vectors: Mapping[str, NDArray[np.float32]]  # by the language of the text they stand for
    asks: Mapping[str, Ask]
    model_version: str
    column: str = "words"
    conditions: str = "TRUE"
    parameters: Mapping[str, object] = field(default_factory=dict)
    edition: int | None = None  # of the index, that the vectors were made for
    except_listing: UUID | None = None
    also: Sequence[UUID] = ()  # scored even if they are no candidates
    near: Sequence[UUID] | None = None  # what is near in meaning, where somebody has looked for it already
    parts: Sequence[NDArray[np.float32]] = ()  # further vectors that rows are compared with, but not found by
    crossed_from: str = ""  # the language of an offer in whose words the glossary lets needs ask


@dataclass(frozen=True)
class Found:
    """One row of the index that was found.

    `closeness` are the cosines of its centred vector with those of the question and then with its parts, in their
    order, None without a vector; `covered` is how much of the typed words it holds; `phrases` is what its phrases are
    worth beside `bm25`; `crossed` is what a need could attain in the language that the question is crossed from.
    """

    listing_id: UUID
    language: str
    tier: str
    part: int
    is_machine_made: bool
    closeness: Sequence[float] | None
    bm25: float
    attainable: float
    covered: float
    phrases: float = 0.0
    crossed: float = 0.0


def sparse_text(weights: Mapping[int, float]) -> str:
    """Weights by term id as pgvector writes them."""
    return str(SparseVector({key: value for key, value in weights.items() if value}, TERM_SPACE).to_text())


def vector_text(vector: NDArray[np.float32]) -> str:
    """A vector as pgvector writes it, in the precision that is stored."""
    return "[" + ",".join(f"{value:.6g}" for value in vector.tolist()) + "]"


def any_of(clauses: Sequence[Clause]) -> str:
    """A query that one of the clauses answers: a term, or terms that must all stand in the row."""
    told = [(clause,) if isinstance(clause, str) else clause for clause in clauses]
    return " | ".join("(" + " & ".join(map(_quoted, terms)) + ")" for terms in told)


def _quoted(term: str) -> str:
    return "'" + term.replace("\\", "\\\\").replace("'", "''") + "'"


def clauses(
    known: Lexicon, terms: Collection[str], least_terms: int = 8, most_rows: int = LEXICAL_ROWS
) -> list[Clause]:
    """What candidates are found by: the rarest terms, as many as bring in enough rows and not too many.

    Where even single terms stand in too many rows, pairs of them are asked for, and always all terms together.
    """
    held = sorted((known.frequency(term), term) for term in set(terms))
    found: list[Clause] = []
    rows = 0
    for frequency, term in held:
        if frequency and rows + frequency <= most_rows:
            found.append(term)
            rows += frequency
        if len(found) >= least_terms and rows >= most_rows / 4:
            return found
    told = [(frequency, term) for frequency, term in held if frequency and term not in found][:_PAIRED]
    if len(told) > 1:
        found.append(tuple(term for _, term in told))
    for (first, one), (second, other) in itertools.combinations(told, 2):
        # Words of one text go together several times as often as chance would have it.
        together = min(first, _TOGETHER * first * second / max(known.count, 1))
        if rows + together <= most_rows:
            found.append((one, other))
            rows += round(together)
    return found or [term for _, term in told[:1]]


def find(question: Question, reach: Reach, candidates: int = CANDIDATES) -> list[Found]:
    """The rows of all listings within reach that are near in meaning or alike in words, with both exact scores."""
    database = reading()
    asks = {language: ask for language, ask in question.asks.items() if ask.weights}
    parameters = _parameters(question, asks, reach, candidates)
    with transaction.atomic(using=database.alias), database.cursor() as cursor:
        rows = _rows(cursor, question.edition)
        chosen = {*question.also, *(question.near or ())}
        for number in range(len(question.vectors) if question.near is None else 0):
            chosen.update(listing for listing, _ in _near(cursor, question, reach, parameters, rows, number))
        if any(ask.rarest for ask in asks.values()):
            if rows >= EXACT_BELOW:
                cursor.execute("SELECT set_config('enable_seqscan', 'off', true)")
            cursor.execute(_alike(question, asks, reach), parameters)
            chosen.update(listing for (listing,) in cursor.fetchall())
        if rows >= EXACT_BELOW:
            # The transaction may be the caller's, who goes on with other statements.
            cursor.execute(_AS_USUAL)
        if not chosen:
            return []
        cursor.execute(_scored(question, asks, reach), {**parameters, "chosen": list(chosen)})
        return [Found(*row) for row in cursor.fetchall()]


def nearest_rows(
    question: Question, reach: Reach, candidates: int = CANDIDATES, *, is_exact: bool | None = None
) -> list[tuple[UUID, float]]:
    """The rows nearest to the first vector of a question alone, with their closeness; `is_exact` looks at all."""
    database = reading()
    with transaction.atomic(using=database.alias), database.cursor() as cursor:
        rows = _rows(cursor, question.edition)
        parameters = _parameters(question, {}, reach, candidates)
        found = _near(cursor, question, reach, parameters, rows, 0, is_exact=is_exact)
        cursor.execute(_AS_USUAL)
        return found


def _parameters(question: Question, asks: Mapping[str, Ask], reach: Reach, candidates: int) -> dict[str, Any]:
    parameters: dict[str, Any] = {
        **reach.parameters,
        **question.parameters,
        "direction": question.direction,
        "model": question.model_version,
        "candidates": candidates,
        "excepted": question.except_listing,
        "most": 2 * LEXICAL_ROWS,
        "crossed_from": question.crossed_from,
    }
    for number, vector in enumerate(question.vectors.values()):
        parameters[f"vector_{number}"] = vector_text(vector)
    for number, part in enumerate(question.parts):
        parameters[f"part_{number}"] = vector_text(part)
    for language, ask in asks.items():
        if ask.phrases:
            parameters[f"phrases_{_name(language)}"] = sparse_text(ask.phrases)
        parameters[f"ask_{_name(language)}"] = sparse_text(ask.weights)
        parameters[f"any_{_name(language)}"] = any_of(ask.rarest)
        for number, (term, worth) in enumerate(ask.worth.items()):
            parameters[f"term_{_name(language)}_{number}"] = any_of([term])
            parameters[f"worth_{_name(language)}_{number}"] = worth
    return parameters


def _within(question: Question, reach: Reach) -> str:
    return (
        f"i.direction = %(direction)s AND {reach.row} AND ({question.conditions})"
        " AND i.listing_id IS DISTINCT FROM %(excepted)s"
    )


# ---------------------------------------------------------------- near in meaning


def _near(
    cursor: CursorWrapper,
    question: Question,
    reach: Reach,
    parameters: Mapping[str, Any],
    rows: float,
    number: int,
    *,
    is_exact: bool | None = None,
) -> list[tuple[UUID, float]]:
    wanted = int(parameters["candidates"])
    left = rows
    if is_exact is None:
        is_exact = rows < EXACT_BELOW
        if not is_exact:
            left = rows * _share(cursor, question, reach, parameters, rows)
            is_exact = left < EXACT_ROWS
    if not is_exact:
        settings = {
            "ef_search": str(EF_SEARCH),
            "most": str(max(20_000, round(4 * wanted * rows / left))),
        }
        cursor.execute(_SETTINGS, settings)
        cursor.execute(_nearest(question, reach, number, ""), parameters)
        found: list[tuple[UUID, float]] = cursor.fetchall()
        if len(found) >= wanted or left > 4 * EXACT_ROWS:
            return found
    if rows >= EXACT_BELOW:
        cursor.execute(_AS_USUAL)
    # The index answers the bare operator only: anything added to the distance makes the scan exact.
    cursor.execute(_nearest(question, reach, number, " + 0"), parameters)
    every: list[tuple[UUID, float]] = cursor.fetchall()
    return every


def _nearest(question: Question, reach: Reach, number: int, exactly: str) -> str:
    distance = f"i.centred <#> %(vector_{number})s::halfvec"
    return f"""SELECT i.listing_id, -({distance}) FROM matching_listingindex i
    WHERE {_within(question, reach)} AND i.centred IS NOT NULL AND i.model_version = %(model)s
    ORDER BY ({distance}){exactly} LIMIT %(candidates)s"""  # noqa: S608 - constants


def _share(
    cursor: CursorWrapper, question: Question, reach: Reach, parameters: Mapping[str, Any], rows: float
) -> float:
    """About how much of the index a question leaves to be compared; remembered for a while."""
    asked = {
        name: value for name, value in parameters.items() if name.startswith(("filter_", "reach_own", "facet_own"))
    }
    key = (question.direction, question.conditions, reach.row, repr(sorted(asked.items())))
    held = _shares.get(key)
    if held is not None and held[1] > time.monotonic():
        return held[0]
    cursor.execute(
        f"""SELECT count(*) FILTER (WHERE {_within(question, reach)}), count(*)
        FROM matching_listingindex i TABLESAMPLE SYSTEM (%(percent)s)""",  # noqa: S608 - constants
        {**parameters, "percent": min(100.0, 100 * SAMPLE / rows)},
    )
    passing, seen = cursor.fetchone()
    share = max(passing, 0.5) / max(seen, 1)
    if len(_shares) >= _MOST_SHARES:
        _shares.clear()
    _shares[key] = (share, time.monotonic() + SAMPLE_HOLDS_S)
    return float(share)


_MOST_SHARES: Final = 1000
_shares: dict[tuple[str, ...], tuple[float, float]] = {}


# ---------------------------------------------------------------- alike in words


def _alike(question: Question, asks: Mapping[str, Ask], reach: Reach) -> str:
    said = " OR ".join(
        f"(i.language = '{language}' AND i.lexemes @@ %(any_{_name(language)})s::tsquery)"
        for language, ask in asks.items()
        if ask.rarest
    )
    return f"""SELECT listing_id FROM (
        SELECT i.listing_id, {_words(question.column, asks)} AS far FROM matching_listingindex i
        WHERE {_within(question, reach)} AND ({said}) AND i.{question.column} IS NOT NULL LIMIT %(most)s) alike
    ORDER BY far LIMIT %(candidates)s"""  # noqa: S608 - constants


def _scored(question: Question, asks: Mapping[str, Ask], reach: Reach) -> str:
    return f"""SELECT i.listing_id, i.language, i.tier, i.part, i.is_machine_made, {_closeness(question)},
       coalesce(-({_words(question.column, asks)}), 0), i.attainable, {_covered(asks)},
       coalesce(-({_phrases(asks)}), 0), coalesce((i.crossed -> %(crossed_from)s ->> 'attainable')::float8, 0)
FROM matching_listingindex i JOIN catalogue_listing l ON l.id = i.listing_id
WHERE i.listing_id = ANY(%(chosen)s) AND i.direction = %(direction)s AND {reach.row} AND {reach.listing}
  AND i.listing_id IS DISTINCT FROM %(excepted)s"""  # noqa: S608 - every part is a constant or a parameter


def _closeness(question: Question) -> str:
    if not question.vectors:
        return "NULL::float8[]"
    names = [f"vector_{number}" for number in range(len(question.vectors))]
    names += [f"part_{number}" for number in range(len(question.parts))]
    nearest = ", ".join(f"-(i.centred <#> %({name})s::halfvec)" for name in names)
    return f"CASE WHEN i.model_version = %(model)s THEN ARRAY[{nearest}] END"


def _covered(asks: Mapping[str, Ask]) -> str:
    cases = []
    for language, ask in asks.items():
        held = " + ".join(
            f"CASE WHEN i.lexemes @@ %(term_{_name(language)}_{number})s::tsquery"
            f" THEN %(worth_{_name(language)}_{number})s ELSE 0 END"
            for number in range(len(ask.worth))
        )
        if held:
            cases.append(f"WHEN '{language}' THEN {held}")
    return f"(CASE i.language {' '.join(cases)} ELSE 0 END)::float8" if cases else "0::float8"


def _words(column: str, asks: Mapping[str, Ask]) -> str:
    if not asks:
        return "NULL::float8"
    cases = " ".join(f"WHEN '{language}' THEN %(ask_{_name(language)})s::sparsevec" for language in asks)
    return f"i.{column} <#> (CASE i.language {cases} END)"


def _phrases(asks: Mapping[str, Ask]) -> str:
    cases = " ".join(
        f"WHEN '{language}' THEN %(phrases_{_name(language)})s::sparsevec"
        for language, ask in asks.items()
        if ask.phrases
    )
    return f"i.phrases <#> (CASE i.language {cases} END)" if cases else "NULL::float8"


def _name(language: str) -> str:
    return language.replace("-", "_")


def _rows(cursor: CursorWrapper, edition: int | None) -> float:
    """How many rows the index has; holds the table, so that its edition stays that of the question.

    Raises EditionChanged when it is another one already.
    """
    cursor.execute(
        """SELECT (SELECT reltuples FROM pg_class WHERE oid = 'matching_listingindex'::regclass),
                  coalesce((SELECT number FROM matching_edition WHERE state = 'running'), 0)
        FROM (SELECT count(*) FROM (SELECT FROM matching_listingindex LIMIT 0) none) held"""
    )
    rows, number = cursor.fetchone()
    if edition is not None and number != edition:
        raise EditionChanged
    # A table that nobody has counted yet says -1.
    return max(float(rows), 1.0)
