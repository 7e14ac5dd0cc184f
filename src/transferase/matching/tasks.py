"""Work of matching that is done later: indexing and proposing after a change, and what a stopped run left over.

Much work is cut into blocks, a job each, that any worker takes; what a person waits for goes before them.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final
from uuid import UUID

from django.utils import timezone

from transferase.foundation.ledger import SYSTEM
from transferase.foundation.queue import enqueue, periodic, task
from transferase.matching import _indexing as indexing
from transferase.matching import queries, services

if TYPE_CHECKING:
    from collections.abc import Sequence

INDEX_QUEUE = "matching"
# So many listings at once are work of a day, of which the other side hears; more are a load.
FEW = 100
# An edition of so many listings is filled by the job that began it.
SMALL_EDITION = 2000
BLOCK: Final = 128
NEEDS_BLOCK: Final = 1000
BEHIND: Final = -10  # blocks of a load
LAST: Final = -20  # what closes a load


@task("matching.index", queue=INDEX_QUEUE)
def index(*, listing_id: str) -> None:
    """Index a listing, then let its matches and the means follow."""
    services.index_listing(actor=SYSTEM, listing_id=UUID(listing_id), at=timezone.now())
    enqueue("matching.propose", queueing_lock=f"matching.propose:{listing_id}", listing_id=listing_id)
    enqueue("matching.renew", queueing_lock="matching.renew")


@task("matching.propose", queue=INDEX_QUEUE)
def propose(*, listing_id: str) -> None:
    """Find the matches of a listing anew."""
    services.propose(actor=SYSTEM, listing_id=UUID(listing_id), at=timezone.now())


@task("matching.renew", queue=INDEX_QUEUE)
def renew() -> None:
    """Begin another edition of the index when model, words or, by a fifth more texts, means have changed; go on."""
    at = timezone.now()
    services.begin_model(actor=SYSTEM, at=at)
    services.begin_means(actor=SYSTEM, at=at)
    _advance(at)


@task("matching.fill", queue=INDEX_QUEUE)
def fill(*, number: int, listing_ids: Sequence[str]) -> None:
    """Take a block of listings over into the edition that is being built; while its model is silent, no further one."""
    at = timezone.now()
    if services.fill_batch(actor=SYSTEM, number=number, listing_ids=[UUID(i) for i in listing_ids], at=at):
        enqueue("matching.finish", queueing_lock="matching.finish", priority=LAST)


@task("matching.finish", queue=INDEX_QUEUE)
def finish() -> None:
    """Switch to the edition that was built if it is whole, else give out what is left of it; then match anew."""
    _advance(timezone.now())


def _advance(at: datetime) -> None:
    """Go on with an edition that is being built: here if little is left, else in blocks for all workers."""
    edition = queries.edition_progress()
    if edition is None:
        return
    left = queries.edition_left()
    if len(left) <= (SMALL_EDITION if edition.is_copied else FEW):
        if services.build(actor=SYSTEM, at=at):
            _match_anew(at, services.Telling.LATER)
        return
    for start in range(0, len(left), BLOCK):
        block = [str(listing) for listing in left[start : start + BLOCK]]
        lock = f"matching.fill:{edition.number}:{block[0]}"
        enqueue("matching.fill", queueing_lock=lock, priority=BEHIND, number=edition.number, listing_ids=block)


@task("matching.rebuild", queue=INDEX_QUEUE)
def rebuild() -> None:
    """Index everything that is missing or stale, then find its matches; of a whole load of listings nobody is told."""
    at = timezone.now()
    changed = indexing.stale()
    if len(changed) > FEW:
        for start in range(0, len(changed), BLOCK):
            block = [str(listing) for listing in changed[start : start + BLOCK]]
            lock = f"matching.take_in:{block[0]}"
            enqueue("matching.take_in", queueing_lock=lock, priority=BEHIND, listing_ids=block)
        return
    if changed:
        services.rebuild(actor=SYSTEM, at=at, renews=False)
        for listing_id in changed:
            services.propose(actor=SYSTEM, listing_id=listing_id, at=at)
    renew()


@task("matching.take_in", queue=INDEX_QUEUE)
def take_in(*, listing_ids: Sequence[str]) -> None:
    """Index a block of a load of listings; their sentences follow when all can be found."""
    ids = [UUID(listing) for listing in listing_ids]
    services.index_batch(actor=SYSTEM, listing_ids=ids, at=timezone.now(), with_quotes=False)
    enqueue("matching.settle", queueing_lock="matching.settle", priority=LAST)


@task("matching.settle", queue=INDEX_QUEUE)
def settle() -> None:
    """When the last block of a load is indexed: new means, all matches, then the sentences that reasons quote."""
    at = timezone.now()
    if len(indexing.stale()) > FEW:
        return  # another worker is at the rest, and settles when it is done
    renew()
    _match_anew(at, services.Telling.NEVER)
    enqueue("matching.quote", queueing_lock="matching.quote", priority=LAST)


def _match_anew(at: datetime, telling: services.Telling) -> None:
    """Find all matches anew: here if there are few needs, else in blocks for all workers."""
    waiting = queries.to_match_anew(at)
    if len(waiting) <= FEW:
        services.propose_block(actor=SYSTEM, listing_ids=waiting, at=at, telling=telling)
        return
    for start in range(0, len(waiting), NEEDS_BLOCK):
        block = [str(listing) for listing in waiting[start : start + NEEDS_BLOCK]]
        lock = f"matching.rematch:{block[0]}"
        enqueue("matching.rematch", queueing_lock=lock, priority=BEHIND, listing_ids=block, telling=str(telling))


@task("matching.rematch", queue=INDEX_QUEUE)
def rematch(*, listing_ids: Sequence[str], telling: str) -> None:
    """Find the matches of a block of needs anew."""
    ids = [UUID(listing) for listing in listing_ids]
    told = services.Telling(telling)
    services.propose_block(actor=SYSTEM, listing_ids=ids, at=timezone.now(), telling=told)


@task("matching.quote", queue=INDEX_QUEUE)
def quote() -> None:
    """Embed the sentences of what came in bulk; then the reasons of every match are found anew."""
    at = timezone.now()
    if services.quote_all(actor=SYSTEM, at=at):
        _match_anew(at, services.Telling.LATER)


@task("matching.reweigh", queue=INDEX_QUEUE)
def reweigh() -> None:
    """Score every match anew after other weights came into force; nothing is embedded again."""
    _match_anew(timezone.now(), services.Telling.LATER)


@periodic("matching.sweep", cron="*/10 * * * *", queue=INDEX_QUEUE)
def sweep(timestamp: int) -> None:
    """Take up what a stopped import or a lost job left out, and rights that began or ended by the clock alone."""
    rebuild()
    for listing in queries.rights_changed(timezone.now()):
        enqueue("matching.propose", queueing_lock=f"matching.propose:{listing}", listing_id=str(listing))


@periodic("matching.write_digests", cron="*/15 * * * *", queue="mail")
def write_digests(timestamp: int) -> None:
    """See to it that the letters of the day or week that are due are written, each by a job of its own."""
    for person in queries.readers_due(datetime.fromtimestamp(timestamp, UTC)):
        enqueue("matching.write_digest", queueing_lock=f"matching.write_digest:{person}", person_id=person)


@task("matching.write_digest", queue="mail")
def write_digest(*, person_id: int) -> None:
    """Write the letter of one person."""
    person = queries.reader_with(person_id)
    if person is not None:
        services.write_digest(actor=SYSTEM, person=person, at=timezone.now())


@periodic("matching.forget_letters", cron="41 3 * * *", queue="mail")
def forget_letters(timestamp: int) -> None:
    """Delete letters that are too old to matter."""
    services.forget_letters(actor=SYSTEM, at=datetime.fromtimestamp(timestamp, UTC))
