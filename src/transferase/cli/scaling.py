"""More than one machine for the derived tables: what `transferase scale-out` asks Citus for.

Distributed are only the tables that can be made again at any time: rows of the index, sentences, matches. Everything
else stays on the coordinator, so a permission and what is found by it stand in one transaction as before.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import click
from django.db import DatabaseError, connection, transaction

from transferase.cli.speaking import Unable, answer
from transferase.foundation import replicas

# Tables and the column that says on which server a row stands; sentences stand with the rows of their listing.
TABLES: Final[Mapping[str, str]] = {
    "matching_listingindex": "listing_id",
    "matching_sentence": "listing_id",
    "matching_match": "need_id",
}
TOGETHER: Final[Mapping[str, str]] = {"matching_sentence": "matching_listingindex"}
# Several for each core of the workers: a query asks all of them at once, and they can be moved one by one later.
SHARDS: Final = 8
HAS_CITUS: Final = "SELECT EXISTS (SELECT FROM pg_extension WHERE extname = 'citus')"
MISSING: Final = (
    "The extension citus is not active in this database: install it on the server, name it in"
    " shared_preload_libraries, and run CREATE EXTENSION citus; as a superuser (docs/how-to/scale-out.md)."
)
UNPREPARED: Final = "Citus knows no worker: register each with SELECT citus_add_node('host', 5432);"


@dataclass(frozen=True)
class Standing:
    """How the tables stand: whether Citus is there, how many workers it has, and the shards of each spread table."""

    has_citus: bool
    workers: int = 0
    shards: Mapping[str, int] | None = None

    @property
    def spread(self) -> Mapping[str, int]:
        return self.shards or {}

    def as_json(self) -> dict[str, Any]:
        """What `--json` prints."""
        return {
            "citus": self.has_citus,
            "workers": self.workers,
            "tables": [{"table": table, "shards": self.spread.get(table, 0)} for table in TABLES],
        }


def standing() -> Standing:
    """How the tables stand now."""
    with connection.cursor() as cursor:
        cursor.execute(HAS_CITUS)
        if not cursor.fetchone()[0]:
            return Standing(has_citus=False)
        cursor.execute("SELECT count(*) FROM pg_dist_node WHERE isactive AND shouldhaveshards")
        workers = cursor.fetchone()[0]
        cursor.execute(
            """SELECT p.logicalrelid::regclass::text, count(s.shardid) FROM pg_dist_partition p
            LEFT JOIN pg_dist_shard s ON s.logicalrelid = p.logicalrelid
            WHERE p.partmethod = 'h' GROUP BY 1"""
        )
        return Standing(has_citus=True, workers=workers, shards=dict(cursor.fetchall()))


def to_distribute(now: Standing, shards: int = SHARDS) -> list[str]:
    """The statements that spread what is not spread yet."""
    statements = []
    for table, column in TABLES.items():
        if table in now.spread:
            continue
        with_ = TOGETHER.get(table)
        where = f"colocate_with => '{with_}'" if with_ else f"shard_count => {int(shards)}, colocate_with => 'none'"
        statements.append(f"SELECT create_distributed_table('{table}', '{column}', {where})")
    return statements


def to_undo(now: Standing) -> list[str]:
    """The statements that bring every spread table back to the coordinator, those that lean on others first."""
    return [f"SELECT undistribute_table('{table}')" for table in reversed(list(TABLES)) if table in now.spread]


def distribute(*, shards: int = SHARDS, is_dry: bool = False) -> list[str]:
    """Spread the derived tables over the workers that Citus knows; says which statements were, or would be, run."""
    now = _required()
    if not now.workers:
        raise Unable(UNPREPARED, status=1)
    return _run(to_distribute(now, shards), is_dry=is_dry)


def undo(*, is_dry: bool = False) -> list[str]:
    """Bring the derived tables back to one server; says which statements were, or would be, run."""
    return _run(to_undo(_required()), is_dry=is_dry)


def _required() -> Standing:
    now = standing()
    if not now.has_citus:
        raise Unable(MISSING, status=1)
    return now


def _run(statements: Sequence[str], *, is_dry: bool) -> list[str]:
    if not is_dry:
        try:
            # Each table moves in a transaction of its own: what was moved stays moved, and a second run goes on.
            for statement in statements:
                with transaction.atomic(), connection.cursor() as cursor:
                    cursor.execute(statement)
        except DatabaseError as error:
            told = (str(error).strip().splitlines() or ["no reason given"])[0]
            raise Unable(f"Citus refused: {told}. What was moved before stays; run it again.", status=1) from error
    return list(statements)


# ---------------------------------------------------------------- what is told


def report(statements: Sequence[str], *, is_dry: bool, as_json: bool) -> None:
    """Print what was run, or would be."""
    if as_json:
        answer({"statements": list(statements), "dry_run": is_dry})
        return
    for statement in statements:
        click.echo(f"{statement};")
    if not statements:
        click.echo("Nothing to do.")


def print_status(*, as_json: bool) -> None:
    """Print how the replicas and the derived tables stand."""
    now, copies = standing(), replicas.status()
    if as_json:
        told = [
            {"name": copy.alias, "is_used": copy.is_usable, "seconds_behind": copy.lag, "trouble": copy.trouble}
            for copy in copies
        ]
        answer({"replicas": told, **now.as_json()})
        return
    for copy in copies:
        behind = copy.trouble if copy.lag is None else f"{copy.lag:.1f} s behind"
        click.echo(f"{copy.alias}: {'used' if copy.is_usable else 'not used'}, {behind}")
    if not copies:
        click.echo("No replica is configured (DATABASE_REPLICA_URLS).")
    if not now.has_citus:
        click.echo("Citus is not active: the derived tables stand on this server.")
        return
    click.echo(f"Citus knows {now.workers} workers.")
    for table in TABLES:
        shards = now.spread.get(table, 0)
        click.echo(f"{table}: {f'{shards} shards' if shards else 'on this server'}")
