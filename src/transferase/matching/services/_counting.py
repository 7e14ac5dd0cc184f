"""Counters of how often listings are found and opened: derived from visits, without persons and without entries."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import connection

from transferase.directory.rules import Permission, require
from transferase.foundation.ledger import service

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date, datetime
    from uuid import UUID

    from transferase.directory.models import Person
    from transferase.foundation.ledger import System


@service
def count_visits(*, actor: Person | System, visits: Mapping[tuple[UUID, date], tuple[int, int]], at: datetime) -> int:
    """Add what was counted, (found, opened) by listing and day, in one statement; says how many rows it touched.

    The counters are derived: they name nobody, and losing some would change no act.
    """
    require(actor, Permission.MATCHING_INDEX_WRITE)
    if not visits:
        return 0
    # In one order for everybody: two processes that count the same listings must not wait for each other.
    ordered = sorted(visits.items())
    columns = (
        [str(listing) for (listing, _), _ in ordered],
        [day for (_, day), _ in ordered],
        [found for _, (found, _) in ordered],
        [opened for _, (_, opened) in ordered],
    )
    with connection.cursor() as cursor:
        cursor.execute(
            """INSERT INTO "matching_listingday" AS d (listing_id, day, found, opened)
            SELECT v.* FROM unnest(%s::uuid[], %s::date[], %s::int[], %s::int[]) AS v (listing_id, day, found, opened)
            JOIN catalogue_listing l ON l.id = v.listing_id
            ORDER BY 1, 2
            ON CONFLICT (listing_id, day)
            DO UPDATE SET found = d.found + EXCLUDED.found, opened = d.opened + EXCLUDED.opened""",
            list(columns),
        )
        return int(cursor.rowcount)
