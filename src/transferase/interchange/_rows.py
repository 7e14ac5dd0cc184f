"""Rows between a file and the records: what was found in them and what became of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from transferase.catalogue.rules import LONGEST_CODE
from transferase.foundation.errors import Problem

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from transferase.catalogue.rules import Prepared
    from transferase.directory.models import Organisation, Person
    from transferase.foundation.ledger import System

CREATED: Final = "created"
UPDATED: Final = "updated"
UNCHANGED: Final = "unchanged"
REJECTED: Final = "rejected"


class RowRefused(Exception):
    """The row cannot be taken; carries the one problem that says why."""

    def __init__(self, field_name: str, code: str, **facts: object) -> None:
        super().__init__(code)
        self.problem = Problem(field_name, code, facts)


@dataclass
class Findings:
    """What came up while a row was read: warnings, and words that no vocabulary knows."""

    warnings: list[Problem] = field(default_factory=list)
    unmapped: list[str] = field(default_factory=list)

    def warn(self, field_name: str, code: str, **facts: object) -> None:
        """Note what was not understood; long values are shortened, the record as received holds them whole."""
        self.warnings.append(
            Problem(field_name, code, {k: v[:80] if isinstance(v, str) else v for k, v in facts.items()})
        )

    def set_aside(self, scheme: str, text: str) -> None:
        """Keep what nobody knows as it was written."""
        self.unmapped.append(f"{scheme}:{text}"[:LONGEST_CODE])


@dataclass(frozen=True)
class Composed:
    """A row with what became of it: its content, or the problem for which it is refused."""

    number: int
    cells: Mapping[str, object]
    external_id: str = ""
    draft: Any = None  # as JSON where it was composed by another process
    prepared: Prepared | None = None  # of a listing, ready to be written
    owner: tuple[str, str, str] = ("", "", "")  # as written: name or id, identifier, country
    problem: Problem | None = None
    warnings: tuple[Problem, ...] = ()
    received: str = ""  # the cells as JSON, where they have been laid aside already


@dataclass(frozen=True)
class Taken:
    """What became of a row: the outcome, what it was written to, and what was found."""

    row: Composed
    outcome: str
    listing_id: Any = None
    organisation_id: int | None = None
    problem: Problem | None = None
    warnings: tuple[Problem, ...] = ()


@dataclass(frozen=True)
class Circumstances:
    """Who brings in what for whom: the same for every row of a file."""

    actor: Person | System
    organisation: Organisation | None
    source: str
    kind: str
    columns: Mapping[str, str]
    defaults: Mapping[str, object]
    file_format: str
    publishes: bool
    at: datetime


def refused(row: Composed, problem: Problem) -> Taken:
    """The row as one that is not taken."""
    return Taken(row, REJECTED, problem=problem, warnings=row.warnings)
