"""Brings a running platform into every state that the pictures show, by real work: stalled sources, killed workers."""

from __future__ import annotations

import os
import signal
import socketserver
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psutil

from commandcenter.embedded import processes
from commandcenter.embedded.environment import environment
from commandcenter.embedded.processes import CHECKOUT
from tests.e2e.api import call
from tests.embedded.running import Up, until

SPARE = "spare"
RETRY_SECONDS = 3  # before the second attempt
FLAKY_SECONDS = 2.5  # long enough for the first attempt with all its tries, over before the second


class Scene:
    """Makes things through the API as an administrator; `pages` names what is worth a picture."""

    def __init__(self, up: Up, token: str, stalled: int) -> None:
        """Take a platform, a token, and the port of a server that stalls."""
        self._up, self._token, self._stalled = up, token, stalled
        self.pages: dict[str, str] = {}

    def make(self) -> None:
        """Make every state, those that pass on their own first. Takes about a minute."""
        self._lose_a_spare_worker()
        shop = self._project("Shop")
        small = str(self._up.data.parent / "small")
        checkout = self._repository(shop, "checkout", small)
        self._repository(shop, "billing", small)
        self._repository(shop, "legacy", "git://127.0.0.1:1/legacy.git")
        partial = self._post("batch/analyze", {"project": shop, "all": True})["id"]
        self._ended(partial)
        children = self._get(f"jobs?search=&project={shop}")["results"]
        by_status = {job["status"]: job["id"] for job in children if job["parent"] == partial}
        self._job("batch-partial", partial)
        self._job("child", by_status["completed"])
        self._job("failed", by_status["failed"])

        analysis = self._get("analyses?status=complete")["results"][0]["id"]
        export = self._post("exports", {"analyses": [analysis], "format": "sarif", "options": {}})["job"]
        export = export["id"] if isinstance(export, dict) else export
        self._ended(export)
        self._job("export", export)

        payments = self._repository(
            self._project("Payments"), "payments", f"git://127.0.0.1:{self._stalled}/stalled.git"
        )
        cancelled = self._post(f"repositories/{payments}/analyze", {})["id"]
        self._runs(cancelled)
        self._post(f"jobs/{cancelled}/cancel", {})
        self._ended(cancelled)
        self._job("cancelled", cancelled)

        lost = self._post(f"repositories/{payments}/analyze", {})["id"]
        self._runs(lost)
        self._kill_the_worker()
        until(lambda: self._get(f"jobs/{lost}")["attempt"] == 2, "the second attempt")
        self._job("worker-lost", lost)
        held = self._post(f"repositories/{payments}/analyze", {"force": True})["id"]
        self._job("held", held)

        warehouse = self._repository(
            shop, "warehouse", f"git://127.0.0.1:{self._stalled}/flaky-warehouse.git"
        )
        batch = self._post("batch/analyze", {"project": shop, "all": True})["id"]
        until(lambda: self._again(batch, warehouse), "the second attempt of the stalled child")
        self._job("batch-running", batch)
        self._job("retried", self._again(batch, warehouse)[0])
        self._post("queues/export/pause", {"reason": "the artifact disk is being moved"})
        paused = self._post("exports", {"analyses": [analysis], "format": "json", "options": {}})["job"]
        self._job("paused", paused["id"] if isinstance(paused, dict) else paused)
        worker = next(row["name"] for row in self._workers() if row["name"].startswith("analysis@"))
        self._post(f"workers/{worker}/drain", {})
        until(lambda: self._state("analysis") == "draining", "the drain")
        unserved = self._post(f"repositories/{checkout}/analyze", {"force": True})["id"]
        self._job("no-worker", unserved)
        until(lambda: self._state(SPARE) == "lost", "the loss of the spare worker")
        self.pages |= {
            "project-batch": f"projects/{shop}",
            "project-empty": f"projects/{self._project('Nothing yet')}",
            "jobs-failed": "jobs/?status=failed",
            "jobs-none": "jobs/?status=pending",
            "jobs-children": f"jobs/?parent={partial}",
        }

    def _lose_a_spare_worker(self) -> None:
        """Start one more worker beside those of the platform, and kill it once it is known."""
        ours = processes.worker("default")
        argv = [f"{SPARE}@%h" if part == "default@%h" else part for part in ours.argv]
        environ = {**self._up.environ, **environment(self._up.data, self._up.environ), "CC_PROCESS": "worker"}
        child = subprocess.Popen(
            argv, env=environ, cwd=CHECKOUT, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        try:
            until(lambda: self._state(SPARE) == "live", "the spare worker")
        finally:
            os.killpg(child.pid, signal.SIGKILL)
            child.wait(10)

    def _kill_the_worker(self) -> None:
        """Kill the worker of analyses with its pool, as a machine that dies would."""
        worker = self._up.child("celery", "analysis@%h")
        assert worker is not None
        pool = worker.children(recursive=True)
        for process in (worker, *pool):
            process.kill()
        psutil.wait_procs(pool, timeout=10)

    def _project(self, name: str) -> int:
        made: int = self._post("projects", {"name": name, "slug": name.lower().replace(" ", "-")})["id"]
        return made

    def _repository(self, project: int, name: str, source: str) -> int:
        made: int = self._post("repositories", {"project": project, "name": name, "source": source})["id"]
        return made

    def _job(self, name: str, pk: int) -> None:
        self.pages[f"job-{name}"] = f"jobs/{pk}"

    def _runs(self, job: int) -> None:
        """Wait until the job has started the process that fetches its source."""
        until(lambda: len(self._get(f"jobs/{job}/events")["results"]) > 3, f"the work of job {job}")

    def _again(self, batch: int, repository: int) -> list[int]:
        """Return the child of a batch that works on this repository, if it runs at its second attempt."""
        running = [job for job in self._get("jobs?status=running")["results"] if job["parent"] == batch]
        return [
            job["id"]
            for job in running
            if job["attempt"] > 1 and job["parameters"]["repository"] == repository
        ]

    def _ended(self, job: int) -> None:
        until(lambda: self._get(f"jobs/{job}")["is_terminal"], f"the end of job {job}")

    def _workers(self) -> list[dict[str, Any]]:
        found = self._get("workers")
        rows: list[dict[str, Any]] = found["results"] if isinstance(found, dict) else found
        return rows

    def _state(self, name: str) -> str:
        return next((row["state"] for row in self._workers() if row["name"].startswith(f"{name}@")), "")

    def _get(self, path: str) -> Any:
        return call(self._up, path, token=self._token)

    def _post(self, path: str, body: dict[str, Any]) -> Any:
        return call(self._up, path, body, token=self._token)


@contextmanager
def stalling_server() -> Iterator[int]:
    """Yield the port of a git server that never answers, and that hangs up at first on paths with "flaky"."""
    first: dict[str, float] = {}
    done = threading.Event()

    class Stall(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            path = self.request.recv(4096).decode(errors="replace").partition("\0")[0][4:]
            since = time.monotonic() - first.setdefault(path, time.monotonic())
            if "flaky" in path and since < FLAKY_SECONDS:
                return
            done.wait(600)

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True
        block_on_close = False

    with Server(("127.0.0.1", 0), Stall) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            done.set()
            server.shutdown()
