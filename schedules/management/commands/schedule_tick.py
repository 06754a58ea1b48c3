"""`manage.py schedule_tick`: starts what is due, once or for ever, without Celery."""

from __future__ import annotations

import signal
import sys
import threading
from typing import Any, NoReturn

from django.core.management.base import BaseCommand, CommandParser
from django.db import DatabaseError, InterfaceError, close_old_connections

from schedules.tasks import LATE_SECONDS
from schedules.ticking import outcomes
from schedules.ticking.overruns import find_overruns
from schedules.ticking.soon import due_within
from schedules.ticking.tick import Ticked, tick

DONE, FAILED, BAD_INPUT = 0, 1, 2
SETTLE_EVERY = 12  # ticks


class Command(BaseCommand):
    """End with 0 done or stopped, 1 the database failed, 2 bad input."""

    help = (
        "Start the jobs of all schedules that are due. With --loop it goes on until SIGTERM or SIGINT, as beat and a "
        "worker would; any number of them may run at once. Exit status: 0 done or stopped, 1 the database failed "
        "(with --loop it tries again), 2 bad input."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the options."""
        parser.add_argument("--loop", action="store_true", help="tick again and again")
        parser.add_argument(
            "--every", type=float, default=5.0, help="seconds between two ticks at most (default: 5)"
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        """Tick and say what was done."""
        if not 0.1 <= options["every"] <= 3600:
            self._end(BAD_INPUT, "--every must lie between 0.1 and 3600 seconds.")
        if options["loop"]:
            self._loop(options["every"])
            return
        try:
            outcomes.sweep()
            find_overruns()
            done = tick()
        except (DatabaseError, InterfaceError) as error:
            self._end(
                FAILED, f"The database failed: {_first_line(error)} What is due is started by the next tick."
            )
        self.stdout.write(_said(done))

    def _loop(self, every: float) -> None:
        stopped = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stopped.set())
        count = 0
        while not stopped.is_set():
            try:
                close_old_connections()
                if count % SETTLE_EVERY == 0:
                    outcomes.sweep()
                    find_overruns()
                done = tick()
                count += 1
                if done.claimed:
                    self.stdout.write(_said(done))
            except (DatabaseError, InterfaceError) as error:
                self.stderr.write(f"The database failed: {_first_line(error)} The next tick tries again.")
            stopped.wait(self._pause(every))

    def _pause(self, every: float) -> float:
        """Return how long to wait: until something is due, but no longer than asked."""
        try:
            return min([every, *(seconds + LATE_SECONDS for seconds in due_within(every)[:1])])
        except (DatabaseError, InterfaceError):
            return every  # the next tick says so

    def _end(self, status: int, message: str) -> NoReturn:
        self.stderr.write(message)
        sys.exit(status)


def _first_line(error: Exception) -> str:
    lines = str(error).splitlines()
    return f"{lines[0] if lines else type(error).__name__}."


def _said(done: Ticked) -> str:
    parts = [f"{done.claimed:,} due", f"{done.started:,} started", f"{done.skipped:,} skipped or waiting"]
    if done.refused:
        parts.append(f"{done.refused:,} refused and paused")
    return ", ".join(parts)
