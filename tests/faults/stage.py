"""The stage of the fault tests: servers and processes of its own, which may be killed, stopped and started again."""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import psutil

from commandcenter.embedded import ports, processes, servers
from commandcenter.embedded.environment import environment
from commandcenter.embedded.layout import Layout
from commandcenter.embedded.postgres import SETTINGS, Postgres
from commandcenter.embedded.processes import CHECKOUT, Process
from commandcenter.embedded.spawn import Command, ended, kill_group, spawn, wait_ended
from commandcenter.embedded.valkey import Valkey

WAIT_SECONDS = 60.0  # generous, for a busy machine: every wait ends as soon as its condition holds
QUICK = {"CC_JOB_LEASE_SECONDS": "3", "CC_JOB_HEARTBEAT_SECONDS": "1", "CC_JOB_REPUBLISH_SECONDS": "2"}
PRODUCTION = {"CC_JOB_LEASE_SECONDS": "15", "CC_JOB_HEARTBEAT_SECONDS": "5", "CC_JOB_REPUBLISH_SECONDS": "10"}
WORKERS = ("one", "two")


@dataclass
class Part:
    """A process that shall run: the stage starts it again when it has died."""

    process: Process
    environ: dict[str, str] = field(default_factory=dict)
    child: subprocess.Popen[bytes] | None = None
    starts: int = 0


