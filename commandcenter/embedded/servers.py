"""The embedded servers together: which are needed, starting them side by side, stopping them."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from commandcenter.embedded import ports
from commandcenter.embedded.errors import EmbeddedError, Refusal
from commandcenter.embedded.files import last_lines
from commandcenter.embedded.layout import Layout
from commandcenter.embedded.postgres import Postgres
from commandcenter.embedded.spawn import ended, kill_group, send, wait_ended
from commandcenter.embedded.valkey import Valkey

READY_SECONDS = 60.0  # crash recovery of the database and loading of the broker's file included
STOP_SECONDS = 15.0


class Server(Protocol):
    """What PostgreSQL and Valkey have in common."""

    name: str
    port: int
    stop_signal: signal.Signals

    def check(self) -> None:
        """Raise Refusal where the data cannot be used."""

    def create(self) -> None:
        """Make data and configuration where they are missing."""

    def spawn(self) -> subprocess.Popen[bytes]:
        """Start the server."""

    def ready(self) -> bool:
        """Say whether the server can be used now."""


def needed(layout: Layout, environ: Mapping[str, str]) -> list[Server]:
    """Return the servers for which the environment names no URL."""
    servers: list[Server] = []
    if not environ.get("BROKER_URL"):
        servers.append(Valkey(layout, "broker"))
    if not environ.get("CACHE_URL"):
        servers.append(Valkey(layout, "cache"))
    if not environ.get("DATABASE_URL"):
        servers.append(Postgres(layout))
    return servers


def start(
    layout: Layout,
    servers: Sequence[Server],
    started: Callable[[Server, subprocess.Popen[bytes]], None],
    pulse: Callable[[], None] = lambda: None,
) -> None:
    """Start the servers and wait until all are ready.

    `started` gets each child as soon as it runs; the caller stops them, also after an error. `pulse` is called
    while waiting and may raise. Raises Refusal for a taken port or unusable data, EmbeddedError when a server ends.
    """
    for server in servers:
        server.check()
        if not ports.free(server.port):
            raise Refusal(
                f"Port {server.port}, which {layout.data} uses for its {server.name}, is taken by another program; "
                f"stop that, or remove {layout.path('run') / 'ports.json'} to have new ports chosen."
            )
    children = {}
    for server in servers:
        server.create()
        children[server.name] = child = server.spawn()
        started(server, child)
    deadline = time.monotonic() + READY_SECONDS
    waiting = list(servers)
    while waiting:
        pulse()
        for server in list(waiting):
            log = layout.log(server.name)
            if server.ready():
                waiting.remove(server)
            elif ended(children[server.name]):
                raise EmbeddedError(
                    f"{server.name} ended at its start; the last lines of {log}:{last_lines(log)}"
                )
            elif time.monotonic() > deadline:
                raise EmbeddedError(
                    f"{server.name} was not ready within {READY_SECONDS:.0f} s; the last lines of {log}:{last_lines(log)}"
                )
        if waiting:
            time.sleep(0.02)


def stop(children: Sequence[tuple[signal.Signals, subprocess.Popen[bytes]]]) -> None:
    """Stop servers well; kill what does not end in time."""
    for stop_signal, child in children:
        send(child, stop_signal)
    running = [child for _, child in children]
    if not wait_ended(running, STOP_SECONDS):
        for child in running:
            if not ended(child):
                kill_group(child.pid, signal.SIGKILL)
        wait_ended(running, 5.0)
