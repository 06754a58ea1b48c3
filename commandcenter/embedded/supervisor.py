"""Keeps servers and processes running, and stops them in order."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial

from commandcenter.embedded import logs, servers
from commandcenter.embedded.errors import EmbeddedError, StopRequested
from commandcenter.embedded.files import last_lines
from commandcenter.embedded.layout import Layout
from commandcenter.embedded.leftovers import remember
from commandcenter.embedded.parts import QUICK_DEATHS, Part
from commandcenter.embedded.processes import CHECKOUT, Process
from commandcenter.embedded.spawn import Command, ended, kill_group, send, spawn, wait_ended
from commandcenter.embedded.steps import Step, read_now

ROTATE_SECONDS = 60.0
BOOT_DEATHS = 3  # a process that dies so often before the first readiness ends the start


class Supervisor:
    """Owns every child of one `up`. All methods run in the main thread."""

    def __init__(self, layout: Layout, environ: Mapping[str, str], *, grace: float) -> None:
        self.layout = layout
        self.environ = environ
        self.grace = grace
        self.parts: list[Part] = []
        self.stop_requests = 0
        self._last_request = 0.0
        self._wake = os.pipe()
        for end in self._wake:
            os.set_blocking(end, False)

    # --- signals -------------------------------------------------------------------------------------------------

    @contextmanager
    def signals(self) -> Iterator[None]:
        """Turn SIGINT, SIGTERM and SIGHUP into a request to stop, and wake the loop when a child ends."""
        wanted = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        before = {signum: signal.signal(signum, self._request_stop) for signum in wanted}
        before[signal.SIGCHLD] = signal.signal(signal.SIGCHLD, lambda *_: None)
        old_wake = signal.set_wakeup_fd(self._wake[1], warn_on_full_buffer=False)
        try:
            yield
        finally:
            signal.set_wakeup_fd(old_wake)
            for signum, handler in before.items():
                signal.signal(signum, handler)
            for end in self._wake:
                os.close(end)

    def _request_stop(self, *_: object) -> None:
        # make and the terminal may both pass on one Ctrl-C: only a later one means "now".
        now = time.monotonic()
        if not self.stop_requests or now - self._last_request > 1.0:
            self.stop_requests += 1
        self._last_request = now

    def pulse(self) -> None:
        """Raise StopRequested when somebody asked to stop."""
        if self.stop_requests:
            raise StopRequested

    # --- starting ------------------------------------------------------------------------------------------------

    def start_servers(self, wanted: Sequence[servers.Server]) -> None:
        """Start the embedded servers and wait until they are ready."""

        def started(server: servers.Server, child: subprocess.Popen[bytes]) -> None:
            part = Part(server.name, server.spawn, server.stop_signal, server=True)
            part.adopt(child)
            self.parts.append(part)
            self._remember()

        servers.start(self.layout, wanted, started, self.pulse)

    def start_processes(self, wanted: Sequence[Process]) -> None:
        """Start web, workers and beat, side by side."""
        for process in wanted:
            part = Part(
                process.name,
                partial(self._spawn, process),
                process.stop_signal,
                server=False,
                hurry_signal=process.hurry_signal,
            )
            part.run()
            self.parts.append(part)
        self._remember()

    def _spawn(self, process: Process) -> subprocess.Popen[bytes]:
        environ = {**self.environ, "CC_PROCESS": process.kind, "PYTHONUNBUFFERED": "1"}
        environ.pop("CC_ADMIN_PASSWORD", None)  # for `prepare` alone
        return spawn(
            Command(
                process.argv,
                environ,
                self.layout.log(process.name),
                CHECKOUT,
                orphan_signal=process.orphan_signal,
            )
        )

    @contextmanager
    def step(self, name: str, argv: Sequence[str]) -> Iterator[Step]:
        """Start one command, and end it when the block is left."""
        step = Step(name, argv, {**self.environ, "CC_PROCESS": "command"}, self.layout.log(name))
        try:
            yield step
        finally:
            step.end()

    def output(self, step: Step, seconds: float) -> str:
        """Return what a step has printed at its end, while keeping everything running.

        Raises EmbeddedError when it fails or takes too long, StopRequested when somebody asks to stop meanwhile.
        """

        def wait(descriptor: int) -> bool:
            self.pulse()
            self.watch()
            readable = bool(select.select([descriptor, self._wake[0]], [], [], 0.5)[0])
            self._drain()
            return readable

        return step.output(seconds, wait)

    def wait_until(self, ready: Callable[[], bool], seconds: float, what: str) -> None:
        """Wait until ready() while keeping everything running; raise EmbeddedError when it does not come about."""
        deadline = time.monotonic() + seconds
        while not ready():
            self.pulse()
            self.watch()
            for part in self.parts:
                if part.quick_deaths >= BOOT_DEATHS:
                    log = self.layout.log(part.name)
                    raise EmbeddedError(
                        f"{part.name} ended {part.quick_deaths} times at its start; the last lines of {log}:{last_lines(log)}"
                    )
            if time.monotonic() > deadline:
                log = self.layout.log("web")
                raise EmbeddedError(
                    f"{what} within {seconds:.0f} s; the last lines of {log}:{last_lines(log)}"
                )
            self._sleep(0.1)

    # --- running -------------------------------------------------------------------------------------------------

    def run(self) -> None:
        """Keep everything running until somebody asks to stop."""
        rotated = time.monotonic()
        while not self.stop_requests:
            self.watch()
            now = time.monotonic()
            if now - rotated > ROTATE_SECONDS:
                logs.rotate(self.layout.path("logs"))
                rotated = now
            waiting = [part.due - now for part in self.parts if part.child is None]
            self._sleep(max(0.02, min([*waiting, ROTATE_SECONDS])))

    def watch(self) -> None:
        """Start again what has died, when it is due."""
        changed = False
        for part in self.parts:
            code = part.died()
            if code is not None:
                say(_obituary(part, code))
            if part.child is None and time.monotonic() >= part.due:
                part.run()
                changed = True
        if changed:
            self._remember()

    # --- stopping ------------------------------------------------------------------------------------------------

    def stop(self) -> None:
        """Stop web, beat and workers (which let jobs end or hand them back), then the servers; kill what does not end."""
        processes = [(part, part.child) for part in self.parts if part.child and not part.server]
        for part, child in processes:
            send(child, part.stop_signal)
        asked = self.stop_requests
        running = [child for _, child in processes]
        if not wait_ended(running, self.grace, hurry=lambda: self.stop_requests > max(asked, 1)):
            for part, child in processes:
                send(child, part.hurry_signal)
            if not wait_ended(running, 3.0):
                for child in running:
                    if not ended(child):
                        kill_group(child.pid, signal.SIGKILL)
                wait_ended(running, 5.0)
        servers.stop([(part.stop_signal, part.child) for part in self.parts if part.child and part.server])
        self.parts.clear()
        self.layout.services.unlink(missing_ok=True)
        self._remember()

    def _remember(self) -> None:
        remember(self.layout, [record for part in self.parts if (record := part.record())])

    def _sleep(self, seconds: float) -> None:
        """Sleep, unless a signal comes."""
        if select.select([self._wake[0]], [], [], seconds)[0]:
            self._drain()

    def _drain(self) -> None:
        while read_now(self._wake[0]):
            pass


def say(message: str) -> None:
    """Tell the person at the terminal about something that happened."""
    sys.stderr.write(f"[up] {message}\n")
    sys.stderr.flush()


def _obituary(part: Part, code: int) -> str:
    reason = f"signal {signal.Signals(-code).name}" if code < 0 else f"code {code}"
    if part.quick_deaths <= QUICK_DEATHS:
        return f"{part.name} ended ({reason}) and is started again."
    return (
        f"{part.name} ended ({reason}) soon after its start, {part.quick_deaths} times in a row; "
        f"it is started again in {part.backoff():.0f} s."
    )
