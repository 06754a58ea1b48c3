"""Watches over one attempt from two threads: one that talks to the database, one that only looks at the clock.

They are apart because a database that hangs must not keep this process from noticing that its lease has run out.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from types import TracebackType

import structlog
from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection

from jobs.exceptions import LeaseLost
from jobs.models import JobStatus
from jobs.running import lease, shutdown
from jobs.running.attempt import Attempt
from jobs.running.ending import HOOK_SECONDS, StopReason

TICK_SECONDS = 0.25  # progress and log are written this often
LOOK_SECONDS = 0.5  # cancellation is seen within this
UNWIND_SECONDS = 4.0  # that a handler gets to notice that it was cancelled, or that its worker stops
EXIT_CODE = 70

log = structlog.get_logger(__name__)
_expendable_process: int | None = None


def mark_process_expendable() -> None:
    """Say that this process runs one job at a time and nothing else, so that it may end itself for its job."""
    global _expendable_process  # noqa: PLW0603  (one fact about the process, set once at its start)
    _expendable_process = os.getpid()


def end_process() -> bool:
    """End a pool's process without any clean-up that could write; do nothing (False) in any other process.

    A worker without a pool is one of the others, until the grace of its own end is over.
    """
    if _expendable_process != os.getpid() and not shutdown.grace_over():
        return False
    os._exit(EXIT_CODE)


class Supervisor:
    """Renews the lease, sees cancellation and time limits, writes progress. Use as a context manager."""

    def __init__(self, attempt: Attempt, soft_seconds: float) -> None:
        """Prepare for an attempt that was claimed just now."""
        self._attempt = attempt
        self._deadline = (
            time.monotonic() + soft_seconds + 1
        )  # Celery's own signal comes first where there is one
        self._renewed = time.monotonic()
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._guarded(target), name=name, daemon=True)
            for target, name in ((self._beat, "job-beat"), (self._watch, "job-watch"))
        ]

    def __enter__(self) -> Supervisor:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Stop both threads; a database that hangs keeps its thread, which is a daemon, from being waited for."""
        self._stop.set()
        for thread in self._threads:
            if thread is not threading.current_thread():
                thread.join(timeout=HOOK_SECONDS)

    def _guarded(self, target: Callable[[], None]) -> Callable[[], None]:
        def run() -> None:
            try:
                target()
            except Exception:  # a thread that dies silently would leave the job without a heartbeat
                log.exception("supervisor failed", action="supervise", job_id=self._attempt.job_id)
                self._lost()

        return run

    def _beat(self) -> None:
        """Write and renew on a connection of this thread's own, opened only when there is something to do."""
        next_look = time.monotonic() + LOOK_SECONDS
        next_beat = time.monotonic() + settings.JOB_HEARTBEAT_SECONDS
        unwind_until: float | None = None
        try:
            while not self._stop.wait(TICK_SECONDS):
                now = time.monotonic()
                try:
                    self._attempt.flush()
                    if now >= next_beat:
                        next_beat = now + settings.JOB_HEARTBEAT_SECONDS
                        self._see(lease.renew(self._attempt.job_id, self._attempt.token))
                        self._renewed = now
                    elif now >= next_look:
                        next_look = now + LOOK_SECONDS
                        self._see(lease.look(self._attempt.job_id, self._attempt.token))
                except LeaseLost:
                    if not self._attempt.ending:
                        self._lost()
                    return
                except (DatabaseError, InterfaceError) as error:
                    log.warning(
                        "heartbeat missed", action="beat", job_id=self._attempt.job_id, error=str(error)
                    )
                    connection.close()
                if self._attempt.committing:
                    # Nearly done. Whoever ended it now would wait for the lock that it holds, and it for him.
                    unwind_until = None
                    continue
                if shutdown.grace_over() and self._attempt.stop_reason is None and not self._attempt.ending:
                    self._end("worker_stopping")
                if self._attempt.stop_reason in {"cancelled", "worker_stopping"}:
                    unwind_until = unwind_until or now + UNWIND_SECONDS
                    if now > unwind_until:
                        self._abandon()
                        return
        finally:
            connection.close()

    def _see(self, renewal: lease.Renewal) -> None:
        if renewal.cancel_requested and self._attempt.stop_reason is None and not self._attempt.ending:
            self._end("cancelled")

    def _watch(self) -> None:
        """Compare clocks, and nothing that could block."""
        patience = min(2.2 * settings.JOB_HEARTBEAT_SECONDS, 0.8 * settings.JOB_LEASE_SECONDS)
        while not self._stop.wait(TICK_SECONDS):
            now = time.monotonic()
            if now - self._renewed > patience and not self._attempt.ending:
                log.error("lease not renewed", action="lease_lost", job_id=self._attempt.job_id)
                self._lost()
                return
            if now > self._deadline and self._attempt.stop_reason is None:
                self._end("time_limit")

    def _lost(self) -> None:
        """End the work, and this process where it exists for this one job: another worker may have it already."""
        self._end("lease_lost").join(timeout=HOOK_SECONDS)
        end_process()

    def _end(self, reason: StopReason) -> threading.Thread:
        """Stop the attempt from a thread of its own: kill hooks take their time, and heartbeats must go on."""
        ender = threading.Thread(target=self._attempt.stop, args=(reason,), name="job-end", daemon=True)
        ender.start()
        return ender

    def _abandon(self) -> None:
        """Record the end of a handler that does not notice it, and end its process where that is possible."""
        details = {"unwound": False}
        try:
            if self._attempt.stop_reason == "worker_stopping":
                self._attempt.requeue(reason="worker_stopped", details=details)
            else:
                self._attempt.finish(JobStatus.CANCELLED, reason="cancelled", details=details)
        except LeaseLost:
            return
        end_process()
