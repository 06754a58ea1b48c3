"""Webhooks to a receiver on this machine: what a drain sends, how soon an event arrives, what a dead endpoint costs others."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from bench.report import Figure, Report, median, p95
from bench.schedules import ROOT, running
from commandcenter.embedded.processes import worker
from tests.embedded.running import until

ENDPOINTS = 2_000
EACH = 10  # deliveries of each that is not dead
DEAD = 200_000
EVENTS = 150
MEMORY_SECONDS = 20
MOST_SECONDS = 240


class Bench:
    """Steps of `bench.posting` on servers of their own, and a receiver."""

    def __init__(self, environ: dict[str, str]) -> None:
        self.environ = {
            **environ,
            "DJANGO_SETTINGS_MODULE": "commandcenter.settings.production",
            "CC_OUTBOUND_ALLOW": "127.0.0.0/8",
        }
        self.receiver = subprocess.Popen(
            [sys.executable, "-m", "bench.receiving"],
            cwd=ROOT, env=self.environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        self.port = int(self.receiver.stdout.readline()) if self.receiver.stdout else 0

    def step(self, name: str, *arguments: int) -> Any:
        """Run one and return what it printed."""
        argv = [sys.executable, "-m", "bench.posting", name, *map(str, arguments)]
        done = subprocess.run(
            argv, cwd=ROOT, env=self.environ, stdout=subprocess.PIPE, text=True, timeout=400, check=True
        )
        return json.loads(done.stdout.splitlines()[-1])

    def received(self) -> dict[str, float]:
        """Return when each message came first."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/log", timeout=30) as answer:
            found: dict[str, float] = json.load(answer)
            return found

    @contextmanager
    def workers(self) -> Iterator[None]:
        """Run the workers that a commit needs, as `up` does."""
        started = [
            subprocess.Popen(
                worker(name).argv, cwd=ROOT, env=self.environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )
            for name in ("system", "webhooks")
        ]  # fmt: skip
        try:
            yield
        finally:
            for each in started:
                each.kill()
                each.wait(10)


def measure(report: Report) -> None:
    """Add the figures of webhooks."""
    with running() as steps:
        bench = Bench(steps.environ)
        try:
            _latency(report, bench)
            bench.step("endpoints", ENDPOINTS, bench.port)
            taken = bench.step("idle", 55)["ms"]
            note = f"p95 {p95(taken):.1f} ms; its claim looks at each endpoint"
            report.add(
                Figure(f"turn of a sender, {ENDPOINTS:,} endpoints, none due", median(taken), "ms", None, "", (), note)
            )  # fmt: skip
            _drain(report, bench)
            _memory(report, bench)
        finally:
            bench.receiver.kill()


def _latency(report: Report, bench: Bench) -> None:
    project = bench.step("listen", 1, bench.port)["project"]
    with bench.workers():
        first = bench.step("emit", project, 1, 1, 1)["committed"]
        until(lambda: first.keys() <= bench.received().keys(), "the first delivery", 120)
        for name, least, most in (("now and then", 300, 700), ("every 20 to 100 ms", 20, 100)):
            committed = bench.step("emit", project, EVENTS, least, most)["committed"]
            until(lambda sent=committed: sent.keys() <= bench.received().keys(), "all deliveries", 60)  # type: ignore[misc]
            came = bench.received()
            taken = [(came[uid] - moment) * 1000 for uid, moment in committed.items()]
            report.add(Figure(f"commit to receipt, events {name}, p50", median(taken), "ms", 50.0))
            report.add(Figure(f"commit to receipt, events {name}, p95", p95(taken), "ms", 150.0))


def _drain(report: Report, bench: Bench) -> None:
    count = (ENDPOINTS - 1) * EACH
    floor = bench.step("bare", count, bench.port)["seconds"]
    alone = _sent(bench, count, 0)
    report.add(
        Figure(
            "drain / bare loop that signs and posts the same", alone / floor, "x", 2.0,
            f"{count / floor:,.0f} a second", (), f"{count / alone:,.0f} a second",
        )
    )  # fmt: skip
    report.add(Figure("drain, with attempts recorded, for each delivery", alone * 1000 / count, "ms", 1.0))
    for name, hangs in (("refuses", 0), ("hangs", 1)):
        bench.step("point", bench.port, hangs)
        beside = _sent(bench, count, DEAD)
        report.add(
            Figure(
                f"the same beside {DEAD:,} due at an endpoint that {name}", beside / alone, "x", 1.1,
                "", (), f"{count / beside:,.0f} a second",
            )
        )  # fmt: skip


def _sent(bench: Bench, count: int, dead: int) -> float:
    bench.step("due", EACH, dead)
    time.sleep(1)  # after the checkpoint
    found = bench.step("drain", count, MOST_SECONDS)
    if found["done"] < count:
        raise SystemExit(f"Only {found['done']:,} of {count:,} deliveries were sent.")
    return float(found["seconds"])


def _memory(report: Report, bench: Bench) -> None:
    bench.step("due", 50, 0)
    found = bench.step("drain", 50 * (ENDPOINTS - 1), MEMORY_SECONDS)
    note = f"after {found['done']:,} of {50 * (ENDPOINTS - 1):,}"
    report.add(Figure("memory of a sender with 100,000 due", found["mb"], "MB", 200.0, "", (), note))
