"""One attempt of one job: what its handler sees, and why it must end."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import transaction

from commandcenter.core.connections import reconnect_if_lost
from jobs.aftermath import job_left
from jobs.batch.children import await_children
from jobs.dispatch import enqueue
from jobs.handlers import KillHook, LogLevel
from jobs.history import append
from jobs.models import Job, JobStatus
from jobs.running import lease
from jobs.running.ending import Stop, StopReason
from jobs.running.recorder import Batch, Recorder
from jobs.state import transition
from jobs.storable import json_value


class Attempt:
    """The JobRunContext of a claimed job. Shared by the handler's thread and its supervisor."""

    def __init__(self, job: Job) -> None:
        """Wrap a job as `lease.claim` returned it."""
        self.job = job
        self.token = job.run.fencing_token
        self.recorder = Recorder(job.run.log_bytes)
        self.ending = False  # from the moment at which this attempt itself gives up the fence
        self.committing = False  # while the handler's last transaction holds the job
        self._stop = Stop(job.pk)
        self._writing = threading.Lock()  # between drain and write, so that no line is overtaken by the end

    @property
    def job_id(self) -> int:
        """The job's id."""
        return self.job.pk

    @property
    def project_id(self) -> int:
        """The id of the job's project."""
        return self.job.project_id

    @property
    def parameters(self) -> dict[str, Any]:
        """The job's parameters."""
        parameters: dict[str, Any] = self.job.parameters
        return parameters

    @property
    def attempt(self) -> int:
        """The number of this attempt, from 1."""
        return self.job.attempt

    @property
    def stop_reason(self) -> StopReason | None:
        """Why the attempt must end, None while it may go on."""
        return self._stop.reason

    def progress(self, percent: int, step: str) -> None:
        """See JobRunContext."""
        self.raise_if_cancelled()
        self.recorder.progress(percent, step)

    def log(self, level: LogLevel, message: str, source: str = "") -> None:
        """See JobRunContext."""
        self.recorder.log(level, message, source)

    def raise_if_cancelled(self) -> None:
        """See JobRunContext."""
        if self._stop.reason is not None:
            raise self._stop.exception()

    def on_cancel(self, hook: KillHook) -> None:
        """See JobRunContext. A hook that comes after the end of the attempt is called at once."""
        self._stop.add(hook)

    def stop(self, reason: StopReason) -> None:
        """Mark the attempt as ending, call its kill hooks once, and return when they are done (in time)."""
        self._stop.begin(reason)

    def flush(self) -> None:
        """Write what was collected. Raises LeaseLost, or the database's error; nothing collected is lost then."""
        with self._writing:
            batch = self.recorder.drain()
            try:
                if batch.entries:
                    append(self.job, batch.entries, fence=self.token, run_values=batch.run_values())
                    return
            except BaseException:
                self.recorder.restore(batch)
                raise
            self.recorder.restore(batch)

    @contextmanager
    def commit(self, result: dict[str, Any]) -> Iterator[None]:
        """See JobRunContext."""
        self.raise_if_cancelled()
        # The work may have outlived a restart of the database; find out before and not in the middle.
        reconnect_if_lost()
        try:
            with transaction.atomic():
                lease.hold(self.job_id, self.token)
                self.committing = True
                yield
                self.finish(
                    JobStatus.COMPLETED, reason="completed", job_values={"result": json_value(result)}
                )
        except BaseException:
            self.ending = False
            raise
        finally:
            self.committing = False

    @contextmanager
    def fenced(self) -> Iterator[None]:
        """See JobRunContext."""
        self.raise_if_cancelled()
        with transaction.atomic():
            lease.hold(self.job_id, self.token)
            yield

    def hand_over(self, *, skipped: int = 0) -> None:
        """See JobRunContext."""
        with self._giving_up() as batch:
            self._left(
                await_children(
                    self.job_id,
                    skipped=skipped,
                    fence=self.token,
                    before=batch.entries,
                    run_values=batch.run_values(),
                )
            )

    def finish(
        self,
        to: JobStatus,
        *,
        reason: str,
        job_values: dict[str, Any] | None = None,
        details: dict[str, Any] | None = None,
    ) -> Job | None:
        """End the job with what was collected written first. Raises LeaseLost; None when it has already ended."""
        with self._giving_up() as batch:
            return self._left(
                transition(
                    self.job_id,
                    to,
                    sources={JobStatus.RUNNING},
                    reason=reason,
                    fence=self.token,
                    job_values=job_values,
                    run_values=batch.run_values(),
                    details=self._with_receipts(details),
                    before=batch.entries,
                )
            )

    def requeue(
        self,
        *,
        reason: str,
        delay_seconds: float = 0,
        job_values: dict[str, Any] | None = None,
        details: dict[str, Any] | None = None,
    ) -> Job | None:
        """Hand the job back to the queue. Raises LeaseLost; None when it has already ended."""
        with self._giving_up() as batch:
            return self._left(
                enqueue(
                    self.job_id,
                    sources={JobStatus.RUNNING},
                    reason=reason,
                    delay_seconds=delay_seconds,
                    fence=self.token,
                    job_values=job_values,
                    run_values=batch.run_values(),
                    details=self._with_receipts(details),
                    before=batch.entries,
                )
            )

    @staticmethod
    def _left(job: Job | None) -> Job | None:
        if job is not None:
            job_left(job)
        return job

    @contextmanager
    def _giving_up(self) -> Iterator[Batch]:
        with self._writing:
            batch = self.recorder.drain()
            self.ending = True
            try:
                yield batch
            except BaseException:
                self.ending = False
                self.recorder.restore(batch)
                raise

    def _with_receipts(self, details: dict[str, Any] | None) -> dict[str, Any]:
        receipts = self._stop.receipts
        return {**(details or {}), **({"receipts": json_value(receipts)} if receipts else {})}
