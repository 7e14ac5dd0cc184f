"""Bulk load: made-up listings into an empty database by binary COPY, indexes built afterwards.

Row by row the vector index costs ten times what it costs when it is built once over the loaded rows, in memory
(`maintenance_work_mem`) and by several processes; the others gain less, but gain.
"""

import os
import re
import struct
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import partial
from typing import Any, TypeAlias

import numpy as np
from django.db import connection

from benchmarks.corpus import LANGUAGES
from benchmarks.generator import AT, OWNERS, Generator, Made
from transferase.catalogue.models import Access, Listing, ListingText
from transferase.directory.models import Organisation, OrganisationName
from transferase.engine.ranking import Role, unit
from transferase.matching._editions import words_version
from transferase.matching.models import TERM_SPACE, Edition, LanguageMean, ListingIndex, TermFrequency

HEADER = b"PGCOPY\n\xff\r\n\0" + struct.pack(">II", 0, 0)
EPOCH = datetime(2000, 1, 1, tzinfo=AT.tzinfo)
NULL = struct.pack(">i", -1)
VARCHAR = 1043
# Means and mean lengths are those of so many listings of each direction, as if they had come first.
FIRST = 9000
TOLD_EVERY = 50_000
TABLES = ("matching_listingindex", "catalogue_listingtext", "catalogue_listing")
MEMORY = os.environ.get("TRANSFERASE_BENCH_MEMORY", "3GB")

# Mean lengths by direction and language, mean vectors by language and role.
Known: TypeAlias = tuple[Mapping[tuple[str, str], float], Mapping[tuple[str, str], np.ndarray]]

# ---------------------------------------------------------------- values as the server reads them


def _halves(vector: np.ndarray) -> bytes:
    return struct.pack(">hh", len(vector), 0) + vector.astype(">f2").tobytes()


def _sparse(pair: tuple[np.ndarray, np.ndarray]) -> bytes:
    ids, values = pair
    head = struct.pack(">iii", TERM_SPACE, len(ids), 0)
    return head + ids.astype(">i4").tobytes() + values.astype(">f4").tobytes()


