"""How many empty jobs a second two pool processes bring to their end, beside bare tasks with an INSERT and an UPDATE."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import psutil
import psycopg

from bench.report import Figure, Report

if TYPE_CHECKING:
    from bench.jobs import Platform

JOBS = 400
SECONDS = 60.0
_BARE = """
    CREATE TABLE IF NOT EXISTS bench_bare (
        id bigserial PRIMARY KEY, number int, status text, begun timestamptz, ended timestamptz)
"""


def measure(report: Report, platform: Platform) -> None:
    """Add the ratio of both rates; each drains a full queue with a worker of its own."""
    with psycopg.connect(platform.environ["DATABASE_URL"], autocommit=True) as connection:
        plain, lasting = (_bare(connection, platform, lasting=lasting) for lasting in (False, True))
        first = platform.answer("fill", platform.project, JOBS)["first"]
        with _worker(platform, "bench"):
            ours = _rate(
                connection,
                "SELECT count(*), min(started_at), max(completed_at) FROM jobs_job"
                f" WHERE id >= {first} AND job_type = 'import' AND status = 'completed'",
            )
    report.add(
        Figure(
            "bare tasks / empty jobs, drained by two processes",
            plain / ours,
            "x",
            2.0,
            f"bare tasks with an INSERT and an UPDATE, as Celery runs them: {plain:.0f} a second",
            (),
            f"{ours:.0f} jobs a second, {ours / plain:.2f} of the bare rate",
        )
    )
    report.add(
        Figure(
            "bare tasks on a lasting connection / empty jobs",
            lasting / ours,
            "x",
            None,
            f"the same over connections that last, as our workers have them: {lasting:.0f} a second",
            (),
            f"{ours / lasting:.2f} of that rate",
        )
    )


def _bare(connection: Any, platform: Platform, *, lasting: bool) -> float:
    connection.execute(_BARE)
    platform.answer("push_bare", JOBS, int(lasting))
    with _worker(platform, "bench-bare"):
        rate = _rate(
            connection, "SELECT count(*), min(begun), max(ended) FROM bench_bare WHERE ended IS NOT NULL"
        )
    connection.execute("DROP TABLE bench_bare")
    return rate


def _rate(connection: Any, statement: str) -> float:
    """Wait until all have ended and return how many ended a second, from the first start to the last end."""
    until = time.monotonic() + SECONDS
    while True:
        count, begun, ended = connection.execute(statement).fetchone()
        if count >= JOBS:
            return float(count / (ended - begun).total_seconds())
        if time.monotonic() > until:
            raise SystemExit(f"Only {count} of {JOBS} ended within {SECONDS:.0f} s.")
        time.sleep(0.2)


@contextmanager
def _worker(platform: Platform, queue: str) -> Iterator[None]:
    """Run a worker with two pool processes on a queue, as the platform runs its own; nothing of it stays."""
    argv = [sys.executable, "-m", "celery", "-A", "commandcenter", "--skip-checks", "worker"]
    argv += [
        "-n",
        f"{queue}@%h",
        "-Q",
        queue,
        "-c",
        "2",
        "-O",
        "fair",
        "--without-gossip",
        "--without-mingle",
    ]
    process = subprocess.Popen(
        [*argv, "--without-heartbeat"],
        env=platform.environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield
    finally:
        below = psutil.Process(process.pid).children(recursive=True) if process.poll() is None else []
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(20)
        for child in psutil.wait_procs(below, timeout=5)[1]:
            child.kill()
