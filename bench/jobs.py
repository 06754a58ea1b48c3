"""Jobs on a running platform: making them, listing a million, hearing of them, and draining empty ones."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench import corpus, drain, findings, lists, news
from bench.platform import USER, Client
from bench.report import Figure, Report, median, p95
from commandcenter.embedded.layout import running_environment
from tests.embedded.running import Up, data_folder, until

ROOT = Path(__file__).resolve().parent.parent
POSTS = 200
SETTINGS = {"DJANGO_SETTINGS_MODULE": "bench.settings", "CC_LOG_LEVEL": "ERROR"}


@dataclass(frozen=True, slots=True)
class Platform:
    """A running platform as its measurers see it."""

    client: Client
    environ: dict[str, str]
    project: int

    def inside(self, step: str, *arguments: float) -> subprocess.Popen[str]:
        """Start a step of `bench.inside` in a process of its own."""
        argv = [sys.executable, "-m", "bench.inside", step, *map(str, arguments)]
        return subprocess.Popen(argv, cwd=ROOT, env=self.environ, stdout=subprocess.PIPE, text=True)

    def answer(self, step: str, *arguments: float) -> Any:
        """Run a step and return what it printed."""
        return outcome(self.inside(step, *arguments))


def outcome(process: subprocess.Popen[str]) -> Any:
    """Wait for a step and return what it printed; one that fails ends the run."""
    try:
        output, _ = process.communicate(timeout=120)
    finally:
        process.kill()
    if process.returncode:
        raise SystemExit(f"{process.args!r} ended with {process.returncode}")
    return json.loads(output.splitlines()[-1])


def measure(report: Report) -> None:
    """Start a platform on a fresh data folder and add its figures about jobs."""
    password = secrets.token_urlsafe(16)
    with data_folder() as base:
        tiny = base / "tiny"
        tiny.mkdir()
        (tiny / "hello.py").write_text("print('hello')\n")
        corpus.git(tiny, "init", "-q", "-b", "main")
        corpus.commit(tiny, "first")
        credentials = {"CC_ADMIN_USER": USER, "CC_ADMIN_PASSWORD": password}
        up = Up(base / "data", tiny, CC_RATE_LIMITS="off", **credentials, **SETTINGS)
        try:
            up.start()
            until(up.announced, "the start", 180)
            client = Client(up.port, password)
            until(
                lambda: client.call("GET", "/analyses?status=complete")["results"], "the first analysis", 120
            )
            found = running_environment(up.data)
            if found is None:
                raise SystemExit("The platform is not running.")
            environ = {**os.environ, **found, **SETTINGS, "CC_DATA_DIR": str(up.data), "CC_PROCESS": "worker"}
            project = client.call("GET", "/repositories")["results"][0]["project"]
            platform = Platform(client, environ, project)
            drain.measure(
                report, platform
            )  # first: what the others leave in the queue would be drained as well
            news.measure(report, platform)
            posts(report, platform)
            lists.measure(report, platform)
            findings.measure(report, environ, ROOT)
        finally:
            up.end()


def posts(report: Report, platform: Platform) -> None:
    """Measure POST /jobs against its rows and its message by hand."""
    body = {"project": platform.project, "job_type": "import", "parameters": {}, "tags": {"team": "core"}}
    job = platform.client.call("POST", "/jobs", body)["id"]
    # In turns, so that both see the same machine.
    over_http: list[float] = []
    hand: list[float] = []
    flow: list[float] = []
    for _ in range(2):
        over_http += platform.client.timed("POST", "/jobs", body, POSTS // 2)
        flow += platform.answer("flow", platform.project, POSTS // 2)["ms"][5:]
        hand += platform.answer("by_hand", job, POSTS // 2)["ms"][5:]
    floor = f"by hand, one connection: {median(hand):.1f} ms, p95 {p95(hand):.1f}"
    note = f"median {median(over_http):.1f} ms"
    report.add(
        Figure("POST of a job, created and dispatched, p95", p95(over_http), "ms", 15.0, floor, (), note)
    )
    report.add(
        Figure(
            "POST of a job / its INSERTs and one push by hand",
            median(over_http) / median(hand),
            "x",
            2.0,
            floor,
            (),
            f"{note}; p95 / p95 {p95(over_http) / p95(hand):.2f}",
        )
    )
    report.add(
        Figure(
            "creating a job without HTTP / the same by hand",
            median(flow) / median(hand),
            "x",
            None,
            floor,
            (),
            f"median {median(flow):.1f} ms; p95 / p95 {p95(flow) / p95(hand):.2f}",
        )
    )
