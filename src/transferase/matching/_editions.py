"""Editions of the index: which one runs, and the tables in which the next one is built beside it.

The running edition is always the table of `ListingIndex`, so no search has to ask which vectors may be compared. The
next one is built in tables named `..._next`, without the indexes that a bulk load would only slow down; they are made
afterwards as the running table has them, then the next tables take the names of the running ones in one transaction.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from django.db import ProgrammingError, connection, transaction

from transferase.engine.ranking import DOCUMENT_SATURATION, MODEL_VERSION, load_glossary
from transferase.engine.text import WORDS_VERSION
from transferase.matching.models import DIMENSION, Edition

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from uuid import UUID

# Any fixed number will do: it names the advisory lock that lets one process at a time begin or switch an edition.
EDITION_LOCK: Final = 7_205_316
# The most numbers of a half-precision vector that a vector index takes.
LONGEST_VECTOR: Final = 4000
# Two vectors and the words of a row of the shipped length fit on a page; longer ones give way to the outside.
_INLINE: Final = DIMENSION
_WAITS: Final = "5s"
_SUFFIX: Final = "_next"


class EditionChanged(RuntimeError):
    """The index was switched to another edition meanwhile: what was prepared for the former one must be done again."""


@dataclass(frozen=True)
class Tables:
    """The two tables of an edition."""

    index: str
    sentences: str


RUNNING: Final = Tables("matching_listingindex", "matching_sentence")
NEXT: Final = Tables(RUNNING.index + _SUFFIX, RUNNING.sentences + _SUFFIX)


@dataclass(frozen=True)
class Standing:
    """An edition as work with the index needs it; `model` is what was configured when it was begun."""

    number: int
    model_version: str
    model: str
    dimension: int
    means_version: int
    words_version: str


def words_version() -> str:
    """The way in which this version of the engine weighs words: rows made in another way are made anew."""
    return f"{WORDS_VERSION} k1={DOCUMENT_SATURATION.k1:g} b={DOCUMENT_SATURATION.b:g} {load_glossary().version}"


def running() -> Standing:
    """The edition that searches and matches use now."""
    return _standing(Edition.State.RUNNING) or Standing(0, MODEL_VERSION, "", DIMENSION, 0, words_version())


def building() -> Standing | None:
    """The edition that is built beside it, if there is one."""
    return _standing(Edition.State.BUILDING)


def _standing(state: str) -> Standing | None:
    names = ("number", "model_version", "model", "dimension", "means_version", "words_version")
    row = Edition.objects.filter(state=state).values_list(*names).first()
    return Standing(*row) if row else None


def is_copied(edition: Standing) -> bool:
    """Whether the rows of an edition are those of the running one, only centred and weighed anew."""
    now = running()
    return (edition.model_version, edition.words_version) == (now.model_version, now.words_version)


def lock() -> None:
    """Let one process at a time begin, give up or switch an edition, until the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [EDITION_LOCK])


def lock_shared() -> None:
    """Keep an edition that is being built from being switched or given up until the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock_shared(%s)", [EDITION_LOCK])


def hold(standing: Standing) -> None:
    """Keep the running edition until the transaction ends; raises EditionChanged if it is another one already."""
    with connection.cursor() as cursor:
        cursor.execute(f"LOCK TABLE {RUNNING.index} IN ROW EXCLUSIVE MODE")
    if running() != standing:
        raise EditionChanged


def hold_for_reading(standing: Standing) -> None:
    """Keep the running edition for a reader until the transaction ends; raises EditionChanged if it is another one."""
    with connection.cursor() as cursor:
        cursor.execute(f"LOCK TABLE {RUNNING.index} IN ACCESS SHARE MODE")
    if running() != standing:
        raise EditionChanged


def beside() -> Tables:
    """The tables of the edition that is being built; new means leave the sentences where they are."""
    return NEXT if exists(NEXT.sentences) else Tables(NEXT.index, RUNNING.sentences)


def exists(table: str) -> bool:
    """Whether there is a table of that name."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass(%s) IS NOT NULL", [table])
        return bool(cursor.fetchone()[0])


# ---------------------------------------------------------------- tables beside


def create(dimension: int, *, with_sentences: bool) -> None:
    """Make the tables of the next edition, empty and with no index but the key."""
    drop()
    _create(RUNNING.index, ("raw", "centred"), dimension, "listing_id, language, tier, part")
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE INDEX listing_index_digest{_SUFFIX} ON {NEXT.index} (text_digest)")
    if with_sentences:
        _create(RUNNING.sentences, ("raw",), dimension, "listing_id, language, tier, number")
        with connection.cursor() as cursor:
            cursor.execute(f"CREATE INDEX sentence_digest{_SUFFIX} ON {NEXT.sentences} (digest)")


def _create(table: str, vectors: tuple[str, ...], dimension: int, key: str) -> None:
    made = table + _SUFFIX
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE TABLE {made} (LIKE {table} INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING STORAGE)")
        for column in vectors:
            storage = "EXTERNAL" if column == "raw" else "PLAIN" if dimension <= _INLINE else "MAIN"
            cursor.execute(
                f"ALTER TABLE {made} ALTER COLUMN {column} TYPE halfvec({int(dimension)}),"
                f" ALTER COLUMN {column} SET STORAGE {storage}"
            )
        cursor.execute(f"ALTER TABLE {made} ADD CONSTRAINT {made}_pkey PRIMARY KEY ({key})")
        if is_distributed(table):
            cursor.execute(
                "SELECT create_distributed_table(%s, 'listing_id', colocate_with => %s)", [made, RUNNING.index]
            )


