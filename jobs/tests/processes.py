"""Real Celery workers as processes of their own, started and ended by a test."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import psutil
from django.conf import settings
from django.db import connection

from jobs.models import Job, Worker
from jobs.recovery.reaper import reap
from jobs.recovery.sweeper import sweep

Eventually = Callable[..., Any]


class WorkerProcess:
    """One worker on the test's database and broker. `name` is its node name, `environ` replaces what it is told."""

    def __init__(
        self,
        folder: Path,
        name: str,
        *,
        queues: str = "default",
        pool: tuple[str, ...] = ("-c", "1"),
        grace: int = 20,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        self.name = f"{name}@test"
        self.log = folder / f"{name}.log"
        self._argv = [
            sys.executable,
            "-m",
            "celery",
            "-A",
            "commandcenter",
            "worker",
            "-n",
            self.name,
            "-Q",
            queues,
            *pool,
        ]
        self._argv += [
            "--loglevel",
            "INFO",
            "-O",
            "fair",
            "--without-gossip",
            "--without-mingle",
            "--without-heartbeat",
        ]
        self._environ = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "jobs.tests.workersettings",
            "CC_TEST_DATABASE": connection.settings_dict["NAME"],
            "CC_PROCESS": "worker",
            "CC_STOP_GRACE_SECONDS": str(grace),
            **(environ or {}),
        }
        self.process: subprocess.Popen[bytes] | None = None
        self.family: list[psutil.Process] = []

    def start(self) -> WorkerProcess:
        """Start it and return at once."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self._argv,
                env=self._environ,
                stdout=log,
                stderr=log,
                cwd=settings.BASE_DIR,
                start_new_session=True,
            )
        return self

    @property
    def pid(self) -> int:
        """The main process."""
        assert self.process
        return self.process.pid

    @property
    def alive(self) -> bool:
        """True while the main process runs."""
        assert self.process
        return self.process.poll() is None

    def row(self) -> Worker | None:
        """Return its row once it has registered, None before."""
        return Worker.objects.filter(pk=self.name, pid=self.pid, heartbeat_at__isnull=False).first()

    def terminate(self) -> None:
        """Tell it to stop, and remember which processes then have to be gone."""
        self.family = psutil.Process(self.pid).children(recursive=True)
        os.kill(self.pid, signal.SIGTERM)

    def ended(self, seconds: float = 30) -> int:
        """Wait for its end and return its exit code."""
        assert self.process
        return self.process.wait(seconds)

    def strays(self) -> list[psutil.Process]:
        """Return what is left of its family a moment after its end."""
        return psutil.wait_procs(self.family, timeout=5)[1]

    def end(self) -> None:
        """Clean up after a test, whatever happened in it."""
        if self.process is None:
            return
        family = [*self.family]
        if self.process.poll() is None:
            family += psutil.Process(self.pid).children(recursive=True)
            self.process.kill()
            self.process.wait(15)
        for process in family:
            if process.is_running():
                process.kill()


def status(job: Job) -> str:
    """Return the job's present state."""
    return Job.objects.values_list("status", flat=True).get(pk=job.pk)


def housekeep_until(condition: Callable[[], Any], eventually: Eventually, seconds: float = 40) -> Any:
    """Do what beat does until the condition holds, and return what it returned."""

    def step() -> Any:
        reap()
        sweep()
        return condition()

    return eventually(step, seconds)
