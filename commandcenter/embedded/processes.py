"""The platform's own processes, as data: what runs beside the servers, how it is started and how it is stopped."""

from __future__ import annotations

import signal
import sys
from dataclasses import dataclass
from pathlib import Path

from commandcenter.embedded.ports import LOOPBACK

CHECKOUT = Path(__file__).resolve().parent.parent.parent  # the folder of manage.py
WORKERS = {
    # name -> (queues, pool). Housekeeping has a worker of its own: the reaper must not wait behind imports. Its tasks
    # are short and bounded by the database's timeouts, so it needs no pool process beside it.
    "analysis": ("analysis", ("-c", "2")),
    "default": ("export,default", ("-c", "1")),
    "system": ("system", ("--pool", "solo")),
    # Deliveries wait for no export. Their task ends by itself, and does all its waiting in one event loop.
    "webhooks": ("webhooks", ("--pool", "solo")),
}
# Started once the platform is ready: what loads beside the web server makes it ready later, and the sender has nothing
# to do before somebody can ask for it.
LATER = ("webhooks",)
_PYTHON = (sys.executable, "-m")
_CELERY = (*_PYTHON, "commandcenter.celery_process")


@dataclass(frozen=True)
class Process:
    """One process. `kind` is its CC_PROCESS; `orphan_signal` is what it gets when the supervisor is killed."""

    name: str
    kind: str
    argv: tuple[str, ...]
    stop_signal: signal.Signals
    orphan_signal: signal.Signals
    hurry_signal: signal.Signals = signal.SIGKILL  # when the grace is over


def manage(*arguments: str) -> tuple[str, ...]:
    """Return the command line of one management command."""
    return (sys.executable, str(CHECKOUT / "manage.py"), *arguments)


def web(port: int) -> Process:
    """Return the web server; one port serves HTTP and WebSockets."""
    return Process(
        name="web",
        kind="web",
        argv=(
            *_PYTHON, "granian", "--interface", "asgi", "commandcenter.asgi:application", "--host", LOOPBACK,
            "--port", str(port), "--workers", "1", "--no-access-log", "--log-level", "warning",
            "--respawn-failed-workers", "--respawn-interval", "0.5", "--workers-kill-timeout", "3",
        ),
        stop_signal=signal.SIGTERM,
        orphan_signal=signal.SIGTERM,  # granian's worker would outlive a killed granian
    )  # fmt: skip


def worker(name: str) -> Process:
    """Return the Celery worker of some queues."""
    queues, pool = WORKERS[name]
    return Process(
        name=f"worker-{name}",
        kind="worker",
        argv=(
            *_CELERY, "worker", "-n", f"{name}@%h", "-Q", queues, *pool,
            "-O", "fair", "--without-gossip", "--without-mingle", "--without-heartbeat",
            "--max-memory-per-child", str(300 * 1024),
        ),
        stop_signal=signal.SIGTERM,  # warm: running jobs may end within the grace, and are handed back after it
        orphan_signal=signal.SIGKILL,  # pool processes follow their parent, engines their pipe
        hurry_signal=signal.SIGQUIT,  # cold: tasks are dropped, and their leases return them to the queue
    )  # fmt: skip


def beat() -> Process:
    """Return the clock. Without pid file: the supervisor runs one, and a stale file would stop it."""
    return Process(
        name="beat",
        kind="beat",
        argv=(
            *_CELERY, "beat", "--pidfile", "", "--scheduler",
            "django_celery_beat.schedulers:DatabaseScheduler",
        ),
        stop_signal=signal.SIGTERM,
        orphan_signal=signal.SIGKILL,
    )  # fmt: skip


def first_processes(port: int) -> tuple[Process, ...]:
    """Return the processes that start at once, in their order."""
    return (web(port), *(worker(name) for name in WORKERS if name not in LATER), beat())


def later_processes() -> tuple[Process, ...]:
    """Return the processes that start when the web server is ready."""
    return tuple(worker(name) for name in LATER)