def _moment(at: datetime) -> bytes:
    return struct.pack(">q", (at - EPOCH) // timedelta(microseconds=1))


def _array(items: Sequence[str]) -> bytes:
    if not items:
        return struct.pack(">iii", 0, 0, VARCHAR)
    said = [item.encode() for item in items]
    head = struct.pack(">iiiii", 1, 0, VARCHAR, len(said), 1)
    return head + b"".join(struct.pack(">i", len(item)) + item for item in said)


def _packed(form: str) -> Callable[[Any], bytes]:
    return partial(struct.pack, form)


WRITTEN: Mapping[str, Callable[[Any], bytes]] = {
    "uuid": lambda value: value.bytes,
    "text": lambda value: value.encode(),
    "varchar": lambda value: value.encode(),
    "bool": lambda value: b"\1" if value else b"\0",
    "int2": _packed(">h"),
    "int4": _packed(">i"),
    "int8": _packed(">q"),
    "float8": _packed(">d"),
    "timestamptz": _moment,
    "_varchar": _array,
    "tsvector": lambda value: value,
    "halfvec": _halves,
    "sparsevec": _sparse,
}


class Table:
    """Rows on their way into a table: some columns vary, the others hold what the model holds by default."""

    def __init__(self, of: type[Any], varying: Sequence[str]) -> None:
        self.name = of._meta.db_table
        with connection.cursor() as cursor:
            cursor.execute(
                """SELECT a.attname, t.typname FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
                WHERE a.attrelid = %s::regclass AND a.attnum > 0 AND NOT a.attisdropped
                  AND a.attidentity = '' AND a.attgenerated = ''""",
                [self.name],
            )
            types = dict(cursor.fetchall())
        fixed = {
            field.column: field.get_db_prep_save(field.get_default(), connection)
            for field in of._meta.concrete_fields
            if field.column in types and field.column not in varying
        }
        self.columns = [*varying, *fixed]
        self.writers = [WRITTEN[types[column]] for column in varying]
        tail = b"".join(
            NULL if value is None else _field(WRITTEN[types[column]](value)) for column, value in fixed.items()
        )
        self._head = struct.pack(">h", len(self.columns))
        self._tail = tail

    def row(self, values: Sequence[Any]) -> bytes:
        """One row as COPY reads it."""
        told = [
            NULL if value is None else _field(write(value)) for write, value in zip(self.writers, values, strict=True)
        ]
        return b"".join([self._head, *told, self._tail])

    @contextmanager
    def copying(self, cursor: Any) -> Iterator[Any]:
        """A COPY that rows are written to."""
        named = ", ".join(f'"{column}"' for column in self.columns)
        with cursor.copy(f"COPY {self.name} ({named}) FROM STDIN (FORMAT BINARY)") as copy:
            copy.write(HEADER)
            yield copy
            copy.write(struct.pack(">h", -1))


def _field(value: bytes) -> bytes:
    return struct.pack(">i", len(value)) + value


# ---------------------------------------------------------------- the load


@contextmanager
def timed(into: dict[str, Any], name: str) -> Iterator[None]:
    """Notes the wall seconds of a step and tells them."""
    started = time.perf_counter()
    yield
    into[name] = round(time.perf_counter() - started, 1)
    print(f"  {name}: {into[name]} s", file=sys.stderr, flush=True)


def load(generator: Generator, offers: int, needs: int) -> dict[str, Any]:
    """Fill an empty database; says how long each step took."""
    figures: dict[str, Any] = {"offers": offers, "needs": needs}
    owners = _owners()
    with timed(figures, "means"):
        lengths = _means(generator)
    means = {(row.language, row.role): np.asarray(row.vector, np.float32) for row in LanguageMean.objects.all()}
    with _indexes_later(figures):
        counts: dict[tuple[str, str], tuple[int, int, np.ndarray]] = {}
        with timed(figures, "rows"):
            for direction, count in (("offer", offers), ("need", needs)):
                for start, batch in _batches(generator.stream(direction, count)):
                    _copy(generator, batch, owners, (lengths, means), counts)
                    if start % TOLD_EVERY < len(batch):
                        print(f"  {direction}: {start} of {count}", file=sys.stderr, flush=True)
        with timed(figures, "words_counted"):
            _count_words(generator, counts)
    with timed(figures, "vacuum"), connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT relname, pg_total_relation_size(oid) FROM pg_class WHERE relname = ANY(%s)
            UNION ALL SELECT relname, pg_relation_size(oid) FROM pg_class WHERE relname LIKE 'listing_index%%'""",
            [list(TABLES)],
        )
        figures["megabytes"] = {name: round(size / 2**20) for name, size in cursor.fetchall()}
    return figures


def _batches(stream: Iterable[Made], size: int = 5000) -> Iterator[tuple[int, list[Made]]]:
    batch: list[Made] = []
    start = 0
    for made in stream:
        batch.append(made)
        if len(batch) == size:
            yield start, batch
            start, batch = start + size, []
    if batch:
        yield start, batch


def _owners() -> list[tuple[int, str]]:
    """The owners: number and country."""
    countries = ["KR", "CN", "US", "KR", "CN", "DE", "VN", "SG"]
    made = Organisation.objects.bulk_create(
        Organisation(
            kind="university" if n % 3 else "company_small", country=countries[n % len(countries)], verified_at=AT
        )
        for n in range(OWNERS)
    )
    OrganisationName.objects.bulk_create(
        OrganisationName(organisation=owner, language="en", name=f"Made-up owner {owner.pk}", is_original=True)
        for owner in made
    )
    return [(owner.pk, owner.country) for owner in made]


def _means(generator: Generator) -> dict[tuple[str, str], float]:
    """Means and mean lengths as the platform would have made them of its first listings."""
    lengths = {}
    rows = []
    for direction, role in (("offer", Role.PASSAGE), ("need", Role.QUERY)):
        found: dict[str, list[Made]] = {language: [] for language in LANGUAGES}
        for made in generator.stream(direction, FIRST, seed=1):
            found[made.language].append(made)
        for language, listings in found.items():
            lengths[direction, language] = float(np.mean([made.counts.sum() for made in listings]))
            vector = np.mean([made.vectors[0] for made in listings], axis=0)
            rows.append((language, role, len(listings), lengths[direction, language], vector))
            if role is Role.PASSAGE:
                rows.append((language, Role.SENTENCE, len(listings), 0.0, generator.corpus.vectors.mean(0)))
    LanguageMean.objects.bulk_create(
        LanguageMean(
            language=language, role=role, version=1, model_version=generator.model_version, texts=texts, vectors=texts,
            average_length=length, vector=vector,
        )
        for language, role, texts, length, vector in rows
    )  # fmt: skip
    Edition.objects.create(
        number=1, state=Edition.State.RUNNING, model_version=generator.model_version, dimension=len(rows[0][-1]),
        means_version=1, words_version=words_version(), started_at=AT, switched_at=AT,
    )  # fmt: skip
    return lengths


_LISTING = (
    "id", "direction", "state", "owner_id", "is_anonymous", "original_language", "country", "trl_low", "trl_high",
    "transfer_modes", "created_at", "revised_at", "published_at", "confirmed_at", "visible_until",
)  # fmt: skip
_TEXT = ("listing_id", "language", "tier", "origin", "title", "summary")
_INDEX = (
    "listing_id", "language", "tier", "part", "direction", "is_lead", "is_quotable", "original_language", "owner_id",
    "is_anonymous", "country", "is_open", "visible_until", "trl_low", "trl_high", "transfer_modes", "ipc", "fields",
    "lexemes", "words", "asked", "attainable", "length", "raw", "centred", "model_version", "means_version",
    "text_digest",
)  # fmt: skip


def _copy(
    generator: Generator,
    batch: Sequence[Made],
    owners: Sequence[tuple[int, str]],
    known: Known,
    counts: dict[tuple[str, str], tuple[int, int, np.ndarray]],
) -> None:
    listings, texts, index = Table(Listing, _LISTING), Table(ListingText, _TEXT), Table(ListingIndex, _INDEX)
    lexemes = _lexemes_of(generator)
    with connection.cursor() as cursor:
        with listings.copying(cursor) as copy:
            for made in batch:
                low, high = made.trl or (None, None)
                copy.write(listings.row((
                    made.id, made.direction, made.state, owners[made.owner][0], made.is_anonymous, made.language,
                    made.country, low, high, made.modes, made.published_at, made.published_at, made.published_at,
                    made.published_at, made.visible_until,
                )))  # fmt: skip
        with texts.copying(cursor) as copy:
            for made in batch:
                for tier in filter(None, ("public", made.second_tier)):
                    title = generator.corpus.texts[made.title_unit][:300]
                    said = generator.text(made.units, made.language)
                    copy.write(texts.row((made.id, made.language, tier, "original", title, said)))
        with index.copying(cursor) as copy:
            for made in batch:
                for row in _index_rows(generator, made, owners[made.owner][0], known, lexemes):
                    copy.write(index.row(row))
    granted = [
        Access(listing_id=made.id, organisation_id=owners[n % OWNERS][0], tier="introduced", starts_at=AT)
        for n, made in enumerate(batch)
        if made.second_tier == "introduced"
    ]
    Access.objects.bulk_create(granted)
    for made in batch:
        if made.state == "published":
            key = (made.direction, made.language)
            held, length, frequency = counts.get(key) or (0, 0, np.zeros(len(generator.corpus.terms), np.int64))
            frequency[made.terms] += 1
            counts[key] = (held + 1, length + int(made.counts.sum()), frequency)


def _lexemes_of(generator: Generator) -> list[bytes]:
    held: list[bytes] | None = getattr(generator, "lexemes", None)
    if held is None:
        held = [term.encode() + b"\0\0\0" for term in generator.corpus.terms]
        generator.lexemes = held  # type: ignore[attr-defined]
    return held


_NOTHING = (np.empty(0, np.int64), np.empty(0))
_NO_LEXEMES = struct.pack(">i", 0)


def _index_rows(
    generator: Generator,
    made: Made,
    owner: int,
    known: Known,
    lexemes: Sequence[bytes],
) -> Iterator[tuple[Any, ...]]:
    lengths, means = known
    role = Role.QUERY if made.direction == "need" else Role.PASSAGE
    ids, values = generator.weights(made, lengths[made.direction, made.language])
    asked = attainable = None
    if role is Role.QUERY:
        _, places = np.unique(generator.corpus.term_ids[made.terms], return_inverse=True)
        asked = (ids, np.bincount(places, np.sqrt(made.counts)))
        attainable = 4.0 * len(ids)
    said = struct.pack(">i", len(made.terms)) + b"".join([lexemes[n] for n in made.terms.tolist()])
    low, high = made.trl or (None, None)
    mean = means[made.language, role]
    for tier in filter(None, ("public", made.second_tier)):
        for part, raw in enumerate(made.vectors):
            is_whole = part == 0
            yield (
                made.id, made.language, tier, part, made.direction, is_whole and tier == "public", True,
                made.language, owner, made.is_anonymous, made.country, made.state == "published",
                made.visible_until, low, high, made.modes, made.ipc, made.fields,
                said if is_whole else _NO_LEXEMES, (ids, values) if is_whole else _NOTHING,
                asked if is_whole else None, attainable or 0.0, int(made.counts.sum()) if is_whole else 0, raw,
                unit(raw - mean), generator.model_version, 1, "",
            )  # fmt: skip


def _count_words(generator: Generator, counts: Mapping[tuple[str, str], tuple[int, int, np.ndarray]]) -> None:
    table = Table(TermFrequency, ("direction", "language", "term", "listings", "length"))
    with connection.cursor() as cursor, table.copying(cursor) as copy:
        for (direction, language), (held, length, frequency) in counts.items():
            copy.write(table.row((direction, language, "", held, length)))
            for number in np.flatnonzero(frequency):
                copy.write(
                    table.row((direction, language, generator.corpus.terms[number][:200], int(frequency[number]), 0))
                )


@contextmanager
def _indexes_later(figures: dict[str, Any]) -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT c.relname, pg_get_indexdef(i.indexrelid) FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
            WHERE i.indrelid::regclass::text = ANY(%s) AND NOT i.indisunique""",
            [["matching_listingindex", "matching_termfrequency", "catalogue_listing", "catalogue_access"]],
        )
        definitions = dict(cursor.fetchall())
        for name in definitions:
            cursor.execute(f'DROP INDEX "{name}"')
    yield
    figures["indexes"] = {}
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('maintenance_work_mem', %s, false)", [MEMORY])
        cursor.execute(f"SET max_parallel_maintenance_workers = {max(1, (os.cpu_count() or 2) - 1)}")
        # The vector indexes last: whatever else is wrong shows first.
        for name, definition in sorted(definitions.items(), key=lambda item: "hnsw" in item[1]):
            with timed(figures["indexes"], re.sub(r"_[0-9a-f]{8}.*", "", name)):
                cursor.execute(definition)
