"""What matching does when it hears of changes below and above."""

from __future__ import annotations

from typing import TYPE_CHECKING

from transferase.foundation.queue import enqueue

if TYPE_CHECKING:
    from transferase.foundation.models import LedgerEntry


def listing_changed(entry: LedgerEntry) -> None:
    """A listing says something else, or others may see it: index it and find its matches anew."""
    listing_id = entry.subject.rpartition(":")[2]
    enqueue("matching.index", queueing_lock=f"matching.index:{listing_id}", listing_id=listing_id)


def import_finished(entry: LedgerEntry) -> None:
    """Many listings came at once: index what is new and find all matches anew."""
    enqueue("matching.rebuild", queueing_lock="matching.rebuild")
