"""The running platform: start, rest, memory, and the way of a job from its POST to its end."""

from __future__ import annotations

import http.client
import json
import secrets
import statistics
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
from websockets.sync.client import ClientConnection, connect

from bench import corpus
from bench.report import Figure, Report, median
from tests.embedded.running import Up, data_folder, until

USER = "bench"
JOBS = 15
REST_SECONDS = 30.0
PATIENCE = 5.0  # seconds for which the server keeps a connection that nobody uses
TERMINAL = {"completed", "failed", "cancelled"}


class Client:
    """A person's program: the API over one connection, and sockets."""

    def __init__(self, port: int, password: str) -> None:
        self.port = port
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self.used = time.monotonic()
        self.token = ""
        self.token = self.call("POST", "/auth/token", {"username": USER, "password": password})["token"]

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """Return the answer's JSON; anything but success ends the run."""
        if time.monotonic() - self.used > PATIENCE:
            self.connection.close()  # the server has given it up by now; the next request opens another
            self.connection.connect()
        headers = {"Content-Type": "application/json", "Host": "localhost"}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        self.connection.request(
            method, f"/api/v1{path}", json.dumps(body) if body is not None else None, headers
        )
        response = self.connection.getresponse()
        text = response.read()
        self.used = time.monotonic()
        if response.status >= 300:
            raise SystemExit(f"{method} {path}: {response.status} {text.decode()[:500]}")
        return json.loads(text) if text else None

    def timed(self, method: str, path: str, body: Any, times: int) -> list[float]:
        """Call so many times and return the milliseconds of each, from sending to the whole answer."""
        taken = []
        for _ in range(times):
            begun = time.perf_counter()
            self.call(method, path, body)
            taken.append((time.perf_counter() - begun) * 1000)
        return taken

    def socket(self, path: str) -> ClientConnection:
        """Open a socket."""
        return connect(
            f"ws://127.0.0.1:{self.port}{path}",
            additional_headers={"Authorization": f"Bearer {self.token}"},
            proxy=None,
        )


def measure(report: Report, folder: Path) -> None:
    """Start a platform on a fresh data folder and add its figures."""
    password = secrets.token_urlsafe(16)
    with data_folder() as base:
        tiny = base / "tiny"
        tiny.mkdir()
        (tiny / "hello.py").write_text("print('hello')\n")
        corpus.git(tiny, "init", "-q", "-b", "main")
        corpus.commit(tiny, "first")
        up = Up(
            base / "data",
            tiny,
            CC_ADMIN_USER=USER,
            CC_ADMIN_PASSWORD=password,
            CC_RATE_LIMITS="off",
            CC_SOURCE_ROOTS=str(folder.parent),
        )
        try:
            begun = time.perf_counter()
            up.start()
            until(up.ready, "/health/ready", 180)
            report.add(
                Figure(
                    "start to /health/ready, installed, fresh data folder",
                    time.perf_counter() - begun,
                    "s",
                    12.0,
                )
            )
            client = Client(up.port, password)
            until(
                lambda: client.call("GET", "/analyses?status=complete")["results"], "the first analysis", 120
            )
            _jobs(report, client, up, folder)
            _rest(report, up)
        finally:
            up.end()


def _jobs(report: Report, client: Client, up: Up, folder: Path) -> None:
    tiny = client.call("GET", "/repositories")["results"][0]
    project = tiny["project"]
    run = [_follow(client, project, tiny["id"]) for _ in range(JOBS)]
    starts = [first * 1000 for first, _end in run]
    report.add(
        Figure(
            "POST of a job to its first running event",
            median(starts),
            "ms",
            100.0,
            "",
            tuple(starts),
            f"p95 {statistics.quantiles(starts, n=20)[-1]:.1f} ms",
        )
    )
    large = client.call(
        "POST", "/repositories", {"project": project, "name": "corpus", "source": str(folder)}
    )
    peak = _Peak(up)
    _first, seconds = _follow(client, project, large["id"], peak)
    report.add(Figure("cold analysis of the corpus as a job", seconds, "s"))
    report.add(Figure("largest worker process while analysing, RSS", peak.worker, "MB", 300.0))
    report.add(
        Figure(
            "largest child of a worker while analysing, RSS", peak.child, "MB", 400.0, "", (), peak.child_name
        )
    )
    ends = [_follow(client, project, large["id"])[1] for _ in range(5)]
    report.add(Figure("unchanged repository as a job, POST to end", median(ends), "s", 0.5, "", tuple(ends)))


def _follow(client: Client, project: int, repository: int, peak: _Peak | None = None) -> tuple[float, float]:
    """Start an analysis; return the seconds to its first running message and to its end."""
    with client.socket(f"/ws/jobs?project={project}") as socket:
        if json.loads(socket.recv(timeout=60))["type"] != "connected":
            raise SystemExit("The socket did not say that it is connected.")
        begun = time.perf_counter()
        job = client.call("POST", f"/repositories/{repository}/analyze", {})["id"]
        started = 0.0
        while time.perf_counter() - begun < 600:
            if peak is not None:
                peak.look()
            try:
                message = json.loads(socket.recv(timeout=0.2 if peak else 600))
            except TimeoutError:
                continue
            if message.get("job_id", message.get("id")) != job:
                continue
            now = time.perf_counter() - begun
            if message.get("status") == "running" and not started:
                started = now
            if message.get("status") in TERMINAL:
                if message["status"] != "completed":
                    raise SystemExit(f"The job ended as {message}")
                return started or now, now
    raise SystemExit("A job did not end within ten minutes.")


class _Peak:
    """The largest memory of workers and of what they start, in MB."""

    def __init__(self, up: Up) -> None:
        self.up = up
        self.worker = self.child = 0.0
        self.child_name = ""

    def look(self) -> None:
        """Note what is larger than before."""
        for process in self.up.descendants():
            try:
                line, size = process.cmdline(), process.memory_info().rss / 1e6
            except psutil.Error:
                continue
            words = " ".join(line)
            if "celery" in words:
                self.worker = max(self.worker, size)
            elif not any(part in words for part in ("postgres", "valkey", "granian")) and size > self.child:
                self.child, self.child_name = size, " ".join(line[:4])[-24:]


def _rest(report: Report, up: Up) -> None:
    """Measure what the platform uses while nobody does; processes that a job left end first."""
    time.sleep(REST_SECONDS)
    before = _cpu_by_process(up)
    begun = time.perf_counter()
    time.sleep(REST_SECONDS)
    after = _cpu_by_process(up)
    used = sum(after[pid] - before.get(pid, 0.0) for pid in after)
    report.add(Figure("idle: share of one core", 100 * used / (time.perf_counter() - begun), "%", 3.0))
    alive = _processes(up)
    pss = sum(process.memory_full_info().pss for process in alive) / 1e6
    rss = sum(process.memory_info().rss for process in alive) / 1e6
    note = f"{len(alive)} processes; the sum of RSS, which counts shared pages again, is {rss:.0f} MB"
    report.add(Figure("idle: memory of all processes, PSS", pss, "MB", 1000.0, "", (), note))


def _processes(up: Up) -> list[psutil.Process]:
    return [psutil.Process(up.process.pid), *up.descendants()] if up.process else []


def _cpu_by_process(up: Up) -> dict[int, float]:
    used = {}
    for process in _processes(up):
        with suppress(psutil.Error):
            times = process.cpu_times()
            used[process.pid] = times.user + times.system
    return used