class Stage:
    """PostgreSQL, broker and cache in a folder, and processes on them. Use from the main thread only."""

    def __init__(self, folder: Path, times: dict[str, str] = QUICK) -> None:
        self.layout = Layout(folder / "data")
        self.layout.prepare()
        self.marker = secrets.token_hex(8)
        self.port = ports.choose()
        self.environ = {
            **environment(self.layout.data, {"CC_PORT": str(self.port)}),
            **times,
            "PATH": os.environ["PATH"],
            "HOME": os.environ.get("HOME", "/"),
            "CC_RATE_LIMITS": "off",
            "DJANGO_SETTINGS_MODULE": "tests.faults.settings",
            "PYTHONUNBUFFERED": "1",
            "CC_STAGE": self.marker,  # inherited by all that is started: what carries it is ours
        }
        postgres = Postgres(self.layout, durable=False)
        # Commits are synchronous, unlike in the other tests: a server that is killed must lose none of them.
        postgres.settings = {**SETTINGS, "fsync": "off", "full_page_writes": "off"}
        self.servers: dict[str, servers.Server] = {
            "postgres": postgres,
            "broker": Valkey(self.layout, "broker"),
            "cache": Valkey(self.layout, "cache"),
        }
        self.running: dict[str, subprocess.Popen[bytes]] = {}
        self.parts: dict[str, Part] = {}
        self.keeping = True

    # --- servers -----------------------------------------------------------------------------------------------------

    def start_servers(self) -> None:
        """Start the servers, which must not run, and make the tables."""
        self.start_server(*self.servers)
        argv = [sys.executable, str(CHECKOUT / "manage.py"), "migrate", "--verbosity", "0"]
        done = subprocess.run(
            argv, env={**self.environ, "CC_PROCESS": "command"}, cwd=CHECKOUT, stdin=subprocess.DEVNULL,
            capture_output=True, timeout=120, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr.decode(errors="replace")

    def start_server(self, *names: str) -> None:
        """Start these servers and wait until they answer."""

        def started(server: servers.Server, child: subprocess.Popen[bytes]) -> None:
            self.running[server.name] = child

        servers.start(self.layout, [self.servers[name] for name in names], started)

    def end_server(self, name: str, signum: signal.Signals) -> None:
        """Send this server a signal that ends it, and wait until it and all its processes have ended."""
        child = self.running.pop(name)
        os.kill(child.pid, signum)
        assert wait_ended([child], WAIT_SECONDS), f"{name} did not end"
        self.until(lambda: ports.free(self.servers[name].port), f"{name} leaving its port")

    # --- processes ---------------------------------------------------------------------------------------------------

    def start(self, *names: str) -> None:
        """Start these processes: one, two, system, beat, web."""
        for name in names:
            self.add(_process(name, self.port))

    def add(self, process: Process, **environ: str) -> None:
        """Start another process and keep it running until it is dropped."""
        part = self.parts[process.name] = Part(process, environ)
        self._run(part)

    def drop(self, name: str) -> None:
        """End a process for good, its running jobs with it."""
        child = self.parts.pop(name).child
        if child is not None and not ended(child):
            kill_group(child.pid, signal.SIGKILL)
            wait_ended([child], 10)

    def keep(self) -> list[str]:
        """Start again what has died, as `manage.py up` does, and return the names; once it is called, not before."""
        died = []
        for part in list(self.parts.values()) if self.keeping else []:
            if part.child is None or ended(part.child):
                died.append(part.process.name)
                self._run(part)
        return died

    def _run(self, part: Part) -> None:
        environ = {**self.environ, "CC_PROCESS": part.process.kind, **part.environ}
        log = self.layout.log(part.process.name)
        orphan = part.process.orphan_signal
        part.child = spawn(Command(part.process.argv, environ, log, CHECKOUT, orphan_signal=orphan))
        part.starts += 1

    def kill_workers(self) -> None:
        """Kill the workers with all that they run; `keep` starts them again."""
        for part in self.parts.values():
            if part.process.kind == "worker" and part.child is not None:
                kill_group(part.child.pid, signal.SIGKILL)

    def leader(self, name: str) -> int:
        """Return the pid of the process itself: the parent of its pool, and the leader of its group."""
        child = self.parts[name].child
        assert child is not None
        return child.pid

    def pool(self, name: str) -> list[int]:
        """Return the pids of its direct children."""
        try:
            return sorted(p.pid for p in psutil.Process(self.leader(name)).children() if alive(p.pid))
        except psutil.Error:
            return []

    def worker_of(self, pid: int) -> str:
        """Return the name of the worker to whose pool this process belongs."""
        return next(name for name, part in self.parts.items() if part.child and pid in self.pool(name))

    def ours(self) -> set[int]:
        """Return the pids of all living processes that the stage's processes started, themselves included."""
        mark = f"CC_STAGE={self.marker}".encode()
        found = set()
        for pid in psutil.pids():
            try:
                variables = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
            except OSError:
                continue
            if mark in variables and pid != os.getpid() and alive(pid):
                found.add(pid)
        return found

    def expected(self) -> set[int]:
        """Return the pids that should run: each process and its pool."""
        living = [name for name, part in self.parts.items() if part.child and alive(part.child.pid)]
        return {self.leader(name) for name in living} | {pid for name in living for pid in self.pool(name)}

    # --- waiting -----------------------------------------------------------------------------------------------------

    def until(self, condition: Callable[[], Any], what: str, seconds: float = WAIT_SECONDS) -> Any:
        """Keep everything running until the condition holds, and return what it returned."""
        end = time.monotonic() + seconds
        while not (value := condition()):
            assert time.monotonic() < end, f"not within {seconds:.0f} s: {what}"
            self.keep()
            time.sleep(0.02)
        return value

    def stop(self) -> None:
        """End everything; what does not end well is killed."""
        self.keeping = False
        for pid in self.ours():
            send(pid, signal.SIGCONT)
        children = [part.child for part in self.parts.values() if part.child is not None]
        for child in children:
            if not ended(child):
                send(child.pid, signal.SIGTERM)
        if not wait_ended(children, 10):
            for child in children:
                kill_group(child.pid, signal.SIGKILL)
            wait_ended(children, 5)
        for pid in self.ours():
            send(pid, signal.SIGKILL)
        servers.stop([(self.servers[name].stop_signal, child) for name, child in self.running.items()])


def alive(pid: int) -> bool:
    """Say whether a process runs or is stopped: a zombie has ended."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return False
    return stat[stat.rindex(b")") + 2 :][:1] not in b"ZX"


def send(pid: int, signum: signal.Signals) -> None:
    """Signal a process that may have ended meanwhile."""
    try:
        os.kill(pid, signum)
    except ProcessLookupError:
        return


def job_worker(name: str, queues: str = "analysis,default", *, skew: int = 0) -> Process:
    """Return a worker with a pool of two; `skew` seconds are added to its wall clock."""
    real = processes.worker("default")
    argv = list(real.argv)
    argv[argv.index("-n") + 1] = f"{name}@%h"
    argv[argv.index("-Q") + 1] = queues
    argv[argv.index("-c") + 1] = "2"
    if skew:
        argv[1:3] = ["-m", "tests.faults.skewed", str(skew)]
    return replace(real, name=name, argv=tuple(argv))


def system_worker(name: str) -> Process:
    """Return a worker for housekeeping."""
    real = processes.worker("system")
    argv = list(real.argv)
    argv[argv.index("-n") + 1] = f"{name}@%h"
    return replace(real, name=name, argv=tuple(argv))


def _process(name: str, port: int) -> Process:
    if name in WORKERS:
        return job_worker(name)
    if name.startswith("system"):
        return system_worker(name)
    if name == "web":
        return processes.web(port)
    return replace(processes.beat(), name=name)
