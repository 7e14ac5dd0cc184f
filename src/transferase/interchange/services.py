"""What people do with files of records: receive, preview, start, bring in, cancel."""

from __future__ import annotations

import re
from collections import Counter
from datetime import timedelta
from itertools import islice
from pathlib import Path, PurePath
from typing import IO, TYPE_CHECKING

from django.db import IntegrityError, transaction
from django.db.models import F
from django.db.models.functions import Now

from transferase.directory.models import Person
from transferase.directory.rules import Permission, require
from transferase.foundation.errors import DomainError
from transferase.foundation.ledger import System, record, service
from transferase.foundation.queue import enqueue
from transferase.interchange import _storage, queries, rules
from transferase.interchange._ahead import paced
from transferase.interchange._composing import batches, composed_batches
from transferase.interchange._intake import Intake, ListingIntake, composed_rows
from transferase.interchange._organisations import OrganisationIntake
from transferase.interchange._reading import Table, count_rows, open_table
from transferase.interchange._rights import RightIntake
from transferase.interchange._rows import CREATED, REJECTED, UNCHANGED, UPDATED, Circumstances, Taken
from transferase.interchange._vocabulary import Vocabularies
from transferase.interchange._writing import refresh_statistics, write_findings, write_records
from transferase.interchange.models import ColumnMapping, ImportRun, Kind, RowError, RunState, Source, WantedState
from transferase.interchange.queries import Finding, Preview, PreviewRow

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager
    from datetime import datetime

    from transferase.directory.models import Organisation
    from transferase.interchange._rows import Composed

PREVIEWED_ROWS = 2_000
SHOWN_ROWS = 20
SHOWN_FINDINGS = 200
# A file without a run that is younger may be one that is being received now.
STRAY_AFTER = timedelta(days=1)
# The database plans by what it knows of its tables; after growing so much it must look again.
ANALYSED_AT = frozenset({rules.BATCH, 10_000, 100_000})
# Names that the platform gives to sources itself: of records from the API, of files without a name, of the samples.
RESERVED = re.compile(r"(?:api:|organisation-|samples$|platform$)", re.IGNORECASE)
OPEN_STATES = (RunState.UPLOADED, RunState.PREVIEWED, RunState.FAILED)


@service
def receive(
    *,
    actor: Person | System,
    organisation: Organisation | None,
    source_name: str,
    kind: str,
    file: Path | str | IO[bytes],
    file_name: str,
    at: datetime,
    encoding: str | None = None,
) -> ImportRun:
    """Keep a file of records for an organisation (for none: an operator's file that names its owners).

    What is no table is refused at once and not kept. A person who knows the `encoding` names it where a guess may
    fail. Columns are mapped as they were for the last file of the source.
    """
    require(actor, Permission.INTERCHANGE_IMPORT_WRITE, organisation.pk if organisation else None)
    if kind not in Kind.values:
        raise rules.UnknownKind(kind=kind)
    if kind == Kind.ORGANISATIONS:
        require(actor, Permission.DIRECTORY_ORGANISATION_VERIFY)
    source = _source(actor, source_name, organisation, at)
    limits = _storage.limits()
    stored = _storage.keep(file, limits.stored_bytes)
    try:
        table = open_table(stored.path, encoding=encoding, limits=limits)
        _require_rows(table)
        run = ImportRun(
            source=source,
            organisation=organisation,
            person=actor if isinstance(actor, Person) else None,
            kind=kind,
            file_name=PurePath(file_name.replace("\\", "/")).name[:200],
            stored_as=stored.name,
            digest=stored.digest,
            format=table.format,
            encoding=table.encoding if table.confident else "",
            header=list(table.header),
            started_at=at,
        )
        run.columns, run.defaults = queries.mapping_for(run, table.header, for_operator=rules.is_operator(actor))
        run.save(force_insert=True)
        record(actor=actor, action="interchange.import.received", subject=run, kind=kind, digest=stored.digest)
    except BaseException:
        _storage.drop(stored.name)
        raise
    return run


