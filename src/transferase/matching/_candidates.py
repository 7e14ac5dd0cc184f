"""Candidates of both kinds, near in meaning and alike in words, with both exact scores: one statement.

A vector index that filters afterwards silently loses results, so it scans on until enough rows pass
(`hnsw.iterative_scan`). Below `EXACT_BELOW` rows an exact scan costs less than the index and misses nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from django.db import connection, transaction
from pgvector import SparseVector

from transferase.matching._editions import EditionChanged
from transferase.matching.models import TERM_SPACE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from uuid import UUID

    import numpy as np
    from django.db.backends.utils import CursorWrapper
    from numpy.typing import NDArray

    from transferase.matching._reach import Reach

EXACT_BELOW: Final = 30_000
CANDIDATES: Final = 100
_SETTINGS: Final = """
SELECT set_config('hnsw.iterative_scan', 'relaxed_order', true), set_config('hnsw.ef_search', '200', true),
       set_config('hnsw.max_scan_tuples', '40000', true)"""


@dataclass(frozen=True)
class Ask:
    """What is asked in the words of one language: weights by term id, and the rarest terms to find candidates by.

    Of typed words `worth` says how much of the question each is; a row that holds more of them answers more of it.
    """

    weights: Mapping[int, float]
    rarest: Sequence[str]
    worth: Mapping[str, float] = field(default_factory=dict)


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


@dataclass(frozen=True)
class Found:
    """One row of the index that was found.

    `closeness` are the cosines of its centred vector with those of the question, in their order, None without a
    vector; `covered` is how much of the typed words it holds.
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


def sparse_text(weights: Mapping[int, float]) -> str:
    """Weights by term id as pgvector writes them."""
    return str(SparseVector({key: value for key, value in weights.items() if value}, TERM_SPACE).to_text())


def vector_text(vector: NDArray[np.float32]) -> str:
    """A vector as pgvector writes it, in the precision that is stored."""
    return "[" + ",".join(f"{value:.6g}" for value in vector.tolist()) + "]"


def any_of(terms: Sequence[str]) -> str:
    """A query that one of the terms answers."""
    return " | ".join("'" + term.replace("\\", "\\\\").replace("'", "''") + "'" for term in terms)


def find(question: Question, reach: Reach, candidates: int = CANDIDATES) -> list[Found]:
    """The rows of all listings within reach that are near in meaning or alike in words, with both exact scores."""
    parameters: dict[str, Any] = {
        **reach.parameters,
        **question.parameters,
        "direction": question.direction,
        "model": question.model_version,
        "candidates": candidates,
        "also": [*question.also, *(question.near or ())],
        "excepted": question.except_listing,
    }
    asks = {language: ask for language, ask in question.asks.items() if ask.weights}
    for number, vector in enumerate(question.vectors.values()):
        parameters[f"vector_{number}"] = vector_text(vector)
    for language, ask in asks.items():
        parameters[f"ask_{_name(language)}"] = sparse_text(ask.weights)
        parameters[f"any_{_name(language)}"] = any_of(ask.rarest)
        for number, (term, worth) in enumerate(ask.worth.items()):
            parameters[f"term_{_name(language)}_{number}"] = any_of([term])
            parameters[f"worth_{_name(language)}_{number}"] = worth
    with transaction.atomic(), connection.cursor() as cursor:
        is_exact = _is_small(cursor, question.edition)
        statement = _statement(question, asks, reach, is_exact=is_exact)
        if not is_exact:
            cursor.execute(_SETTINGS)
        cursor.execute(statement, parameters)
        return [Found(*row) for row in cursor.fetchall()]


def _statement(question: Question, asks: Mapping[str, Ask], reach: Reach, *, is_exact: bool) -> str:
    within = (
        f"i.direction = %(direction)s AND {reach.row} AND ({question.conditions})"
        " AND i.listing_id IS DISTINCT FROM %(excepted)s"
    )
    tables, lists = [], []
    # The index answers the bare operator only: anything added to the distance makes the scan exact.
    exactly = " + 0" if is_exact else ""
    for number in range(len(question.vectors) if question.near is None else 0):
        tables.append(f"""dense_{number} AS MATERIALIZED (
    SELECT i.listing_id FROM matching_listingindex i
    WHERE {within} AND i.centred IS NOT NULL AND i.model_version = %(model)s
    ORDER BY (i.centred <#> %(vector_{number})s::halfvec){exactly} LIMIT %(candidates)s)""")  # noqa: S608 - constants
        lists.append(f"dense_{number}")
    if asks:
        said = " OR ".join(
            f"(i.language = '{language}' AND i.lexemes @@ %(any_{_name(language)})s::tsquery)"
            for language, ask in asks.items()
            if ask.rarest
        )
        tables.append(f"""lexical AS MATERIALIZED (
    SELECT i.listing_id FROM matching_listingindex i
    WHERE {within} AND ({said or "FALSE"}) AND i.{question.column} IS NOT NULL
    ORDER BY {_words(question.column, asks)} LIMIT %(candidates)s)""")  # noqa: S608 - constants
        lists.append("lexical")
    union = " UNION ".join(f"SELECT listing_id FROM {name}" for name in lists)  # noqa: S608 - constants
    also = "SELECT unnest(%(also)s::uuid[]) AS listing_id"
    return f"""WITH {", ".join([*tables, f"candidate AS ({' UNION '.join(filter(None, [union, also]))})"])}
SELECT i.listing_id, i.language, i.tier, i.part, i.is_machine_made, {_closeness(question)},
       coalesce(-({_words(question.column, asks)}), 0), i.attainable, {_covered(asks)}
FROM candidate c JOIN matching_listingindex i ON i.listing_id = c.listing_id
JOIN catalogue_listing l ON l.id = i.listing_id
WHERE i.direction = %(direction)s AND {reach.row} AND {reach.listing}
  AND i.listing_id IS DISTINCT FROM %(excepted)s"""  # noqa: S608 - every part is a constant or a parameter


def _closeness(question: Question) -> str:
    if not question.vectors:
        return "NULL::float8[]"
    nearest = ", ".join(f"-(i.centred <#> %(vector_{number})s::halfvec)" for number in range(len(question.vectors)))
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


def _name(language: str) -> str:
    return language.replace("-", "_")


def _is_small(cursor: CursorWrapper, edition: int | None) -> bool:
    """Whether an exact scan costs less than the index; holds the table, so that its edition stays that of the question.

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
    return float(rows) < EXACT_BELOW
