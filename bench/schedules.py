"""A hundred thousand schedules: a tick that finds nothing, a thousand due, all of them due by four processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.report import Figure, Report, median, p95
from commandcenter.embedded import ports, servers
from commandcenter.embedded.environment import environment
from commandcenter.embedded.layout import Layout
from commandcenter.embedded.postgres import Postgres
from commandcenter.embedded.valkey import Valkey
from tests.embedded.running import data_folder

ROOT = Path(__file__).resolve().parent.parent
SETTINGS = {"DJANGO_SETTINGS_MODULE": "bench.settings", "CC_LOG_LEVEL": "ERROR", "CC_PROCESS": "worker"}
SCHEDULES = 100_000
PROCESSES = 4
BATCH = 200
SECONDS = 300.0


class Steps:
    """Steps of `bench.ticking` on servers of their own."""

    def __init__(self, environ: dict[str, str]) -> None:
        self.environ = environ

    def _start(self, step: str, *arguments: int) -> subprocess.Popen[str]:
        argv = [sys.executable, "-m", "bench.ticking", step, *map(str, arguments)]
        return subprocess.Popen(
            argv, cwd=ROOT, env=self.environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def answer(self, step: str, *arguments: int) -> Any:
        """Run one and return what it printed."""
        return _outcome(self._start(step, *arguments))

    def together(self, step: str, due: int, processes: int) -> list[dict[str, float]]:
        """Run some that begin at the same time, when so many schedules have become due; return what each printed."""
        started = [self._start(step, BATCH) for _ in range(processes)]
        try:
            for each in started:
                if each.stdout is None or each.stdout.readline() != "ready\n":
                    raise SystemExit(f"{each.args!r} did not begin.")
            self.answer("make_due", due)
            for each in started:
                if each.stdin is not None:
                    each.stdin.write("\n")
                    each.stdin.flush()
            return [_outcome(each) for each in started]
        finally:
            for each in started:
                each.kill()


def _outcome(process: subprocess.Popen[str]) -> Any:
    try:
        output, _ = process.communicate(timeout=SECONDS)
    finally:
        process.kill()
    if process.returncode:
        raise SystemExit(f"{process.args!r} ended with {process.returncode}")
    return json.loads(output.splitlines()[-1])


@contextmanager
def running() -> Iterator[Steps]:
    """Start PostgreSQL, broker and cache as `manage.py up` does, and nothing on them."""
    with data_folder() as base:
        layout = Layout(base / "data")
        layout.prepare()
        found = environment(layout.data, {"CC_PORT": str(ports.choose())})
        environ = {**os.environ, **found, **SETTINGS}
        children: list[tuple[Any, subprocess.Popen[bytes]]] = []
        wanted: list[servers.Server] = [Postgres(layout), Valkey(layout, "broker"), Valkey(layout, "cache")]
        try:
            servers.start(layout, wanted, lambda server, child: children.append((server.stop_signal, child)))
            argv = [sys.executable, str(ROOT / "manage.py"), "migrate", "--verbosity", "0"]
            subprocess.run(argv, env=environ, check=True, timeout=180)
            yield Steps(environ)
        finally:
            servers.stop(children)


def measure(report: Report) -> None:
    """Add the figures of the tick."""
    with running() as steps:
        steps.answer("fill", SCHEDULES)
        taken = steps.answer("idle", 205)["ms"]
        report.add(
            Figure(
                "tick of 100,000 schedules, none due",
                median(taken),
                "ms",
                2.0,
                "",
                (),
                f"p95 {p95(taken):.2f} ms",
            )
        )
        _next_runs(report, steps)
        seconds, _ = _drained(steps, "drain", 1000, processes=1)
        report.add(Figure("1,000 due schedules dispatched by one process", seconds, "s", 2.0))
        all_at_once(report, steps, SCHEDULES)


def _next_runs(report: Report, steps: Steps) -> None:
    found = steps.answer("compute", 2000)
    mixed = found.pop("mixed")
    note = ", ".join(f"{name} {value:.3f}" for name, value in found.items())
    report.add(Figure("next run of a schedule computed, kinds mixed", mixed, "ms", 0.2, "", (), note))


def all_at_once(report: Report, steps: Steps, count: int) -> None:
    """Let all be due, for four processes that tick and for four bare loops, one after the other."""
    _drained(steps, "drain", 1, processes=1)  # leaves the rows that the bare loops copy
    bare, _ = _drained(steps, "by_hand", count)
    ours, ticked = _drained(steps, "drain", count)
    floor = f"bare loops with the same rows and messages: {bare:.1f} s, {count / bare:,.0f} a second"
    report.add(
        Figure(
            f"{count:,} due by four processes / the same by bare loops",
            ours / bare,
            "x",
            2.0,
            floor,
            (),
            f"{ours:.1f} s, {count / ours:,.0f} a second",
        )
    )
    report.add(Figure("memory of a process that ticks", max(each["mb"] for each in ticked), "MB", 100.0))


def _drained(
    steps: Steps, step: str, count: int, *, processes: int = PROCESSES
) -> tuple[float, list[dict[str, float]]]:
    """Let processes take what is due; return the seconds until the last was done. Each run has one job and one message."""
    found = steps.together(step, count, processes)
    left = steps.answer("count")
    if set(left.values()) != {count}:
        raise SystemExit(f"{count} schedules were due, and {step} left {left}.")
    return max(each["seconds"] for each in found), found