@service
def preview(
    *,
    actor: Person | System,
    run: ImportRun,
    at: datetime,
    encoding: str | None = None,
    columns: Mapping[str, str] | None = None,
    defaults: Mapping[str, object] | None = None,
    wanted_state: str | None = None,
    limit: int | None = PREVIEWED_ROWS,
) -> Preview:
    """Show what bringing in a file would do, without writing a record; what is chosen here is kept with the run.

    `columns` is {column: field}, an empty field for a column that is left out. With `limit=None` the whole file is
    examined.
    """
    run = _locked(run)
    _require_run(actor, run)
    if run.state not in OPEN_STATES:
        raise rules.WrongRunState(state=str(run.state))
    table = _table(run, encoding)
    is_operator = rules.is_operator(actor)
    if encoding:
        run.encoding = table.encoding
        if list(table.header) != run.header:
            run.header = list(table.header)
            run.columns, run.defaults = queries.mapping_for(run, table.header, for_operator=is_operator)
    if columns is not None:
        run.columns = {column: columns[column] for column in table.header if columns.get(column)}
    if defaults is not None:
        run.defaults = dict(defaults)
    if wanted_state is not None:
        run.wanted_state = WantedState(wanted_state)
    missing = queries.unfilled_fields(run.columns, run.defaults, run.kind)
    if not missing:
        queries.require_mapping(run.columns, run.defaults, run.kind, for_operator=is_operator)
    shown = _foreseen(run, table, _intake(_circumstances(actor, run, at)), missing, limit)
    run.state = RunState.PREVIEWED
    run.save()
    record(actor=actor, action="interchange.import.previewed", subject=run, examined=shown.examined)
    return shown


@service
def start(*, actor: Person | System, run: ImportRun, at: datetime) -> ImportRun:
    """Have a worker bring in the file; what stands in the way of that is told now."""
    run = _locked(run)
    _require_run(actor, run)
    _require_startable(actor, run)
    _begin(actor, run, at)
    enqueue("interchange.import", queueing_lock=f"interchange.import:{run.pk}", run_id=run.pk)
    return run


def bring_in(
    *,
    actor: Person | System,
    run: ImportRun,
    at: datetime,
    progress: Callable[[int, int], None] | None = None,
) -> ImportRun:
    """Take the rows of a file in batches, each in a transaction of its own with one entry in the ledger.

    A run that was interrupted goes on where it stopped. A file that cannot be read to its end is refused before its
    first row is taken. `progress` is called with the rows read and the rows expected.
    """
    run = _opened(actor=actor, run=run, at=at)
    try:
        table = _table(run, None)
        intake, position = _intake(_circumstances(actor, run, at)), 0
        with _composed(run, table, intake) as composed, paced():
            expected = count_rows(table)
            _expect(run=run, expected=expected)
            for batch in composed:
                if position + len(batch) > run.read:
                    run = _take(run=run, rows=batch[max(0, run.read - position) :], intake=intake)
                    if run.state == RunState.CANCELLED:
                        return run
                    if run.read in ANALYSED_AT:
                        refresh_statistics()
                position += len(batch)
                if progress:
                    progress(run.read, max(expected, run.read))
    except DomainError as error:
        if not isinstance(error, rules.AlreadyRunning):
            _fail(actor=actor, run=run, error=error, at=at)
        raise
    return _finish(actor=actor, run=run, at=at)


@service
def cancel(*, actor: Person | System, run: ImportRun, at: datetime) -> ImportRun:
    """Stop an import; batches that were taken stay, nothing more is taken."""
    run = _locked(run)
    _require_run(actor, run)
    if run.state in {RunState.FINISHED, RunState.CANCELLED}:
        raise rules.WrongRunState(state=str(run.state))
    run.state, run.finished_at = RunState.CANCELLED, at
    run.save(update_fields=["state", "finished_at"])
    record(actor=actor, action="interchange.import.cancelled", subject=run, read=run.read)
    _drop_later(run)
    return run


@service
def drop_strays(*, actor: Person | System, at: datetime) -> int:
    """Delete files that a lost process left behind a day ago or longer, and say how many."""
    require(actor, Permission.DIRECTORY_ORGANISATION_VERIFY)
    known = set(ImportRun.objects.exclude(stored_as="").values_list("stored_as", flat=True))
    names = _storage.strays(known, (at - STRAY_AFTER).timestamp())
    for name in names:
        _storage.drop(name)
    if names:
        record(actor=actor, action="interchange.files.dropped", subject="interchange.files", count=len(names))
    return len(names)


