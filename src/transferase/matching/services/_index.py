"""Keeping the rows of listings in step with what they say: one listing or many, in the running edition or the next."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.db import connection

from transferase.directory.rules import Permission, require
from transferase.foundation.ledger import record, service
from transferase.matching import _editions as editions
from transferase.matching import _indexing as indexing
from transferase.matching import _model as model
from transferase.matching import _statistics as statistics
from transferase.matching.models import ListingIndex, Match

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import datetime
    from uuid import UUID

    from transferase.catalogue.models import Listing
    from transferase.directory.models import Person
    from transferase.foundation.ledger import System
    from transferase.matching._editions import Standing, Tables
    from transferase.matching._statistics import Statistics

BATCH: Final = 128


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
    edition = editions.running()
    indexing.embed(entries, edition, with_sentences=True)
    _lock(listing_ids)
    editions.hold(edition)
    indexing.write_sentences({entry.listing.pk for entry in entries}, entries, edition)
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


def _index(actor: Person | System, listing_ids: Sequence[UUID], at: datetime, *, with_quotes: bool = True) -> int:
    require(actor, Permission.MATCHING_INDEX_WRITE)
    now = statistics.current()
    listings = indexing.read(listing_ids)
    unchanged = _in_step(listings, now.edition, editions.RUNNING)
    changed = [listing for listing in listings if listing.pk not in unchanged]
    entries = indexing.entries_of(changed)
    indexing.embed(entries, now.edition, with_sentences=with_quotes)
    _lock(listing_ids)
    editions.hold(now.edition)
    ids = set(listing_ids)
    before = statistics.counted_terms(ids)
    over = ids - {listing.pk for listing in listings}
    _remove(over, editions.RUNNING)
    Match.objects.filter(need_id__in=over).delete()
    Match.objects.filter(offer_id__in=over).delete()
    _set_reach([listing for listing in listings if listing.pk in unchanged], editions.RUNNING)
    indexing.write([listing.pk for listing in changed], entries, now)
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


def index_into(listing_ids: Sequence[UUID], now: Statistics, tables: Tables) -> bool:
    """Bring the rows of some listings in an edition that is being built in step with what they say.

    Says whether the model gave all vectors; if it did not, and it is not the running one, nothing is written.
    """
    listings = indexing.read(listing_ids)
    unchanged = _in_step(listings, now.edition, tables)
    changed = [listing for listing in listings if listing.pk not in unchanged]
    entries = indexing.entries_of(changed)
    indexing.embed(entries, now.edition, with_sentences=True)
    is_whole = all(entry.is_quotable and (entry.vectors or not entry.parts) for entry in entries)
    if not is_whole and now.model_version != editions.running().model_version:
        return False
    _remove(set(listing_ids) - {listing.pk for listing in listings}, tables)
    _set_reach([listing for listing in listings if listing.pk in unchanged], tables)
    indexing.write([listing.pk for listing in changed], entries, now, tables)
    return True


def _lock(listing_ids: Iterable[UUID]) -> None:
    # Two workers may index the same listing at the same time; in one order, so that they cannot wait for each other.
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended(id, 0)) FROM unnest(%s::text[]) AS id ORDER BY id",
            [sorted(str(listing_id) for listing_id in listing_ids)],
        )


def _in_step(listings: Sequence[Listing], edition: Standing, tables: Tables) -> set[UUID]:
    """The listings whose words and vectors are those of their current version: only reach may have changed."""
    versions = {listing.pk: listing.version for listing in listings}
    has_model = model.embedder(edition) is not None
    rows: dict[UUID, bool] = {}
    with connection.cursor() as cursor:
        cursor.execute(
            f"""SELECT listing_id, listing_version, model_version, is_machine_made FROM {tables.index}
            WHERE listing_id = ANY(%s)""",  # noqa: S608 - a constant
            [list(versions)],
        )
        for listing_id, version, of_model, is_machine_made in cursor.fetchall():
            is_embedded = is_machine_made or of_model == edition.model_version or (not of_model and not has_model)
            rows[listing_id] = rows.get(listing_id, True) and version == versions[listing_id] and is_embedded
    return {listing_id for listing_id, is_in_step in rows.items() if is_in_step}


def _set_reach(listings: Iterable[Listing], tables: Tables) -> None:
    with connection.cursor() as cursor:
        for listing in listings:
            cursor.execute(
                f"""UPDATE "{tables.index}" SET is_open = %s, visible_until = %s, owner_id = %s, is_anonymous = %s
                WHERE listing_id = %s""",  # noqa: S608 - a constant
                [
                    indexing.is_open(listing), listing.visible_until, listing.owner_id, listing.is_anonymous,
                    listing.pk,
                ],
            )  # fmt: skip


def _remove(listing_ids: Iterable[UUID], tables: Tables) -> None:
    ids = list(listing_ids)
    if not ids:
        return
    with connection.cursor() as cursor:
        cursor.execute(f'DELETE FROM "{tables.index}" WHERE listing_id = ANY(%s)', [ids])  # noqa: S608 - a constant
        if editions.exists(tables.sentences):
            cursor.execute(f'DELETE FROM "{tables.sentences}" WHERE listing_id = ANY(%s)', [ids])  # noqa: S608
