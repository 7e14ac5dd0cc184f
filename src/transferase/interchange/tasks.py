"""Imports in the background, and those whose worker was lost."""

from __future__ import annotations

from django.utils import timezone

from transferase.foundation.errors import DomainError, NotAllowed
from transferase.foundation.ledger import SYSTEM
from transferase.foundation.queue import enqueue, periodic, task
from transferase.interchange import queries, services
from transferase.interchange.models import ImportRun, RunState


@task("interchange.import", queue="interchange", retry=0)
def bring_in(*, run_id: int) -> None:
    """Bring in the file of a run; what goes wrong with the file is written to the run."""
    run = ImportRun.objects.select_related("person").get(pk=run_id)
    if run.state != RunState.RUNNING:
        return
    try:
        services.bring_in(actor=run.person or SYSTEM, run=run, at=timezone.now())
    except NotAllowed:
        # The person no longer acts for the organisation: nobody else goes on in that name.
        services.cancel(actor=SYSTEM, run=run, at=timezone.now())
    except DomainError:
        # The run says why; trying again would not help.
        return


@periodic("interchange.resume", cron="*/5 * * * *", queue="interchange")
def resume(timestamp: int) -> None:
    """Go on with imports whose worker was killed; rows that were taken are not taken again."""
    for run in queries.stalled_runs(timezone.now()):
        enqueue("interchange.import", queueing_lock=f"interchange.import:{run.pk}", run_id=run.pk)


@periodic("interchange.forget", cron="17 3 * * *", queue="interchange")
def forget(timestamp: int) -> None:
    """Drop the files of imports that nobody went on with for a week, and those that belong to none."""
    at = timezone.now()
    for run in queries.forgotten_runs(at):
        services.cancel(actor=SYSTEM, run=run, at=at)
    services.drop_strays(actor=SYSTEM, at=at)
