"""Work for later: jobs in the same database, deferred in the transaction that asks for them.

Only this module and `tasks` know procrastinate.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

from django.db import connection, transaction
from procrastinate import exceptions
from procrastinate.contrib.django import app
from procrastinate.contrib.django.models import ProcrastinateJob

if TYPE_CHECKING:
    from collections.abc import Callable

    from procrastinate.contrib.django.django_connector import DjangoConnector

F = TypeVar("F", bound="Callable[..., object]")

# How long a job may run on after the worker was asked to end, before it is left for the next worker to take up.
ENDS_WITHIN: Final = 3
# A job whose worker has given no sign of life for half a minute is taken up by another; looked for this often.
STALLED_LOOK: Final = 30


def task(name: str, *, queue: str = "default", retry: int = 3) -> Callable[[F], F]:
    """Register a function as a task that `enqueue` knows by name."""

    def register(func: F) -> F:
        app.task(name=name, queue=queue, retry=retry)(func)
        return func

    return register


def periodic(name: str, *, cron: str, queue: str = "default") -> Callable[[F], F]:
    """Register a task that the worker starts by the clock; it gets the due time as `timestamp` (seconds)."""

    def register(func: F) -> F:
        app.periodic(cron=cron)(app.task(name=name, queue=queue)(func))
        return func

    return register


def enqueue(name: str, *, queueing_lock: str | None = None, priority: int = 0, **facts: Any) -> None:
    """Defer a task by name in the caller's transaction.

    With a `queueing_lock` a second job is not added while the first one waits. What nobody waits for has a `priority`
    below 0: every other job goes before it.
    """
    deferrer = app.configure_task(name, queueing_lock=queueing_lock, priority=priority)
    if queueing_lock is None:
        deferrer.defer(**facts)
        return
    try:
        with transaction.atomic():
            deferrer.defer(**facts)
    except exceptions.AlreadyEnqueued:
        return


def waiting() -> int:
    """How many jobs wait or run."""
    return ProcrastinateJob.objects.filter(status__in=("todo", "doing")).count()


def is_waiting(*locks: str) -> bool:
    """Whether a job that was added with one of these queueing locks waits or runs."""
    return ProcrastinateJob.objects.filter(status__in=("todo", "doing"), queueing_lock__in=locks).exists()


def drain(limit: int = 10_000, *, only: str = "") -> int:
    """Run waiting jobs here and now, oldest first, over Django's own connection; say how many ran.

    For the demo and for tests: they need the work done before they go on. Errors are not retried but raised.
    `only` is the beginning of the names of the tasks to run, such as "catalogue."; the others go on waiting.
    """
    done = 0
    while done < limit:
        waiting_jobs = ProcrastinateJob.objects.filter(status="todo", task_name__startswith=only)
        job = waiting_jobs.order_by("-priority", "id").first()
        if job is None:
            break
        with connection.cursor() as cursor:
            cursor.execute("UPDATE procrastinate_jobs SET status = 'doing' WHERE id = %s", [job.pk])
            app.tasks[job.task_name].func(**job.args)
            cursor.execute("SELECT procrastinate_finish_job_v1(%s, 'succeeded', false)", [job.pk])
        done += 1
    return done


def work() -> None:
    """Run jobs as they come, one at a time, until SIGINT or SIGTERM; jobs that a killed worker left are taken up."""
    connector = cast("DjangoConnector", app.connector)
    with app.replace_connector(connector.get_worker_connector()):
        asyncio.run(_work())


async def _work() -> None:
    async with app.open_async():
        rescue = asyncio.create_task(_take_up_stalled())
        try:
            await app.run_worker_async(
                concurrency=1, listen_notify=True, fetch_job_polling_interval=10, shutdown_graceful_timeout=ENDS_WITHIN
            )
        finally:
            rescue.cancel()


async def _take_up_stalled() -> None:
    while True:
        for job in await app.job_manager.get_stalled_jobs():
            await app.job_manager.retry_job(job)
        await asyncio.sleep(STALLED_LOOK)
