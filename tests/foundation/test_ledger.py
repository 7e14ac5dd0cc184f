"""Who did what: entries, followers, the chain, and the wrapper of services."""

from __future__ import annotations

import pytest
from django.db import connection, transaction
from django.db.utils import DatabaseError
from procrastinate.contrib.django.models import ProcrastinateJob

from transferase.foundation import ledger, tasks
from transferase.foundation.errors import DomainError, NotAllowed
from transferase.foundation.ledger import SYSTEM, System, follow, record, seal, service, verify
from transferase.foundation.models import LedgerEntry, LedgerSeal

heard: list[str] = []


def listener(entry):
    heard.append(entry.action)


@pytest.fixture
def followed(monkeypatch):
    monkeypatch.setattr(ledger, "_followers", ledger.defaultdict(list))
    heard.clear()
    follow("test.thing.happened", f"{__name__}.listener")
    follow("test.thing.happened", f"{__name__}.listener")
    return "test.thing.happened"


def entry(number=1):
    return record(actor=SYSTEM, action="test.thing.happened", subject=f"test.Thing:{number}", number=number)


def test_an_entry_names_actor_and_subject_by_reference(make_person):
    person = make_person()
    told = record(actor=person, action="test.thing.seen", subject=person, code="x")
    assert (told.actor, told.subject, told.facts) == (
        f"directory.Person:{person.pk}",
        f"directory.Person:{person.pk}",
        {"code": "x"},
    )
    assert record(actor=System("clock"), action="a", subject="b").actor == "clock"


def test_a_follower_hears_once_and_later(db, followed, drain):
    entry()
    assert heard == []
    assert drain() == 1
    assert heard == [followed]


def test_when_the_act_fails_neither_entry_nor_news_remain(db, followed):
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        entry()
        raise ZeroDivisionError
    assert not LedgerEntry.objects.filter(action=followed).exists()
    assert not ProcrastinateJob.objects.filter(task_name="foundation.deliver").exists()


@pytest.mark.parametrize("act", [lambda e: e.save(), lambda e: e.delete()])
def test_entries_and_seals_can_only_be_added(db, act):
    told = entry()
    seal()
    for row in (told, told.seal):
        with pytest.raises(DatabaseError, match=r"Cannot (update|delete)"), transaction.atomic():
            act(row)


def test_the_chain_is_whole_until_an_entry_is_changed(db):
    entries = [entry(number) for number in range(5)]
    sealed = seal()
    assert sealed == LedgerEntry.objects.count()
    assert verify().is_whole
    late = entry(9)
    assert verify() == ledger.ChainReport(sealed + 1, sealed, ())
    assert (seal(), seal()) == (1, 0)
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE foundation_ledgerentry DISABLE TRIGGER USER")
        cursor.execute("UPDATE foundation_ledgerentry SET actor = 'other' WHERE id = %s", [entries[2].pk])
        cursor.execute("ALTER TABLE foundation_ledgerentry ENABLE TRIGGER USER")
    report = verify()
    assert (report.is_whole, report.broken) == (False, (entries[2].pk,))
    assert late.seal


def test_a_removed_seal_is_noticed(db):
    for number in range(3):
        entry(number)
    seal()
    middle = LedgerSeal.objects.order_by("pk")[1]
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE foundation_ledgerseal DISABLE TRIGGER USER")
        cursor.execute("DELETE FROM foundation_ledgerseal WHERE id = %s", [middle.pk])
        cursor.execute("ALTER TABLE foundation_ledgerseal ENABLE TRIGGER USER")
    assert not verify().is_whole


def test_the_worker_seals_everything_in_portions(db, monkeypatch):
    monkeypatch.setattr(ledger, "SEAL_BATCH", 2)
    for number in range(5):
        entry(number)
    tasks.seal(0)
    assert LedgerSeal.objects.count() == LedgerEntry.objects.count()
    assert verify().is_whole


def test_a_service_is_one_transaction(make_person):
    @service
    def fail(*, actor):
        actor.name = "changed"
        actor.save()
        raise NotAllowed(permission="x")

    person = make_person(name="before")
    with pytest.raises(NotAllowed):
        fail(actor=person)
    person.refresh_from_db()
    assert person.name == "before"


def test_only_the_app_of_a_service_writes_meanwhile(make_person, fence):
    def rename(*, actor):
        actor.save()

    rename.__module__ = "transferase.catalogue.services._content"
    person = make_person()
    with fence:
        with pytest.raises(AssertionError, match="catalogue wrote to directory"):
            service(rename)(actor=person)
        with pytest.raises(AssertionError, match="code outside a service wrote to directory"), transaction.atomic():
            person.save()
        rename.__module__ = "transferase.directory.services"
        service(rename)(actor=person)
    assert ledger.writing_app.get() is None


def test_an_error_of_the_trade_is_a_code_with_facts():
    assert str(NotAllowed(permission="a:b:c")) == "not_allowed (permission=a:b:c)"
    assert str(DomainError()) == "not_possible"
    assert NotAllowed(x=1).facts == {"x": 1}
