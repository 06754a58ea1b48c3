"""The Celery tasks: run one job, and keep the queue honest. Messages are hints; the rows decide."""

from __future__ import annotations

import os
import time
import uuid
from typing import Any

import structlog
from celery import Task, shared_task
from celery.signals import worker_process_init
from django.conf import settings
from django.db import InterfaceError, OperationalError

from commandcenter.core.actor import acting_as
from jobs import cancellation, periodic
from jobs.batch import awaiting
from jobs.broker import TASK, broker
from jobs.exceptions import ArchiveBusy, ArchiveFailed, InvalidParameters
from jobs.fleet import reconnecting, workerbeat
from jobs.lists import terms
from jobs.recovery import reaper, sweeper
from jobs.retention import archive, pruning
from jobs.running import execution, supervisor
from jobs.statistics import rollups

SWEEP_SECONDS = 1.0  # between two sweeps of a process: those that piled up while nobody swept are one
CANCEL_SECONDS = (
    2.0  # of one task that cancels children; the queue `system` has other things to do in between
)

log = structlog.get_logger(__name__)
workerbeat.connect()
reconnecting.connect()
_swept_at = float("-inf")


@worker_process_init.connect(dispatch_uid="jobs.tasks.expendable")
def _pool_process_started(**_: Any) -> None:
    """Note that this is a child of a prefork pool, which may end itself when it loses its lease."""
    supervisor.mark_process_expendable()


@shared_task(name=TASK, bind=True, ignore_result=True)
def execute(self: Task[Any, None], job_id: int, dispatch_id: str) -> None:
    """Run the job that this message hints at, if it is still there to be run."""
    try:
        dispatched = uuid.UUID(dispatch_id)
    except (ValueError, TypeError, AttributeError):
        log.warning("message not understood", action="claim", job_id=job_id)
        return
    worker = f"{self.request.hostname}:{os.getpid()}"
    execution.execute(job_id, dispatched, worker=worker)


@shared_task(
    name=periodic.TASK,
    bind=True,
    ignore_result=True,
    soft_time_limit=50,
    time_limit=60,
    autoretry_for=(OperationalError, InterfaceError),  # the database restarts: for about half a minute
    max_retries=5,
    default_retry_delay=6,
)
def dispatch(self: Task[Any, None], *unnamed: Any, **given: Any) -> None:
    """Start a job: {project: id or slug, job_type, parameters, tags}. For the periodic tasks of operators.

    What cannot be started is one warning that says what to do; the same message later would fare no better.
    """
    entry = (self.request.headers or {}).get("periodic_task_name")
    if unnamed:
        log.warning(
            "job not started",
            action="dispatch",
            periodic_task=entry,
            error="Give what to start as keyword arguments, and no positional ones.",
        )
        return
    try:
        with acting_as(name=f"periodic task {entry}" if entry else None):
            job, new = periodic.start(self.request.id or str(uuid.uuid4()), given)
    except InvalidParameters as error:
        advice = f"{error} Mend the keyword arguments of the periodic task, or disable it."
        log.warning("job not started", action="dispatch", periodic_task=entry, error=advice)
        return
    log.info(
        "job started" if new else "job stands already", action="dispatch", job_id=job.pk, periodic_task=entry
    )


@shared_task(name="jobs.sweep", ignore_result=True, soft_time_limit=50, time_limit=60)
def sweep() -> None:
    """Reap what nobody runs any more, then repeat the hints that were lost. Beat sends this every 2 seconds.

    It does not expire, for that would compare two machines' clocks.
    """
    global _swept_at  # noqa: PLW0603  (one fact about the process)
    if time.monotonic() - _swept_at < SWEEP_SECONDS:
        return
    reaped = reaper.reap()
    batches = awaiting.sweep_batches()
    swept = sweeper.sweep()
    if reaped or batches or swept.sent or swept.unsent or swept.released:
        counts = {
            "batches": batches,
            "sent": swept.sent,
            "unsent": swept.unsent,
            "released": swept.released,
        }
        log.info("swept", action="sweep", reaped=reaped, **counts)
    _swept_at = time.monotonic()


@shared_task(name=cancellation.TASK, ignore_result=True, soft_time_limit=50, time_limit=60)
def cancel_children(parent_id: int) -> None:
    """Cancel the children of a batch that still wait, some seconds at a time. The sweeper does what is left undone."""
    until = time.monotonic() + CANCEL_SECONDS
    while cancellation.cancel_children(parent_id):
        if time.monotonic() > until:
            broker.ask(cancellation.TASK, parent_id)
            return


# The next two share the queue with the sweep and its worker runs one task at a time: each ends within seconds, and
# comes again. The archive has its own time, on the queue `default`: a storage may hang.


@shared_task(name="jobs.count", ignore_result=True, soft_time_limit=50, time_limit=60)
def count() -> None:
    """Add the jobs that ended to the statistics. Beat sends this every minute."""
    counted = rollups.count_ended(seconds=2.0)
    if counted:
        log.info("jobs counted", action="count", jobs=counted)


@shared_task(name="jobs.prune_logs", ignore_result=True, soft_time_limit=50, time_limit=60)
def prune_logs() -> None:
    """Remove the logs of old jobs, and texts that no job is found by any more. Beat sends this every 5 minutes."""
    removed, texts = pruning.prune(seconds=2.0), terms.prune(seconds=1.0)
    if removed or texts:
        log.info("logs pruned", action="prune", events=removed, texts=texts)


@shared_task(name="jobs.archive", ignore_result=True, soft_time_limit=110, time_limit=120)
def archive_old() -> None:
    """Move old jobs to the artifact storage, unless CC_JOB_ARCHIVE_DAYS is 0. Beat sends this every 10 minutes."""
    if not settings.JOB_ARCHIVE_DAYS:
        return
    try:
        archive.archive(settings.JOB_ARCHIVE_DAYS, seconds=20.0)
    except ArchiveBusy:
        log.info("archiver busy", action="archive")
    except ArchiveFailed as error:  # the next one tries again; nothing was deleted that is not kept
        log.error("archive failed", action="archive", error=str(error))  # noqa: TRY400  (the sentence says it all)