def _source(actor: Person | System, name: str, organisation: Organisation | None, at: datetime) -> Source:
    name = " ".join(name.split())[:60]
    usual = f"organisation-{organisation.pk}" if organisation else "platform"
    if name != usual and RESERVED.match(name) and not rules.is_operator(actor):
        raise rules.ForeignSource(source=name)
    name = name or usual
    try:
        with transaction.atomic():
            source, _ = Source.objects.get_or_create(
                name=name, defaults={"organisation": organisation, "created_at": at}
            )
    except IntegrityError:
        source = Source.objects.get(name=name)
    # Whoever may write to a source may replace its records: it belongs to who used it first.
    if source.organisation_id != (organisation.pk if organisation else None) and not rules.is_operator(actor):
        raise rules.ForeignSource(source=name)
    return source


def _locked(run: ImportRun) -> ImportRun:
    return ImportRun.objects.select_for_update(of=("self",)).select_related("source", "organisation").get(pk=run.pk)


def _require_run(actor: Person | System, run: ImportRun) -> None:
    require(actor, Permission.INTERCHANGE_IMPORT_WRITE, run.organisation_id)


def _require_startable(actor: Person | System, run: ImportRun) -> None:
    if run.state not in (*OPEN_STATES, RunState.RUNNING):
        raise rules.WrongRunState(state=str(run.state))
    if run.format != "xlsx" and not run.encoding:
        table = _table(run, None)
        if not table.confident:
            raise rules.DoubtfulEncoding(candidates=list(table.candidates))
        run.encoding = table.encoding
    queries.require_mapping(run.columns, run.defaults, run.kind, for_operator=rules.is_operator(actor))


def _begin(actor: Person | System, run: ImportRun, at: datetime) -> None:
    if run.state != RunState.RUNNING:
        run.state, run.failure, run.failure_facts, run.finished_at = RunState.RUNNING, "", {}, None
        if run.read == 0:
            RowError.objects.filter(run=run).delete()
        left_out = {column: "" for column in run.header if column not in run.columns}
        ColumnMapping.objects.update_or_create(
            source=run.source,
            kind=run.kind,
            defaults={"columns": {**left_out, **run.columns}, "defaults": run.defaults},
        )
        record(actor=actor, action="interchange.import.started", subject=run, at=at.isoformat())
    run.save()
    ImportRun.objects.filter(pk=run.pk).update(progressed_at=Now())


@service
def _opened(*, actor: Person | System, run: ImportRun, at: datetime) -> ImportRun:
    run = _locked(run)
    _require_run(actor, run)
    _require_startable(actor, run)
    _begin(actor, run, at)
    return run


@service
def _expect(*, run: ImportRun, expected: int) -> None:
    ImportRun.objects.filter(pk=run.pk).update(expected=expected, progressed_at=Now())


@service
def _take(*, run: ImportRun, rows: Sequence[Composed], intake: Intake) -> ImportRun:
    """One batch: the records, the rows as received, what was found, and the place where to go on, all or nothing."""
    position = run.read
    run = _locked(run)
    if run.state == RunState.CANCELLED:
        return run
    if run.read != position or run.state != RunState.RUNNING:
        raise rules.AlreadyRunning(run=run.pk)
    taken = intake.foresee(rows) if run.is_dry else intake.take(rows)
    counts = Counter(done.outcome for done in taken)
    if not run.is_dry:
        # What has not changed is kept from the run that brought it.
        write_records(run.pk, [done for done in taken if done.outcome != UNCHANGED])
    warned = write_findings(run.pk, taken)
    ImportRun.objects.filter(pk=run.pk).update(
        read=F("read") + len(rows),
        created=F("created") + counts[CREATED],
        updated=F("updated") + counts[UPDATED],
        unchanged=F("unchanged") + counts[UNCHANGED],
        rejected=F("rejected") + counts[REJECTED],
        warned=F("warned") + warned,
        progressed_at=Now(),
    )
    run.refresh_from_db()
    return run


@service
def _finish(*, actor: Person | System, run: ImportRun, at: datetime) -> ImportRun:
    run = _locked(run)
    run.state, run.finished_at, run.expected = RunState.FINISHED, at, run.read
    run.save(update_fields=["state", "finished_at", "expected"])
    record(
        actor=actor,
        action="interchange.import.finished",
        subject=run,
        kind=str(run.kind),
        source=run.source.name,
        read=run.read,
        created=run.created,
        updated=run.updated,
        unchanged=run.unchanged,
        rejected=run.rejected,
        is_dry=run.is_dry,
    )
    _drop_later(run)
    return run


