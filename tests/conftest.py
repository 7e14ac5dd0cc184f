"""What every test may lean on: the database, a fixed time, rows made in one line, and the write fence."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from transferase.catalogue.models import Listing
    from transferase.directory.models import Organisation, Person
    from transferase.directory.rules import Viewer

ROOT = Path(__file__).resolve().parent
MARKER_OF_FOLDER = {
    "architecture": "architecture",
    "engine": "engine",
    "browser": "browser",
    "journeys": "journey",
    "web": "door",
    "api": "door",
    "cli": "door",
}
WRITE = re.compile(r'(?:^|; ?)\s*(?:INSERT INTO|UPDATE|DELETE FROM) "([a-z]+)_')
# What a deletion does to rows of higher floors that point at the row: their models decided that, not the service.
CASCADE = re.compile(r'\s*(?:DELETE FROM|UPDATE "\w+" SET "\w+_id" = NULL WHERE)')
FLOOR = {"directory": 1, "catalogue": 2, "matching": 3, "interchange": 4}


def pytest_configure() -> None:
    """Cheap passwords and plain static files: neither is what a test is about."""
    from django.conf import settings
    from django.db.models.signals import post_migrate

    post_migrate.connect(drop_jobs, dispatch_uid="drop_jobs")

    # WhiteNoise warns of a missing folder, and a warning fails a test.
    settings.STATIC_ROOT.mkdir(parents=True, exist_ok=True)
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.STORAGES = {
        **settings.STORAGES,
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    }


def drop_jobs(using: str, **_facts: Any) -> None:
    """Empty the queue when a test that committed is flushed: flushing leaves tables that Django does not manage."""
    from django.db import connections

    with connections[using].cursor() as cursor:
        cursor.execute("SELECT to_regclass('procrastinate_jobs') IS NOT NULL")
        if cursor.fetchone()[0]:
            cursor.execute("TRUNCATE procrastinate_jobs, procrastinate_events, procrastinate_periodic_defers CASCADE")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The marker of a test is its folder."""
    for item in items:
        folder = item.path.relative_to(ROOT).parts[0]
        item.add_marker(getattr(pytest.mark, MARKER_OF_FOLDER.get(folder, "app")))


@pytest.fixture
def at() -> datetime:
    """The time at which a test happens."""
    return datetime(2026, 11, 24, 9, 0, tzinfo=UTC)


def write_fence(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
    """Stop a write to the table of an app from outside a service of that app."""
    from transferase.foundation.ledger import writing_app

    written = WRITE.search(sql)
    writer = writing_app.get()
    if written and written[1] in FLOOR and written[1] != writer:
        is_above = writer in FLOOR and FLOOR[written[1]] > FLOOR[writer]
        if not (is_above and CASCADE.match(sql)):
            raise AssertionError(f"{writer or 'code outside a service'} wrote to {written[1]}: {sql[:200]}")
    return execute(sql, params, many, context)


class Fence:
    """`with fence:` around the act of a test, so that only services write, each to tables of its own app."""

    def __enter__(self) -> Self:
        from django.db import connection

        self._wrapper = connection.execute_wrapper(write_fence)
        self._wrapper.__enter__()
        return self

    def __exit__(self, *exception: object) -> None:
        self._wrapper.__exit__(*exception)


@pytest.fixture
def fence(db: None) -> Fence:
    return Fence()


@pytest.fixture
def drain(db: None) -> Callable[..., int]:
    """Run every waiting job here and now, and those that they defer; `only="catalogue."` leaves others waiting."""
    from transferase.foundation import queue

    return queue.drain


@pytest.fixture
def make_organisation(db: None) -> Callable[..., Organisation]:
    from tests import factories

    return factories.make_organisation


@pytest.fixture
def make_person(db: None) -> Callable[..., Person]:
    from tests import factories

    return factories.make_person


@pytest.fixture
def make_listing(db: None, at: datetime) -> Callable[..., Listing]:
    from tests import factories

    def make(**facts: Any) -> Listing:
        return factories.make_listing(**{"at": at, **facts})

    return make


@pytest.fixture
def viewer(db: None, at: datetime) -> Callable[[Person | None], Viewer]:
    """The viewer that a person is at the time of the test; a visitor for None."""
    from transferase.directory.queries import viewer_of

    def of(person: Person | None = None) -> Viewer:
        return viewer_of(person, at)

    return of


@pytest.fixture
def data() -> Path:
    """The folder of public test data; tests that need it are skipped loudly where it is missing."""
    from django.conf import settings

    if not settings.DATA.is_dir():
        pytest.skip(f"no test data at {settings.DATA}: set TRANSFERASE_DATA")
    return settings.DATA
