"""Reads on replicas: when one is used, when the primary, and what happens when one fails.

The replica is the database of the tests by another connection, so what it holds is what the primary has committed.
"""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import OperationalError, connections, transaction

from transferase.foundation import replicas
from transferase.foundation.ledger import SYSTEM, System, record
from transferase.foundation.models import LedgerEntry
from transferase.foundation.postgres import DatabaseUnavailable, replica_settings

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def replica():
    """A second connection to the database of the tests, as if it were a replica that is always in step."""
    settings = dict(connections["default"].settings_dict)
    settings["OPTIONS"] = {**settings["OPTIONS"], "options": "-c default_transaction_read_only=on"}
    connections.settings["replica1"] = settings
    connection = connections["replica1"]

    def open_it() -> None:
        # Django lets a test open only databases that were configured before it began.
        if connection.connection is None:
            with connection.wrap_database_errors:
                connection.connect()

    connection.ensure_connection = open_it
    replicas.forget()
    yield "replica1"
    connections["replica1"].close()
    del connections.settings["replica1"]
    del connections["replica1"]
    replicas.forget()


def where() -> str:
    return replicas.reading().alias


def test_without_replicas_everything_is_read_from_the_primary(at):
    assert replicas.read(where, at=at) == "default"
    assert replicas.status() == []


def test_a_visitor_reads_from_the_replica_and_nothing_else_moves(replica, at):
    assert replicas.read(where, at=at) == replica
    assert where() == "default"
    assert replicas.read(lambda: LedgerEntry.objects.all().db, at=at) == replica
    assert LedgerEntry.objects.all().db == "default"


def test_nobody_can_write_to_a_replica_by_mistake(replica, at):
    def write() -> None:
        with replicas.reading().cursor() as cursor:
            cursor.execute("DELETE FROM foundation_heartbeat")

    with pytest.raises(Exception, match="read-only transaction"):
        replicas.read(write, at=at)


def test_who_wrote_a_moment_ago_reads_from_the_primary(replica, at, settings):
    entry = record(
        actor=System("directory.Person:7"), action="catalogue.listing.revised", subject="catalogue.Listing:x"
    )
    written = entry.at
    later = written + timedelta(seconds=settings.DATABASE_REPLICA_LAG + 1)
    assert replicas.read(where, reader="directory.Person:7", at=written + timedelta(seconds=1)) == "default"
    assert replicas.read(where, reader="directory.Person:8", at=written + timedelta(seconds=1)) == replica
    assert replicas.read(where, reader="directory.Person:7", at=later) == replica


def test_inside_a_transaction_own_writes_are_seen(replica, at):
    with transaction.atomic():
        entry = record(actor=SYSTEM, action="catalogue.listing.revised", subject="catalogue.Listing:x")
        assert replicas.read(where, at=at) == "default"
        assert replicas.read(lambda: LedgerEntry.objects.filter(pk=entry.pk).exists(), at=at)


def test_a_replica_that_fails_in_the_midst_is_left_and_the_read_is_done_again(replica, at):
    asked = []

    def work() -> str:
        asked.append(where())
        if where() != "default":
            raise OperationalError("server closed the connection unexpectedly")
        return "answer"

    assert replicas.read(work, at=at) == "answer"
    assert asked == [replica, "default"]
    assert replicas.read(where, at=at) == "default"


def test_a_replica_that_cannot_be_reached_costs_nothing_but_a_look(replica, at):
    connections[replica].close()
    connections.settings[replica]["HOST"] = "/nowhere"
    connections[replica].settings_dict["HOST"] = "/nowhere"
    assert replicas.read(where, at=at) == "default"
    (state,) = replicas.status()
    assert not state.is_usable
    assert "/nowhere" in state.trouble


def test_a_replica_that_lags_is_not_used(replica, at, monkeypatch):
    # The second connection sees an older heartbeat, as a replica does that stopped following.
    with connections["default"].cursor() as cursor:
        cursor.execute("CREATE SCHEMA behind; CREATE TABLE behind.foundation_heartbeat (id boolean, at timestamptz)")
        cursor.execute("INSERT INTO behind.foundation_heartbeat VALUES (true, now() - interval '1 hour')")
        cursor.execute("DELETE FROM foundation_heartbeat")
        cursor.execute("INSERT INTO foundation_heartbeat VALUES (true, clock_timestamp())")
    try:
        with connections[replica].cursor() as cursor:
            cursor.execute("SET search_path = behind, public")
        assert replicas.read(where, at=at) == "default"
        (state,) = replicas.status()
        assert 3500 < state.lag < 3700
    finally:
        with connections["default"].cursor() as cursor:
            cursor.execute("DROP SCHEMA behind CASCADE")


def test_addresses_of_replicas_are_read_like_that_of_the_primary():
    primary = {"ENGINE": "x", "NAME": "transfer", "CONN_MAX_AGE": 60}
    found = replica_settings(
        {"DATABASE_REPLICA_URLS": "postgresql://reader:p%40ss@one:5433/copy  postgresql://two/"}, primary
    )
    assert list(found) == ["replica1", "replica2"]
    assert found["replica1"]["NAME"] == "copy"
    assert found["replica1"]["PASSWORD"] == "p@ss"
    assert found["replica1"]["CONN_MAX_AGE"] == 60
    assert found["replica2"]["NAME"] == "transfer"
    assert found["replica2"]["OPTIONS"]["options"] == "-c default_transaction_read_only=on"
    assert replica_settings({}, primary) == {}
    with pytest.raises(DatabaseUnavailable, match="DATABASE_REPLICA_URLS cannot be read"):
        replica_settings({"DATABASE_REPLICA_URLS": "postgresql://[one"}, primary)
