"""Why an attempt must end, and the ending of its work's processes, once, with receipts."""

from __future__ import annotations

import threading
from typing import Any, Literal

import structlog

from jobs.exceptions import JobCancelled, LeaseLost, Stopped, TimeLimitReached, WorkerStopping
from jobs.handlers import KillHook

StopReason = Literal["cancelled", "time_limit", "worker_stopping", "lease_lost"]
MAX_HOOKS = 100
HOOK_SECONDS = 5.0  # that kill hooks get before the attempt goes on without their receipts

log = structlog.get_logger(__name__)


class Stop:
    """The end of one attempt from outside. Shared by the handler's thread and its supervisor."""

    def __init__(self, job_id: int) -> None:
        """Begin with nothing that must end."""
        self.reason: StopReason | None = None
        self.receipts: list[dict[str, Any]] = []  # what the kill hooks did: pids, signal, seconds
        self._job_id = job_id
        self._hooks: list[KillHook] = []
        self._begun = False
        self._settled = threading.Event()
        self._lock = threading.Lock()

    def exception(self) -> Stopped:
        """Return what says in the handler why the attempt must end."""
        match self.reason:
            case "cancelled":
                return JobCancelled("Cancellation was asked for.")
            case "time_limit":
                return TimeLimitReached("The job used up its time.")
            case "worker_stopping":
                return WorkerStopping("The worker stops; another one runs the job again.")
            case _:
                return LeaseLost("Another attempt may own this job.")

    def add(self, hook: KillHook) -> None:
        """Keep a kill hook; one that comes after the beginning of the end is called at once."""
        with self._lock:
            if not self._begun:
                if len(self._hooks) >= MAX_HOOKS:
                    raise ValueError(f"An attempt takes at most {MAX_HOOKS} kill hooks.")
                self._hooks.append(hook)
                return
        self._call(hook)

    def begin(self, reason: StopReason) -> None:
        """Call the kill hooks once, and return when they are done (in time).

        Several threads may ask; the first one's reason stands, and every one waits for the same receipts.
        """
        with self._lock:
            self.reason = self.reason or reason
            hooks, self._hooks = self._hooks, []
            first, self._begun = not self._begun, True
        if not first:
            self._settled.wait(HOOK_SECONDS)
            return
        log.info("attempt stopped", action="stop", job_id=self._job_id, reason=reason)
        for hook in hooks:
            self._call(hook)
        self._settled.set()

    def _call(self, hook: KillHook) -> None:
        try:
            receipt = hook()
        except Exception as error:  # the other hooks must still run
            log.exception("kill hook failed", action="stop", job_id=self._job_id)
            receipt = {"error": type(error).__name__}
        if receipt:
            self.receipts.append(dict(receipt))