@service
def _fail(*, actor: Person | System, run: ImportRun, error: DomainError, at: datetime) -> None:
    run = _locked(run)
    run.state, run.finished_at = RunState.FAILED, at
    run.failure = error.code
    run.failure_facts = {
        name: value if isinstance(value, int | list) else str(value) for name, value in error.facts.items()
    }
    run.save(update_fields=["state", "finished_at", "failure", "failure_facts"])
    record(actor=actor, action="interchange.import.failed", subject=run, code=error.code, read=run.read)


def _drop_later(run: ImportRun) -> None:
    name = run.stored_as
    transaction.on_commit(lambda: _storage.drop(name))


def _table(run: ImportRun, encoding: str | None) -> Table:
    path = _storage.path_of(run.stored_as)
    if not run.stored_as or not path.exists():
        raise rules.LostFile(run=run.pk)
    return open_table(path, encoding=encoding or run.encoding or None, limits=_storage.limits())


def _require_rows(table: Table) -> None:
    if not any(True for _row in table.rows()):
        raise rules.EmptyFile


def _circumstances(actor: Person | System, run: ImportRun, at: datetime) -> Circumstances:
    return Circumstances(
        actor=actor,
        organisation=run.organisation,
        source=run.source.name,
        kind=run.kind,
        columns=run.columns,
        defaults={**_usual(run), **run.defaults},
        file_format=run.format,
        publishes=run.wanted_state == WantedState.PUBLISHED,
        at=at,
    )


def _usual(run: ImportRun) -> dict[str, str]:
    """The country of an organisation whose file has no column of countries."""
    if run.organisation is None or "country" in run.columns.values():
        return {}
    return {"country": run.organisation.country}


def _intake(around: Circumstances) -> Intake:
    vocabularies = Vocabularies()
    if around.kind == Kind.ORGANISATIONS:
        return OrganisationIntake(around, vocabularies)
    if around.kind == Kind.RIGHTS:
        return RightIntake(around, vocabularies)
    return ListingIntake(around, vocabularies)


def _composed(run: ImportRun, table: Table, intake: Intake) -> AbstractContextManager[Iterator[list[Composed]]]:
    return composed_batches(
        table=table,
        intake=intake,
        path=_storage.path_of(run.stored_as),
        encoding=run.encoding or None,
        limits=_storage.limits(),
    )


def _foreseen(run: ImportRun, table: Table, intake: Intake, missing: tuple[str, ...], limit: int | None) -> Preview:
    rows = composed_rows(table, intake)
    outcomes: Counter[str] = Counter()
    codes: Counter[str] = Counter()
    shown: list[PreviewRow] = []
    errors: list[Finding] = []
    warnings: list[Finding] = []
    # A file of a million rows is looked at without keeping more than what is shown of it.
    for batch in batches(islice(rows, limit)):
        for done in intake.foresee(batch):
            found = tuple(_findings(done))
            outcomes[done.outcome] += 1
            codes.update(finding.code for finding in found)
            for finding in found:
                kept = warnings if finding.is_warning else errors
                if len(kept) < SHOWN_FINDINGS:
                    kept.append(finding)
            if len(shown) < SHOWN_ROWS:
                draft = None if done.problem else done.row.draft
                row = done.row
                shown.append(PreviewRow(row.number, row.cells, done.outcome, row.external_id, draft, found))
    examined = outcomes.total()
    is_complete = limit is None or examined < limit or next(rows, None) is None
    return Preview(
        format=table.format,
        encoding=table.encoding,
        is_confident=table.confident,
        candidates=table.candidates,
        delimiter=table.delimiter,
        sheets=table.sheets,
        header=table.header,
        columns=run.columns,
        defaults=run.defaults,
        missing=missing,
        rows=tuple(shown),
        examined=examined,
        is_complete=is_complete,
        expected=examined if is_complete else table.expected,
        created=outcomes[CREATED],
        updated=outcomes[UPDATED],
        unchanged=outcomes[UNCHANGED],
        rejected=outcomes[REJECTED],
        findings=tuple((errors + warnings)[:SHOWN_FINDINGS]),
        counts=dict(codes),
    )


def _findings(done: Taken) -> Iterable[Finding]:
    number = done.row.number
    if done.problem:
        yield Finding(number, done.problem.field, done.problem.code, done.problem.facts, is_warning=False)
    for warning in done.warnings:
        yield Finding(number, warning.field, warning.code, warning.facts, is_warning=True)
