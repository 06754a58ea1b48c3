"""Keeping one part running: its present child, how often it died lately, when it is due again."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass

from commandcenter.embedded.identity import Identity
from commandcenter.embedded.leftovers import Record
from commandcenter.embedded.spawn import ended

QUICK_SECONDS = 10.0  # a part that dies sooner after its start died quickly
QUICK_DEATHS = 5  # so many in a row are started again at once
FIRST_BACKOFF, LAST_BACKOFF = 2.0, 30.0


@dataclass
class Part:
    """A server or a process that shall run. `start` makes its next child."""

    name: str
    start: Callable[[], subprocess.Popen[bytes]]
    stop_signal: signal.Signals
    server: bool
    hurry_signal: signal.Signals = signal.SIGKILL
    child: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    quick_deaths: int = 0
    due: float = 0.0

    def run(self) -> None:
        """Start the next child."""
        self.adopt(self.start())

    def adopt(self, child: subprocess.Popen[bytes]) -> None:
        """Take over a child that was started elsewhere."""
        self.child = child
        self.started_at = time.monotonic()

    def died(self) -> int | None:
        """Return the exit code of a child that has ended since the last call (minus the signal), None otherwise.

        Sets when the next one is due: at once, or after 2 s and then ever later once it died quickly five times.
        """
        if self.child is None or not ended(self.child):
            return None
        code = self.child.returncode
        self.child = None
        now = time.monotonic()
        self.quick_deaths = self.quick_deaths + 1 if now - self.started_at < QUICK_SECONDS else 1
        self.due = now + self.backoff()
        return code

    def backoff(self) -> float:
        """Return how many seconds to wait before the next start."""
        late = self.quick_deaths - QUICK_DEATHS
        return 0.1 if late <= 0 else float(min(LAST_BACKOFF, FIRST_BACKOFF * 2.0 ** (late - 1)))

    def record(self) -> Record | None:
        """Return what the next start has to know to end this child."""
        identity = Identity.of(self.child.pid) if self.child else None
        return (
            Record(self.name, identity, self.stop_signal if self.server else signal.SIGKILL)
            if identity
            else None
        )
