"""Work of matching that is done later: indexing and proposing after a change, and what a stopped run left over."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

from django.utils import timezone

from transferase.foundation.ledger import SYSTEM
from transferase.foundation.queue import enqueue, periodic, task
from transferase.matching import _indexing as indexing
from transferase.matching import queries, services

INDEX_QUEUE = "matching"
# So many listings at once are work of a day, of which the other side hears; more are a load.
FEW = 100


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
    """Renew the means when the texts have grown by a fifth; then every match is found anew."""
    at = timezone.now()
    if services.renew_means(actor=SYSTEM, at=at):
        services.propose_all(actor=SYSTEM, at=at, telling=services.Telling.LATER)


@task("matching.rebuild", queue=INDEX_QUEUE)
def rebuild() -> None:
    """Index everything that is missing or stale, then find its matches; of a whole load of listings nobody is told."""
    at = timezone.now()
    changed = indexing.stale()
    if not changed:
        return
    before = queries.status().means_version
    services.rebuild(actor=SYSTEM, at=at, with_quotes=len(changed) <= FEW)
    if len(changed) > FEW:
        services.propose_all(actor=SYSTEM, at=at)
        enqueue("matching.quote", queueing_lock="matching.quote")
        return
    if queries.status().means_version != before:
        services.propose_all(actor=SYSTEM, at=at, telling=services.Telling.LATER)
    for listing_id in changed:
        services.propose(actor=SYSTEM, listing_id=listing_id, at=at)


@task("matching.quote", queue=INDEX_QUEUE)
def quote() -> None:
    """Embed the sentences of what came in bulk; then the reasons of every match are found anew."""
    at = timezone.now()
    if services.quote_all(actor=SYSTEM, at=at):
        services.propose_all(actor=SYSTEM, at=at, telling=services.Telling.LATER)


@task("matching.reweigh", queue=INDEX_QUEUE)
def reweigh() -> None:
    """Score every match anew after other weights came into force; nothing is embedded again."""
    services.propose_all(actor=SYSTEM, at=timezone.now(), telling=services.Telling.LATER)


@periodic("matching.sweep", cron="*/10 * * * *", queue=INDEX_QUEUE)
def sweep(timestamp: int) -> None:
    """Take up what a stopped import or a lost job left out of the index."""
    rebuild()


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
