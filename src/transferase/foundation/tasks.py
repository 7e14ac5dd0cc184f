"""Jobs of the foundation: news is carried to followers, the ledger is sealed."""

from __future__ import annotations

from datetime import UTC, datetime

from django.db import transaction
from django.utils.module_loading import import_string

from transferase.foundation import housekeeping, ledger
from transferase.foundation.models import LedgerEntry
from transferase.foundation.queue import periodic, task


@task("foundation.deliver", queue="ledger")
def deliver(*, entry_id: int, follower: str) -> None:
    """Tell one follower of one entry, in a transaction of its own."""
    with transaction.atomic():
        import_string(follower)(LedgerEntry.objects.get(pk=entry_id))


@periodic("foundation.seal", cron="* * * * *", queue="ledger")
def seal(timestamp: int) -> None:
    """Chain what was written since the last minute."""
    while ledger.seal():
        pass


@periodic("foundation.tidy", cron="37 2 * * *")
def tidy(timestamp: int) -> None:
    """Drop what has had its day: sessions that ended, counters of past minutes, texts that nobody came back to."""
    housekeeping.tidy(at=datetime.fromtimestamp(timestamp, UTC))
