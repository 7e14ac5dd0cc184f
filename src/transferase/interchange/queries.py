"""Questions about imports, and records on their way out."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from django.db.models import Count

from transferase.interchange import rules
from transferase.interchange._columns import check_mapping, guess_mapping, missing_fields
from transferase.interchange._export import EXPORT_FORMATS as EXPORT_FORMATS
from transferase.interchange._export import export_records as export_records
from transferase.interchange.models import ColumnMapping, ImportRun, RawRecord, RowError, RunState

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import datetime

    from transferase.directory.rules import Viewer
    from transferase.interchange.models import ImportRunQuerySet

# A run that has not moved for so long has lost its worker.
STALLED_AFTER: Final = timedelta(minutes=10)
FORGOTTEN_AFTER: Final = timedelta(days=7)


@dataclass(frozen=True)
class Finding:
    """What is wrong in a row or was not understood, as a code with facts; doors make a sentence of it."""

    row: int
    field: str
    code: str
    facts: Mapping[str, object]
    is_warning: bool


@dataclass(frozen=True)
class PreviewRow:
    """A row as it was received and as it would look; `draft` is None where it would be refused.

    `draft` is a ListingDraft, an OrganisationDraft, or a tuple of RightDrafts.
    """

    number: int
    cells: Mapping[str, object]
    outcome: str
    external_id: str
    draft: Any
    findings: tuple[Finding, ...]


@dataclass(frozen=True)
class Preview:
    """What would happen to a file; `examined` rows were looked at, all of them where `is_complete`."""

    format: str
    encoding: str
    is_confident: bool
    candidates: tuple[str, ...]
    delimiter: str
    sheets: tuple[str, ...]
    header: tuple[str, ...]
    columns: Mapping[str, str]
    defaults: Mapping[str, object]
    missing: tuple[str, ...]
    rows: tuple[PreviewRow, ...]
    examined: int
    is_complete: bool
    expected: int | None
    created: int
    updated: int
    unchanged: int
    rejected: int
    findings: tuple[Finding, ...]  # the first ones, at most 200
    counts: Mapping[str, int] = field(default_factory=dict)  # {code: how often}, of all rows examined

    @property
    def is_ready(self) -> bool:
        """Whether the file can be brought in as it is: the characters are sure and every field needed is filled."""
        return self.is_confident and not self.missing


def runs(viewer: Viewer) -> ImportRunQuerySet:
    """The imports that a viewer may see, newest first."""
    found = ImportRun.objects.visible_to(viewer).select_related("source", "organisation", "person")
    return found.order_by("-started_at", "-pk")


def findings_of(run: ImportRun, *, errors_only: bool = False, limit: int | None = None) -> list[Finding]:
    """What was found in the rows of a run, in their order, errors before warnings of the same row."""
    found = RowError.objects.filter(run=run).order_by("row", "is_warning", "pk")
    if errors_only:
        found = found.filter(is_warning=False)
    return [Finding(e.row, e.field, e.code, e.facts, e.is_warning) for e in found[:limit]]


def finding_counts(run: ImportRun) -> list[tuple[str, bool, int]]:
    """How often each code was found in a run: (code, is a warning, how often), most frequent first."""
    counted = RowError.objects.filter(run=run).values_list("code", "is_warning").annotate(n=Count("pk"))
    return [(code, is_warning, n) for code, is_warning, n in counted.order_by("is_warning", "-n", "code")]


def faulty_rows(run: ImportRun) -> Iterator[tuple[int, list[str], list[Finding]]]:
    """The rows that were not taken, as received in the order of the run's header, each with why; for a download."""
    errors: dict[int, list[Finding]] = {}
    for finding in findings_of(run, errors_only=True):
        errors.setdefault(finding.row, []).append(finding)
    records = RawRecord.objects.filter(run=run, row__in=errors).order_by("row")
    for record in records.iterator(chunk_size=1000):
        cells = [record.received.get(column, "") for column in run.header]
        yield record.row, [cell if isinstance(cell, str) else str(cell) for cell in cells], errors[record.row]


def listing_ids(run: ImportRun) -> list[Any]:
    """The listings that a run created or updated."""
    found = RawRecord.objects.filter(run=run).exclude(listing=None)
    return list(found.order_by("row").values_list("listing_id", flat=True).distinct())


def stalled_runs(at: datetime) -> list[ImportRun]:
    """Running imports whose worker is gone: they have not moved for ten minutes."""
    return list(ImportRun.objects.filter(state=RunState.RUNNING, progressed_at__lt=at - STALLED_AFTER).order_by("pk"))


def forgotten_runs(at: datetime) -> list[ImportRun]:
    """Imports that nobody started or mended within a week; their files only take room."""
    waiting = (RunState.UPLOADED, RunState.PREVIEWED, RunState.FAILED)
    return list(ImportRun.objects.filter(state__in=waiting, started_at__lt=at - FORGOTTEN_AFTER).order_by("pk"))


def mapping_for(
    run: ImportRun, header: Iterable[str], *, for_operator: bool
) -> tuple[dict[str, str], dict[str, object]]:
    """The mapping that a source's files were last read with, completed by guesses for columns it does not know."""
    header = tuple(header)
    guessed = guess_mapping(header, run.kind, for_operator=for_operator)
    remembered = ColumnMapping.objects.filter(source=run.source, kind=run.kind).first()
    if remembered is None:
        return guessed, {}
    known: dict[str, str] = remembered.columns
    allowed = rules.allowed_fields(run.kind, for_operator=for_operator)
    columns = {c: f for c, f in known.items() if c in header and f in allowed}
    # A column that was mapped to nothing stays so: it is remembered as an empty field.
    for column, name in guessed.items():
        if column not in known and name not in columns.values():
            columns[column] = name
    defaults = {name: value for name, value in remembered.defaults.items() if name in allowed}
    return {column: columns[column] for column in header if column in columns}, defaults


def unfilled_fields(columns: Mapping[str, str], defaults: Mapping[str, object], kind: str) -> tuple[str, ...]:
    """Which fields that every record needs are filled by no column."""
    return tuple(missing_fields({*columns.values(), *defaults}, kind))


def require_mapping(
    columns: Mapping[str, str], defaults: Mapping[str, object], kind: str, *, for_operator: bool
) -> None:
    """Let a mapping pass or raise what is wrong with it."""
    check_mapping(columns, defaults, kind, for_operator=for_operator)
