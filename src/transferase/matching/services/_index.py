"""Keeping the index: one listing, many, all that are stale, and the means that vectors are compared by."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple
from uuid import UUID

import numpy as np
from django.db import connection
from pgvector import SparseVector

from transferase.catalogue.models import Direction
from transferase.directory.rules import Permission, require
from transferase.engine.ranking import QueryKind, Role, document_weights, sparse, term_id
from transferase.foundation.ledger import record, service
from transferase.matching import _indexing as indexing
from transferase.matching import _model as model
from transferase.matching import _statistics as statistics
from transferase.matching._candidates import sparse_text, vector_text
from transferase.matching._texts import ROLES
from transferase.matching.models import ListingIndex, Match, Sentence

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import datetime

    from transferase.catalogue.models import Listing
    from transferase.directory.models import Person
    from transferase.foundation.ledger import System
    from transferase.matching._statistics import Statistics

BATCH: Final = 128
RECENTRED_BATCH: Final = 1000
# Any fixed number will do: it names the advisory lock that lets one process at a time make a version of the means.
MEANS_LOCK: Final = 7_205_315


@service
def index_listing(*, actor: Person | System, listing_id: UUID, at: datetime) -> int:
    """Bring the rows of one listing in step with what it says now, and say how many rows it has."""
    return _index(actor, [listing_id], at)


@service
def index_batch(*, actor: Person | System, listing_ids: Sequence[UUID], at: datetime, with_quotes: bool = True) -> int:
    """Bring the rows of some listings in step with what they say now, in one transaction; says how many they have.

    Without quotes their sentences are embedded later, by `quote_batch`.
    """
    return _index(actor, listing_ids, at, with_quotes=with_quotes)


@service
def quote_batch(*, actor: Person | System, listing_ids: Sequence[UUID], at: datetime) -> int:
    """Embed the sentences of some listings, so that reasons can quote them; says how many listings have them now."""
    require(actor, Permission.MATCHING_INDEX_WRITE)
    entries = indexing.entries_of(indexing.read(listing_ids), with_terms=False)
    indexing.embed(entries, with_sentences=True)
    _lock(listing_ids)
    indexing.write_sentences({entry.listing.pk for entry in entries}, entries)
    record(
        actor=actor,
        action="matching.index.quoted",
        subject="matching.Sentence",
        listings=len(listing_ids),
        at=at.isoformat(),
    )
    return ListingIndex.objects.filter(listing_id__in=listing_ids, is_lead=True, is_quotable=True).count()


def quote_all(*, actor: Person | System, at: datetime, progress: Callable[[int, int], None] | None = None) -> int:
    """Embed the sentences of every listing that lacks them, in batches, and say how many listings there were."""
    require(actor, Permission.MATCHING_INDEX_WRITE)
    if model.embedder() is None:
        return 0
    waiting = indexing.unquoted()
    for start in range(0, len(waiting), BATCH):
        batch = waiting[start : start + BATCH]
        quote_batch(actor=actor, listing_ids=batch, at=at)
        if progress is not None:
            progress(start + len(batch), len(waiting))
    return len(waiting)


def rebuild(
    *,
    actor: Person | System,
    at: datetime,
    progress: Callable[[int, int], None] | None = None,
    share: tuple[int, int] = (0, 1),
    with_quotes: bool = True,
    renews: bool = True,
) -> int:
    """Index every listing whose rows are missing or stale, in batches, and say how many there were.

    Each batch is a transaction of its own, so a run that was stopped goes on where it was. Several processes may take
    a `share` (n of m) each; the one with share 0 renews the means at the end when the texts have grown enough, unless
    whoever waits for all of them `renews` for all.
    Without quotes listings can be found in half the time; `quote_all` makes up for it.
    """
    require(actor, Permission.MATCHING_INDEX_WRITE)
    waiting = indexing.stale(share)
    for start in range(0, len(waiting), BATCH):
        batch = waiting[start : start + BATCH]
        index_batch(actor=actor, listing_ids=batch, at=at, with_quotes=with_quotes)
        if progress is not None:
            progress(start + len(batch), len(waiting))
    if renews and share[0] == 0:
        renew_means(actor=actor, at=at)
    return len(waiting)


def renew_means(*, actor: Person | System, at: datetime, is_forced: bool = False) -> int:
    """Make new means when the texts have grown by a fifth, and centre and weigh every row by them.

    Nothing is embedded again: the raw vectors are kept. Says how many rows were renewed.
    """
    require(actor, Permission.MATCHING_INDEX_WRITE)
    if is_forced or statistics.is_due(statistics.current(model.model_version()), model.model_version()):
        make_means(actor=actor, at=at, is_forced=is_forced)
    renewed = 0
    while batch := recentre_batch(actor=actor, at=at):
        renewed += batch
    return renewed


@service
def make_means(*, actor: Person | System, at: datetime, is_forced: bool = True) -> Statistics:
    """A new version of means, mean lengths and counts of words from the public texts as they are now.

    Unless forced, nothing is made when another process made one a moment ago.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [MEANS_LOCK])
    now = statistics.current(model.model_version())
    if not is_forced and not statistics.is_due(now, model.model_version()):
        return now
    statistics.count_all_terms()
    made = statistics.make_version(model.model_version())
    record(actor=actor, action="matching.means.renewed", subject="matching.LanguageMean", version=made.version)
    return made


