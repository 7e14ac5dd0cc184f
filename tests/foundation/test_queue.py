"""Jobs: deferred in the caller's transaction, once while they wait, run by name."""

from __future__ import annotations

import pytest
from django.db import transaction
from procrastinate.contrib.django import app

from transferase.foundation import queue

done: list[object] = []


@pytest.fixture(scope="module", autouse=True)
def jobs():
    """Tasks of this test only, registered as tasks of an app are."""

    @queue.task("test.note")
    def note(*, what: str) -> None:
        done.append(what)

    @queue.task("test.chain")
    def chain(*, count: int) -> None:
        done.append(count)
        if count:
            queue.enqueue("test.chain", count=count - 1)

    @queue.task("test.fail")
    def fail() -> None:
        raise ZeroDivisionError

    @queue.periodic("test.tick", cron="0 0 1 1 *")
    def tick(timestamp: int) -> None:
        done.append(timestamp)

    yield
    for name in ("test.note", "test.chain", "test.fail", "test.tick"):
        app.tasks.pop(name, None)
    for key in [key for key in app.periodic_registry.periodic_tasks if key[0] == "test.tick"]:
        app.periodic_registry.periodic_tasks.pop(key)


@pytest.fixture(autouse=True)
def empty():
    done.clear()


def test_jobs_run_in_their_order_with_those_they_defer(db, drain):
    queue.enqueue("test.chain", count=2)
    queue.enqueue("test.note", what="한국어")
    assert queue.waiting() == 2
    assert drain() == 4
    assert done == [2, "한국어", 1, 0]
    assert queue.waiting() == 0


def test_a_job_of_a_failed_transaction_never_was(db):
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        queue.enqueue("test.note", what="x")
        raise ZeroDivisionError
    assert queue.waiting() == 0


def test_a_second_job_with_the_same_lock_is_not_added_while_the_first_waits(db, drain):
    for _ in range(3):
        queue.enqueue("test.note", queueing_lock="one", what="x")
    queue.enqueue("test.note", queueing_lock="two", what="y")
    assert drain() == 2
    queue.enqueue("test.note", queueing_lock="one", what="z")
    assert drain() == 1
    assert done == ["x", "y", "z"]


def test_an_error_in_a_job_is_raised(db, drain):
    queue.enqueue("test.fail")
    with pytest.raises(ZeroDivisionError):
        drain()


def test_some_jobs_may_go_on_waiting(db, drain):
    queue.enqueue("test.note", what="x")
    queue.enqueue("test.chain", count=0)
    assert drain(only="test.note") == 1
    assert drain(1) == 1
    assert done == ["x", 0]