def drop() -> None:
    """Remove the tables of an edition that was given up."""
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TABLE IF EXISTS {NEXT.index}, {NEXT.sentences}")


def is_distributed(table: str) -> bool:
    """Whether Citus has spread a table over several servers."""
    if not exists("pg_dist_partition"):
        return False
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT FROM pg_dist_partition WHERE logicalrelid = %s::regclass)", [table])
        return bool(cursor.fetchone()[0])


def is_published(table: str) -> bool:
    """Whether a logical replica follows a table: it would not hear of another table under its name."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT FROM pg_publication_tables WHERE tablename = %s)", [table])
        return bool(cursor.fetchone()[0])


def dimension_of(table: str) -> int:
    """The length of the vectors that a table takes."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT atttypmod FROM pg_attribute WHERE attrelid = %s::regclass AND attname = 'raw'", [table])
        return int(cursor.fetchone()[0])


def differing(listing_ids: Sequence[UUID] | None = None) -> list[UUID]:
    """The listings whose rows in the next edition are not those of the running one, centring and weights aside."""
    columns = (
        "listing_id, language, tier, part, listing_version, is_open, visible_until, owner_id, is_anonymous, is_lead,"
        " is_quotable, length, text_digest"
    )
    chosen = "" if listing_ids is None else " WHERE listing_id = ANY(%(ids)s)"
    sides = [f"SELECT {columns} FROM {tables.index}{chosen}" for tables in (RUNNING, NEXT)]  # noqa: S608 - constants
    with connection.cursor() as cursor:
        cursor.execute(
            f"""SELECT DISTINCT listing_id FROM (({sides[0]} EXCEPT {sides[1]})
                UNION ALL ({sides[1]} EXCEPT {sides[0]})) different ORDER BY 1""",  # noqa: S608 - constants
            None if listing_ids is None else {"ids": list(listing_ids)},
        )
        return [row[0] for row in cursor.fetchall()]


def count_done() -> int:
    """How many listings stand in the next edition; none when it is switched at this moment."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"SELECT count(*) FROM {NEXT.index} WHERE is_lead")  # noqa: S608 - a constant
            return int(cursor.fetchone()[0])
    except ProgrammingError:
        return 0


def tidy() -> None:
    """Write the next table anew without the gaps that changed rows left, where that is possible."""
    if not is_distributed(RUNNING.index):
        with connection.cursor() as cursor:
            cursor.execute(f"CLUSTER {NEXT.index} USING {NEXT.index}_pkey")


def add_indexes() -> None:
    """Give the next tables the indexes of the running ones; built at once they cost a tenth."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL maintenance_work_mem = '1GB'")
        for table in (RUNNING.index, RUNNING.sentences):
            if not exists(table + _SUFFIX):
                continue
            held = {name for name, _ in _indexes(table + _SUFFIX)}
            for name, definition in _indexes(table):
                if not name.endswith("_pkey") and name + _SUFFIX not in held:
                    cursor.execute(_beside(name, table, definition))
            cursor.execute(f"ANALYZE {table}{_SUFFIX}")


def _beside(name: str, table: str, definition: str) -> str:
    renamed = re.sub(rf"\bINDEX {re.escape(name)} ON ", f"INDEX {name}{_SUFFIX} ON ", definition, count=1)
    return re.sub(rf"\b{table}\b", f"{table}{_SUFFIX}", renamed, count=1)


def _indexes(table: str) -> Iterator[tuple[str, str]]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = %s AND schemaname = current_schema()"
            " ORDER BY indexname",
            [table],
        )
        yield from cursor.fetchall()


def bar_writers() -> None:
    """Keep every other writer from the running index until the transaction ends; readers go on."""
    with connection.cursor() as cursor:
        cursor.execute(f"LOCK TABLE {RUNNING.index}, {RUNNING.sentences} IN SHARE ROW EXCLUSIVE MODE")


def take_over() -> None:
    """Put the next tables in the place of the running ones; searches wait for it a moment at most."""
    with connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL lock_timeout = '{_WAITS}'")
        for table in (RUNNING.index, RUNNING.sentences):
            made = table + _SUFFIX
            if not exists(made):
                continue
            if is_published(table) and dimension_of(table) == dimension_of(made):
                _pour(table, made)
                continue
            indexes = [name for name, _ in _indexes(made)]
            cursor.execute(f"DROP TABLE {table}")
            cursor.execute(f"ALTER TABLE {made} RENAME TO {table}")
            for name in indexes:
                cursor.execute(f"ALTER INDEX {name} RENAME TO {name.replace(_SUFFIX, '')}")
        cursor.execute("SET LOCAL lock_timeout = 0")


def _pour(table: str, made: str) -> None:
    """Write the rows of the next table into the running one: slower, but a logical replica hears of it."""
    with connection.cursor() as cursor:
        cursor.execute(f'DELETE FROM "{table}"')  # noqa: S608 - a constant
        cursor.execute(f'INSERT INTO "{table}" SELECT * FROM {made}')  # noqa: S608 - constants
        cursor.execute(f"DROP TABLE {made}")
