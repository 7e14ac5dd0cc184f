"""Rows as received and what was found in them, written by COPY."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Final

import orjson
from django.db import connection

from transferase.catalogue.models import Listing
from transferase.interchange.models import RawRecord, RowError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from django.db import models

    from transferase.foundation.errors import Problem
    from transferase.interchange._rows import Taken

# PostgreSQL keeps no NUL in a text; the picture of it stands for it in the record as received.
NUL_PICTURE: Final = "\u2400"


def raw_json(cells: Mapping[str, object]) -> str:
    """The cells of a row as JSON that PostgreSQL takes."""
    text = orjson.dumps(cells, default=str, option=orjson.OPT_NON_STR_KEYS).decode()
    return text.replace("\\u0000", NUL_PICTURE) if "\\u0000" in text else text


def write_records(run_id: int, taken: Sequence[Taken]) -> None:
    """Keep each row as it was received, tied to what it became."""
    rows = []
    for done in taken:
        text = done.row.received or raw_json(done.row.cells)
        digest = hashlib.sha256(text.encode()).hexdigest()
        identity = done.row.external_id[:200]
        rows.append((run_id, done.row.number, identity, text, digest, done.listing_id, done.organisation_id))
    columns = ("run_id", "row", "external_id", "received", "digest", "listing_id", "organisation_id")
    _copy(RawRecord, columns, rows)


def write_findings(run_id: int, taken: Sequence[Taken]) -> int:
    """Write why rows were not taken and what was not understood; says how many warnings there were."""
    rows: list[tuple[object, ...]] = []
    warned = 0
    for done in taken:
        if done.problem:
            rows.append(_finding(run_id, done.row.number, done.problem, is_warning=False))
        for warning in done.warnings:
            rows.append(_finding(run_id, done.row.number, warning, is_warning=True))
            warned += 1
    _copy(RowError, ("run_id", "row", "field", "code", "facts", "is_warning"), rows)
    return warned


def refresh_statistics() -> None:
    """Let the database look at how much an import filled, so that checks of keys do not scan tables that were small.

    It looks at the keys only: texts are long to read and tell the planner nothing.
    """
    with connection.cursor() as cursor:
        for model, columns in ((Listing, "id, owner_id, source, external_id"), (RawRecord, "id, run_id, listing_id")):
            cursor.execute(f"ANALYZE {connection.ops.quote_name(model._meta.db_table)} ({columns})")


def _finding(run_id: int, number: int, problem: Problem, *, is_warning: bool) -> tuple[object, ...]:
    facts = raw_json({name: _short(value) for name, value in problem.facts.items()})
    return (run_id, number, problem.field[:100], problem.code[:60], facts, is_warning)


def _short(value: Any) -> Any:
    return value[:200] if isinstance(value, str) else value


def _copy(model: type[models.Model], columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    text = "".join(["\t".join(map(_cell, row)) + "\n" for row in rows])
    if not text:
        return
    names = ", ".join(connection.ops.quote_name(name) for name in columns)
    statement = f"COPY {connection.ops.quote_name(model._meta.db_table)} ({names}) FROM STDIN"
    connection.ensure_connection()
    with connection.connection.cursor() as cursor, cursor.copy(statement) as copy:
        copy.write(text)


def _cell(value: object) -> str:
    """A value in the text form of COPY."""
    if value is None:
        return "\\N"
    text = str(value)
    if "\\" in text:
        text = text.replace("\\", "\\\\")
    return text.replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")
