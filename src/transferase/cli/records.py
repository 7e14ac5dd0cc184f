"""Records in and out of files, by somebody who works on the server."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import click
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from transferase.cli.sentences import told_code
from transferase.cli.speaking import Progress, Unable
from transferase.directory import queries as directory_queries
from transferase.directory import services as directory
from transferase.directory.models import Organisation, OrganisationKind
from transferase.directory.rules import OrganisationDraft, Permission, Viewer
from transferase.foundation.ledger import SYSTEM
from transferase.interchange import queries, services
from transferase.interchange.models import ImportRun
from transferase.interchange.queries import Finding, Preview

EVERYTHING: Final = Viewer(permissions=frozenset(Permission))
VISITOR: Final = Viewer()
SHOWN_ERRORS: Final = 20
# ISO 3166 leaves this code to its users; here it says that a country is not stated.
NO_COUNTRY: Final = "ZZ"


def bring_in(
    *, file: Path, kind: str, source: str, map_file: Path | None, encoding: str | None, owner: str, publishes: bool,
    is_dry: bool,
) -> dict[str, Any]:  # fmt: skip
    """Take a file in, or say what taking it in would do; the report has the keys of the command."""
    source = source or file.name.split(".")[0]
    if not is_dry:
        run = _received(file=file, kind=kind, source=source, encoding=encoding, owner=owner)
        _previewed(run, map_file, encoding, publishes=publishes, limit=1)
        progress = Progress("Rows read")
        run = services.bring_in(
            actor=SYSTEM, run=ImportRun.objects.get(pk=run.pk), at=timezone.now(), progress=progress
        )
        progress.end(f"{run.read} rows read")
        return _report(run, run.read, queries.findings_of(run))
    # A dry run leaves nothing: neither the run nor an owner that would be entered.
    with transaction.atomic():
        run = _received(file=file, kind=kind, source=source, encoding=encoding, owner=owner)
        try:
            foreseen = _previewed(run, map_file, encoding, publishes=publishes, limit=None)
        finally:
            (Path(settings.MEDIA_ROOT) / run.stored_as).unlink(missing_ok=True)
        transaction.set_rollback(True)
    if not foreseen.is_confident:
        raise Unable(told_code("doubtful_encoding", {"candidates": foreseen.candidates}))
    if foreseen.missing:
        raise Unable(told_code("missing_columns", {"fields": foreseen.missing}))
    return _report(foreseen, foreseen.examined, foreseen.findings)


def _received(*, file: Path, kind: str, source: str, encoding: str | None, owner: str) -> ImportRun:
    at = timezone.now()
    organisation = _owner(owner, source) if kind in {"offers", "needs"} else None
    return services.receive(
        actor=SYSTEM, organisation=organisation, source_name=source, kind=kind, file=file, file_name=file.name,
        encoding=encoding, at=at,
    )  # fmt: skip


def _previewed(
    run: ImportRun, map_file: Path | None, encoding: str | None, *, publishes: bool, limit: int | None
) -> Preview:
    columns, defaults = _mapping(map_file)
    return services.preview(
        actor=SYSTEM, run=run, at=timezone.now(), encoding=encoding,
        columns=None if columns is None else {**run.columns, **columns},
        defaults=None if defaults is None else {**run.defaults, **defaults},
        wanted_state="published" if publishes else "draft", limit=limit,
    )  # fmt: skip


def export(*, kind: str, file: Path, takes_all: bool) -> int:
    """Write records to a file whose ending says the format, and say how many; the file appears when it is whole."""
    made = queries.export_records(
        viewer=EVERYTHING if takes_all else VISITOR, at=timezone.now(), kind=kind,
        file_format=file.suffix.removeprefix(".").lower(), everything=takes_all,
    )  # fmt: skip
    unfinished = file.with_name(f".{file.name}.unfinished")
    try:
        try:
            with unfinished.open("wb") as out:
                for chunk in made:
                    out.write(chunk)
            unfinished.replace(file)
        finally:
            unfinished.unlink(missing_ok=True)
    except OSError as error:
        # The error names the unfinished file, which nobody asked for.
        raise Unable(f"Cannot write {file}: {error.strerror}.") from error
    return made.written


def print_report(report: Mapping[str, Any], *, is_dry: bool) -> None:
    """The report as lines: the counts, then the faulty rows."""
    would = "would be " if is_dry else ""
    click.echo(
        f"{report['read']} rows: {would}{report['created']} created, {report['updated']} updated, "
        f"{report['unchanged']} unchanged, {report['rejected']} rejected"
    )
    for name in ("errors", "warnings"):
        told = report[name]
        for error in told[:SHOWN_ERRORS]:
            where = f"row {error['row']}" + (f", {error['field']}" if error["field"] else "")
            click.echo(f"  {where}: {error['message']}")
        if len(told) > SHOWN_ERRORS:
            click.echo(f"  and {len(told) - SHOWN_ERRORS} more {name}; --json lists them")


def _report(counted: Any, read: int, findings: Any) -> dict[str, Any]:
    return {
        "read": read,
        "created": counted.created,
        "updated": counted.updated,
        "unchanged": counted.unchanged,
        "rejected": counted.rejected,
        "errors": [_told(finding) for finding in findings if not finding.is_warning],
        "warnings": [_told(finding) for finding in findings if finding.is_warning],
    }


def _told(finding: Finding) -> dict[str, Any]:
    return {
        "row": finding.row,
        "field": finding.field,
        "code": finding.code,
        "message": told_code(finding.code, finding.facts),
    }


def _mapping(file: Path | None) -> tuple[dict[str, str] | None, dict[str, object] | None]:
    if file is None:
        return None, None
    try:
        told = tomllib.loads(file.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise Unable(f"{file} is no TOML file: {error}.") from error
    unknown = sorted(set(told) - {"columns", "defaults"})
    if unknown or not all(isinstance(part, dict) for part in told.values()):
        raise Unable(f"{file} may hold the tables [columns] and [defaults] only, not {', '.join(unknown) or 'values'}.")
    columns = {str(column): str(field) for column, field in told.get("columns", {}).items()}
    return columns or None, told.get("defaults") or None


def _owner(owner: str, source: str) -> Organisation:
    """Who owns rows that name no owner themselves: the organisation that is named, else one named like the source."""
    if not owner:
        draft = OrganisationDraft(
            kind=OrganisationKind.OTHER, country=NO_COUNTRY, names={"en": source}, source=source, external_id=source
        )
        return directory.resolve_organisation(actor=SYSTEM, draft=draft, at=timezone.now())
    numbered = Organisation.objects.filter(pk=int(owner)).first() if owner.isdecimal() and len(owner) < 19 else None
    if numbered:
        return numbered
    found = [
        organisation
        for organisation in directory_queries.search_organisations(EVERYTHING, owner)
        # A name that a stranger gave an organisation names nobody.
        if organisation.is_verified
        and (
            owner.casefold() in {name.name.casefold() for name in organisation.names.all()}
            or organisation.identifiers.filter(value__iexact=owner.replace("-", "")).exists()
        )
    ]
    if len(found) != 1:
        raise Unable(f"{'No' if not found else 'More than one'} organisation is called {owner}: name it by its number.")
    return found[0]