@service
def recentre_batch(*, actor: Person | System, at: datetime, limit: int = RECENTRED_BATCH) -> int:
    """Centre and weigh some of the rows that were made with older means; says how many, 0 when all are done."""
    now = statistics.current(model.model_version())
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT listing_id, language, tier, part, direction, raw::text, words::text, length,
                      tsvector_to_array(lexemes), means_version, model_version
            FROM matching_listingindex WHERE means_version < %s
            ORDER BY listing_id, language, tier, part LIMIT %s FOR UPDATE SKIP LOCKED""",
            [now.version, limit],
        )
        rows = [_Row(*row) for row in cursor.fetchall()]
        if not rows:
            return 0
        changes = _renewed(rows, now)
        cursor.executemany(
            """UPDATE "matching_listingindex" SET centred = %s::halfvec, words = %s::sparsevec, attainable = %s,
                   means_version = %s WHERE (listing_id, language, tier, part) = (%s, %s, %s, %s)""",
            changes,
        )
    record(
        actor=actor,
        action="matching.index.recentred",
        subject="matching.ListingIndex",
        rows=len(rows),
        version=now.version,
        at=at.isoformat(),
    )
    return len(rows)


def _index(actor: Person | System, listing_ids: Sequence[UUID], at: datetime, *, with_quotes: bool = True) -> int:
    require(actor, Permission.MATCHING_INDEX_WRITE)
    listings = indexing.read(listing_ids)
    unchanged = _in_step(listings)
    changed = [listing for listing in listings if listing.pk not in unchanged]
    entries = indexing.entries_of(changed)
    indexing.embed(entries, with_sentences=with_quotes)
    _lock(listing_ids)
    ids = set(listing_ids)
    before = statistics.counted_terms(ids)
    _remove(ids - {listing.pk for listing in listings})
    _set_reach([listing for listing in listings if listing.pk in unchanged])
    indexing.write([listing.pk for listing in changed], entries, statistics.current(model.model_version()))
    statistics.count_terms(before, statistics.counted_terms(ids))
    rows = ListingIndex.objects.filter(listing_id__in=ids).count()
    record(
        actor=actor,
        action="matching.index.renewed",
        subject=f"catalogue.Listing:{listing_ids[0]}" if len(ids) == 1 else "matching.ListingIndex",
        listings=len(ids),
        embedded=len(changed),
        at=at.isoformat(),
    )
    return rows


def _lock(listing_ids: Iterable[UUID]) -> None:
    # Two workers may index the same listing at the same time; in one order, so that they cannot wait for each other.
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended(id, 0)) FROM unnest(%s::text[]) AS id ORDER BY id",
            [sorted(str(listing_id) for listing_id in listing_ids)],
        )


def _in_step(listings: Sequence[Listing]) -> set[UUID]:
    """The listings whose words and vectors are those of their current version: only reach may have changed."""
    versions = {listing.pk: listing.version for listing in listings}
    current = model.model_version()
    has_model = model.embedder() is not None
    rows: dict[UUID, bool] = {}
    for listing_id, version, of_model, is_machine_made in ListingIndex.objects.filter(
        listing_id__in=versions
    ).values_list("listing_id", "listing_version", "model_version", "is_machine_made"):
        is_embedded = is_machine_made or of_model == current or (not of_model and not has_model)
        rows[listing_id] = rows.get(listing_id, True) and version == versions[listing_id] and is_embedded
    return {listing_id for listing_id, is_in_step in rows.items() if is_in_step}


def _set_reach(listings: Iterable[Listing]) -> None:
    for listing in listings:
        ListingIndex.objects.filter(listing_id=listing.pk).update(
            is_open=indexing.is_open(listing),
            visible_until=listing.visible_until,
            owner_id=listing.owner_id,
            is_anonymous=listing.is_anonymous,
        )


def _remove(listing_ids: Iterable[UUID]) -> None:
    ids = list(listing_ids)
    if ids:
        ListingIndex.objects.filter(listing_id__in=ids).delete()
        Sentence.objects.filter(listing_id__in=ids).delete()
        Match.objects.filter(need_id__in=ids).delete()
        Match.objects.filter(offer_id__in=ids).delete()


class _Row(NamedTuple):
    """What a row keeps of its text: enough to weigh and centre it anew."""

    listing_id: UUID
    language: str
    tier: str
    part: int
    direction: str
    raw: str | None
    words: str
    length: int
    terms: list[str]
    means_version: int
    model_version: str


def _renewed(rows: Sequence[_Row], now: Statistics) -> list[tuple[Any, ...]]:
    """The changed columns of rows, from their raw vectors and the counts that their weights hold."""
    versions = {row.means_version for row in rows}
    former = {version: statistics.of_version(model.model_version(), version) for version in versions}
    asked: dict[str, set[str]] = {}
    for row in rows:
        if row.direction == Direction.NEED:
            asked.setdefault(row.language, set()).update(row.terms)
    lexicons = {
        language: statistics.lexicon(Direction.OFFER, language, terms, now) for language, terms in asked.items()
    }
    changes: list[tuple[Any, ...]] = []
    for row in rows:
        role = ROLES[Direction(row.direction)]
        said = _said(row, former[row.means_version].length(row.language, role))
        weights = sparse(document_weights(said, now.length(row.language, role))) if row.part == 0 else {}
        attainable = 0.0
        if role is Role.QUERY and row.part == 0:
            attainable = lexicons[row.language].attainable(said, QueryKind.NEED)
        centred = None
        if row.raw is not None and row.model_version == model.model_version():
            vector = np.array(row.raw.strip("[]").split(","), np.float32)
            centred = vector_text(now.centred(vector, row.language, role))
        key = (row.listing_id, row.language, row.tier, row.part)
        changes.append((centred, sparse_text(weights), attainable, now.version, *key))
    return changes


def _said(row: _Row, average_length: float) -> list[str]:
    """The terms of a text, each as often as it was said, from the weights that were made of them."""
    weights = SparseVector.from_text(row.words)
    held = dict(zip(weights.indices(), weights.values(), strict=True))
    counts = statistics.counts_in(held, row.length, average_length)
    return [term for term in row.terms for _ in range(counts.get(term_id(term), 0))]
