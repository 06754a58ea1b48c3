"""Runs a queued job: claim, supervise, hand to its handler, record the one outcome."""

from __future__ import annotations

import os
import socket
import time
import uuid

import structlog
from billiard.exceptions import SoftTimeLimitExceeded
from django.conf import settings
from django.db import DatabaseError, InterfaceError, OperationalError, connection

from jobs.dispatch import dispatch
from jobs.exceptions import (
    IllegalState,
    JobCancelled,
    JobFailed,
    LeaseLost,
    TimeLimitReached,
    WorkerStopping,
)
from jobs.handlers import handler_for, time_limits
from jobs.models import FOREGROUND, Job, JobStatus
from jobs.running import lease
from jobs.running.attempt import Attempt
from jobs.running.supervisor import Supervisor
from jobs.storable import text

MAX_ERROR_MESSAGE = 2_000
RECORD_TRIES = 3
MAX_RETRY_DELAY_SECONDS = 24 * 3600

log = structlog.get_logger(__name__)


def execute(job_id: int, dispatch_id: uuid.UUID, *, worker: str = "") -> Job | None:
    """Claim and run one attempt of a job. Return None when the message was a duplicate or came too early."""
    job = lease.claim(job_id, dispatch_id, worker=worker or _here())
    if job is None:
        log.info("duplicate dropped", action="claim", job_id=job_id)
        return None
    with structlog.contextvars.bound_contextvars(job_id=job.pk, job_type=job.job_type, attempt=job.attempt):
        _run(job)
    return job


def run_in_foreground(job: Job) -> Job:
    """Run a job in this process and return it ended. No signal stops it at its time limit, but its deadline does.

    The job must be pending, and made with the queue FOREGROUND so that no worker takes it. Ctrl-C cancels it.
    """
    if job.queue != FOREGROUND:
        raise IllegalState("Only a job made for the foreground can run in this process.")
    queued = dispatch(job)
    if queued.dispatch_id is None or execute(job.pk, queued.dispatch_id) is None:
        raise IllegalState("The job was taken by somebody else.")
    return Job.objects.select_related("run", "project").get(pk=job.pk)


def _run(job: Job) -> None:
    """Run the handler under supervision and record how it ended."""
    attempt = Attempt(job)
    soft, _hard = time_limits(job.job_type)
    started = time.monotonic()
    log.info("job started", action="start")
    with Supervisor(attempt, soft):
        outcome: BaseException | None = None
        try:
            handler_for(job.job_type).run(attempt)
        except BaseException as error:  # noqa: BLE001  (each kind is told apart below, and the last is raised again)
            outcome = error
        _record(attempt, outcome)
    log.info("job ended", action="end", seconds=round(time.monotonic() - started, 3), outcome=_name(outcome))
    if outcome is not None and not isinstance(outcome, Exception):
        raise outcome


def _record(attempt: Attempt, outcome: BaseException | None) -> None:
    """Write the outcome, a few times if the database is away; after that the reaper will."""
    for left in reversed(range(RECORD_TRIES)):
        try:
            if outcome is not None and not connection.in_atomic_block:
                # An exception out of a signal may have left a query half read.
                connection.close()
            _decide(attempt, outcome)
        except LeaseLost:
            log.warning("lease lost", action="lease_lost")
        except SoftTimeLimitExceeded as error:  # between the end of the work and its record
            outcome = outcome or error
            connection.close()
            continue
        except (DatabaseError, InterfaceError):
            log.exception("outcome not written", action="end", tries_left=left)
            connection.close()
            time.sleep(1 if left else 0)
            continue
        return


def _decide(attempt: Attempt, outcome: BaseException | None) -> None:
    """Choose the job's next state. What stopped the attempt from outside counts before what broke because of it."""
    stop = attempt.stop_reason
    if attempt.ending or isinstance(outcome, LeaseLost) or stop == "lease_lost":
        return
    if stop == "cancelled" or isinstance(outcome, JobCancelled):
        attempt.stop("cancelled")
        attempt.finish(JobStatus.CANCELLED, reason="cancelled")
    elif stop == "worker_stopping" or isinstance(outcome, WorkerStopping):
        attempt.stop("worker_stopping")
        attempt.requeue(reason="worker_stopped")
    elif stop == "time_limit" or isinstance(outcome, SoftTimeLimitExceeded | TimeLimitReached):
        attempt.stop("time_limit")
        soft, _hard = time_limits(attempt.job.job_type)
        _fail(attempt, "time_limit", f"The job used up its {soft} seconds.", retryable=False)
    elif outcome is None:
        attempt.finish(JobStatus.COMPLETED, reason="completed", job_values={"result": {}})
    elif isinstance(outcome, JobFailed):
        _fail(attempt, outcome.code, outcome.message, retryable=outcome.retryable)
    elif isinstance(outcome, OperationalError | InterfaceError):
        log.warning("database away", action="end", error=str(outcome))
        _database_away(attempt)
    elif isinstance(outcome, Exception):
        log.error("unexpected error in handler", action="end", exc_info=outcome)
        _fail(
            attempt,
            "unexpected_error",
            f"The work ended with an unexpected {type(outcome).__name__}. "
            f"The worker's log has the details under job {attempt.job_id}, attempt {attempt.attempt}.",
            retryable=True,
        )
    else:
        _interrupted(attempt)


def _fail(attempt: Attempt, code: str, message: str, *, retryable: bool) -> None:
    """Record a failure of the work: another attempt after a growing delay, or the end."""
    job = attempt.job
    error = {"code": text(code, 60), "message": text(message, MAX_ERROR_MESSAGE)}
    if retryable and job.failures + 1 < job.max_attempts and job.queue != FOREGROUND:
        delay = min(settings.JOB_RETRY_DELAY_SECONDS * 2**job.failures, MAX_RETRY_DELAY_SECONDS)
        attempt.requeue(
            reason="attempt_failed",
            delay_seconds=delay,
            job_values={"failures": job.failures + 1},
            details={"error": error, "delay_seconds": delay},
        )
        return
    attempt.finish(
        JobStatus.FAILED,
        reason=error["code"],
        job_values={
            "failures": job.failures + 1,
            "error_code": error["code"],
            "error_message": error["message"],
        },
    )


def _database_away(attempt: Attempt) -> None:
    """Count a loss, as of a worker, and not a failure: it was not the work that failed."""
    losses = attempt.job.losses + 1
    error = {"code": "database_unavailable", "message": "The database was away for a moment."}
    if losses >= settings.JOB_MAX_LOSSES or attempt.job.queue == FOREGROUND:
        attempt.finish(
            JobStatus.FAILED,
            reason=error["code"],
            job_values={"losses": losses, "error_code": error["code"], "error_message": error["message"]},
        )
        return
    delay = settings.JOB_RETRY_DELAY_SECONDS
    attempt.requeue(
        reason=error["code"],
        delay_seconds=delay,
        job_values={"losses": losses},
        details={"error": error, "delay_seconds": delay},
    )


def _interrupted(attempt: Attempt) -> None:
    """Deal with Ctrl-C or a worker told to stop: end the work's processes, then hand the job back, or cancel it."""
    if attempt.job.queue == FOREGROUND:
        attempt.stop("cancelled")
        attempt.finish(JobStatus.CANCELLED, reason="interrupted")
        return
    attempt.stop("worker_stopping")
    attempt.requeue(reason="worker_stopped")


def _here() -> str:
    return f"{socket.gethostname()}:{os.getpid()}"


def _name(outcome: BaseException | None) -> str:
    return "completed" if outcome is None else type(outcome).__name__
