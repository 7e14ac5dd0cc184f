"""Batches of rows, understood before the database is asked; a large file keeps a second core busy with that."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Final

from transferase.catalogue.rules import as_json
from transferase.interchange import rules
from transferase.interchange._ahead import ahead, beside
from transferase.interchange._intake import ListingIntake, composed_rows
from transferase.interchange._reading import open_table
from transferase.interchange._rows import Composed
from transferase.interchange._writing import raw_json

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from transferase.interchange._drafts import ListingReader
    from transferase.interchange._intake import Intake
    from transferase.interchange._reading import Table
    from transferase.interchange.rules import Limits

# A smaller file is brought in before a second process, which takes a second or two to start, has paid for itself.
LARGE_BYTES: Final = 16 << 20


@dataclass(frozen=True)
class _Listings:
    """All that a process of its own has to know to read a file of offers or needs."""

    path: Path
    encoding: str | None
    limits: Limits
    reader: ListingReader
    keeps_drafts: bool

    def __call__(self) -> Iterator[list[Composed]]:
        table = open_table(self.path, encoding=self.encoding, limits=self.limits)
        for batch in batches(composed_rows(table, self.reader)):
            yield [self._laid_aside(row) for row in batch]

    def _laid_aside(self, row: Composed) -> Composed:
        """The row in the form in which it is written, which is all that the other process needs."""
        draft = as_json(row.draft) if self.keeps_drafts and row.draft else None
        received = raw_json(row.cells)
        return Composed(
            row.number, {}, row.external_id, draft, row.prepared, row.owner, row.problem, row.warnings, received
        )


def composed_batches(
    *, table: Table, intake: Intake, path: Path, encoding: str | None, limits: Limits
) -> AbstractContextManager[Iterator[list[Composed]]]:
    """The rows of a file, composed while the caller writes the batch before."""
    if isinstance(intake, ListingIntake) and path.stat().st_size >= LARGE_BYTES:
        return beside(_Listings(path, encoding, limits, intake.reader, intake.keeps_rights))
    return ahead(partial(_batches_of, table, intake))


def batches(rows: Iterator[Composed]) -> Iterator[list[Composed]]:
    """The rows, as many at a time as one transaction takes."""
    while batch := list(islice(rows, rules.BATCH)):
        yield batch


def _batches_of(table: Table, intake: Intake) -> Iterator[list[Composed]]:
    return batches(composed_rows(table, intake))
