"""A database for one command: the one that runs already, or the embedded one for as long as the command takes."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from commandcenter.embedded import servers
from commandcenter.embedded.environment import database_url
from commandcenter.embedded.identity import Identity
from commandcenter.embedded.layout import Layout, running_environment
from commandcenter.embedded.leftovers import Record, end_leftovers, remember
from commandcenter.embedded.lock import held
from commandcenter.embedded.postgres import Postgres


@contextmanager
def temporary_database(data: Path, *, holder: str = "another `manage.py` command") -> Iterator[str]:
    """Yield a DATABASE_URL: of the `up` that runs on this folder, else of a PostgreSQL that is stopped again.

    Only PostgreSQL is started, nothing is migrated. Call from the main thread. Raises Refusal when another command
    has the folder, EmbeddedError when the server does not start. `holder` is how that refusal names us.
    """
    running = running_environment(data)
    if running and running.get("DATABASE_URL"):
        yield running["DATABASE_URL"]
        return
    layout = Layout(data.absolute())
    layout.prepare()
    children: list[tuple[signal.Signals, subprocess.Popen[bytes]]] = []

    def started(server: servers.Server, child: subprocess.Popen[bytes]) -> None:
        children.append((server.stop_signal, child))
        identity = Identity.of(child.pid)
        remember(layout, [Record(server.name, identity, server.stop_signal)] if identity else [])

    with held(layout, holder):
        end_leftovers(layout)
        try:
            servers.start(layout, [Postgres(layout)], started)
            yield database_url(layout)
        finally:
            servers.stop(children)
            remember(layout, [])
