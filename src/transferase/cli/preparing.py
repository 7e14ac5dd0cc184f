"""Make the platform ready: tables, vocabularies, static files, translations; what did not change is not done again."""

from __future__ import annotations

import hashlib
import json
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import click
import polib
from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from transferase.catalogue import services as catalogue
from transferase.cli.speaking import Unable, tell
from transferase.foundation.ledger import SYSTEM
from transferase.foundation.postgres import check_server
from transferase.matching import services as matching

# Any fixed number will do: it names the advisory lock that lets one process at a time prepare a database.
PREPARING_LOCK: Final = 7_205_315


@dataclass(frozen=True)
class Step:
    """Something to make ready, the files that it is made from, and where it leaves its mark."""

    name: str
    files: Callable[[], Iterable[Path]]
    make: Callable[[], object]
    is_of_database: bool = False
    # Told when it begins even where no line can be rewritten.
    is_long: bool = False


def prepare() -> list[str]:
    """Do what is not done yet and return its names; two processes at once do it once."""
    require_fit_server()
    with _one_at_a_time():
        marks = _marks()
        return [step.name for step in STEPS if _do(step, marks)]


def prepare_or_refuse() -> None:
    """Prepare our own database; of another server only ask whether it is ready, because its operator decides when."""
    if not os.environ.get("DATABASE_URL", "").strip():
        prepare()
    elif pending():
        raise Unable("The tables of the database are not up to date: run `transferase migrate` first.")


def pending() -> bool:
    """Whether migrations wait."""
    executor = MigrationExecutor(connection)
    return bool(executor.migration_plan(executor.loader.graph.leaf_nodes()))


def unready() -> list[str]:
    """The names of the steps whose files have changed since they were done."""
    marks = _marks()
    return [step.name for step in STEPS if marks.get(_key(step)) != _fingerprint(step)]


def require_fit_server() -> None:
    """Let a database server pass that the platform can work on, or say what it lacks."""
    for problem in check_server(connection):
        raise Unable(f"{problem.what} {problem.remedy}")


def run_steps(steps: Iterable[Step]) -> None:
    """Do more steps, those whose files have changed since they were done; once a step is done, all after it are."""
    marks = _marks()
    has_changed = False
    for step in steps:
        has_changed = _do(step, marks, is_forced=has_changed) or has_changed


def is_new() -> bool:
    """Whether nothing was ever prepared here."""
    return not _marks_file().exists()


def _do(step: Step, marks: dict[str, str], *, is_forced: bool = False) -> bool:
    wanted = _fingerprint(step)
    if marks.get(_key(step)) == wanted and not is_forced:
        return False
    started = time.monotonic()
    start = "\r" if sys.stderr.isatty() else ""
    if start:
        click.echo(f"{step.name} ...", err=True, nl=False)
    elif step.is_long:
        tell(f"{step.name} ...")
    step.make()
    marks[_key(step)] = wanted
    file = _marks_file()
    unfinished = file.with_suffix(".new")
    unfinished.write_text(json.dumps(marks, indent=1), encoding="utf-8")
    unfinished.replace(file)
    tell(f"{start}{step.name} ({time.monotonic() - started:.1f} s)")
    return True


def _fingerprint(step: Step) -> str:
    told = hashlib.sha256()
    for file in sorted(step.files()):
        status = file.stat()
        told.update(f"{file}\0{status.st_size}\0{status.st_mtime_ns}\n".encode())
    return told.hexdigest()


def _key(step: Step) -> str:
    """The name under which a step is marked; what is done to a database counts for that database only."""
    if not step.is_of_database:
        return step.name
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT system_identifier, (SELECT oid FROM pg_database WHERE datname = current_database()) "
            "FROM pg_control_system()"
        )
        system, database = cursor.fetchone()
    return f"{step.name}:{system}:{database}"


def _marks_file() -> Path:
    return Path(settings.HOME) / "prepared.json"


def _marks() -> dict[str, str]:
    try:
        marks: dict[str, str] = json.loads(_marks_file().read_text(encoding="utf-8"))
    except (FileNotFoundError, json.JSONDecodeError):
        return {}
    return marks


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [PREPARING_LOCK])
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [PREPARING_LOCK])


def _package(pattern: str) -> Iterator[Path]:
    return (path for path in Path(settings.PACKAGE).glob(pattern) if path.is_file())


def _catalogues() -> Iterator[Path]:
    return _package("locale/*/LC_MESSAGES/django.po")


def _compile_translations() -> None:
    """Write the compiled file beside each catalogue; under another name first, so that nobody reads half of one."""
    for source in _catalogues():
        target = source.with_suffix(".mo")
        if target.exists() and target.stat().st_mtime_ns >= source.stat().st_mtime_ns:
            continue
        unfinished = target.with_name(f"{target.name}.{os.getpid()}")
        polib.pofile(str(source)).save_as_mofile(str(unfinished))
        unfinished.replace(target)


STEPS: Final = (
    Step(
        "Tables",
        lambda: _package("*/migrations/*.py"),
        lambda: call_command("migrate", verbosity=0, interactive=False, skip_checks=True),
        is_of_database=True,
    ),
    Step(
        "Vocabularies",
        lambda: _package("catalogue/vocabularies/*"),
        lambda: catalogue.load_vocabularies(actor=SYSTEM),
        is_of_database=True,
    ),
    Step(
        "Quality figures",
        lambda: _package("engine/ranking/figures/*.json"),
        lambda: matching.record_shipped_benchmark(actor=SYSTEM, at=timezone.now()),
        is_of_database=True,
    ),
    Step("Translations", _catalogues, _compile_translations),
    Step(
        "Static files",
        lambda: _package("web/static/**/*"),
        lambda: call_command("collectstatic", verbosity=0, interactive=False, clear=True, skip_checks=True),
    ),
)
