"""Remembers what was started, and ends it when the supervisor was killed before it could."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import psutil

from commandcenter.embedded.files import read_json, write_json
from commandcenter.embedded.identity import Identity
from commandcenter.embedded.layout import Layout
from commandcenter.embedded.spawn import kill_group

SERVER_GRACE = 20.0  # seconds for a database to write what it has


@dataclass(frozen=True)
class Record:
    """One started child, and the signal that ends it well."""

    name: str
    identity: Identity
    stop_signal: signal.Signals


def remember(layout: Layout, records: Iterable[Record]) -> None:
    """Write down the children that run now."""
    rows = [
        {"name": r.name, "pid": r.identity.pid, "started": r.identity.started, "signal": int(r.stop_signal)}
        for r in records
    ]
    write_json(layout.processes, rows)


def end_leftovers(layout: Layout) -> list[str]:
    """End what an earlier start of this folder left behind; return the names of what was still running.

    The caller holds the folder's lock, so that whatever is on record belongs to nobody any more.
    """
    records = _records(layout)
    postmaster = _postmaster(layout)
    if postmaster and all(record.identity != postmaster for record in records):
        records.append(Record("postgres", postmaster, signal.SIGINT))
    running = [record for record in records if record.identity.alive()]
    servers = [record for record in running if record.stop_signal != signal.SIGKILL]
    # Clients first: a database that shuts down under them would only be asked again.
    for record in records:
        if record.stop_signal == signal.SIGKILL:
            _end_session(record)
    for record in servers:
        _signal(record, record.stop_signal)
    _wait(servers, SERVER_GRACE)
    for record in records:
        _end_session(record)
    _wait(running, 5.0)
    layout.services.unlink(missing_ok=True)
    write_json(layout.processes, [])
    _drop_stale_pid_file(layout)
    return [record.name for record in running]


def _records(layout: Layout) -> list[Record]:
    rows = read_json(layout.processes)
    records = []
    for row in rows if isinstance(rows, list) else []:
        try:
            identity = Identity(int(row["pid"]), str(row["started"]))
            records.append(Record(str(row["name"]), identity, signal.Signals(int(row["signal"]))))
        except (TypeError, KeyError, ValueError):
            continue
    return records


def _signal(record: Record, signum: signal.Signals) -> None:
    if record.identity.alive():
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(record.identity.pid, signum)


def _end_session(record: Record) -> None:
    """Kill the child and its descendants, also when the child itself is gone already."""
    leader = record.identity.pid
    current = Identity.of(leader)
    if current == record.identity:
        kill_group(leader, signal.SIGKILL)
    elif current is not None:
        return  # the pid is somebody else's now, so nobody of ours is left in that session
    for pid in psutil.pids():
        try:
            # While a session has members the kernel gives its number to no other process.
            if os.getsid(pid) == leader and pid != os.getpid() and _same_boot(pid, record):
                os.kill(pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            continue


def _same_boot(pid: int, record: Record) -> bool:
    found = Identity.of(pid)
    return found is not None and found.started.partition(":")[0] == record.identity.started.partition(":")[0]


def _wait(records: list[Record], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while any(record.identity.alive() for record in records) and time.monotonic() < deadline:
        time.sleep(0.02)


def _pid_file(layout: Layout) -> Path:
    return layout.path("postgres") / "postmaster.pid"


def _postmaster(layout: Layout) -> Identity | None:
    """Return the server that the cluster's pid file names, when that pid is still a PostgreSQL of this folder."""
    try:
        pid = int(_pid_file(layout).read_text().splitlines()[0])
        process = psutil.Process(pid)
        ours = (
            Path(process.exe()).name == "postgres"
            and Path(process.cwd()) == layout.path("postgres").resolve()
        )
    except (OSError, ValueError, IndexError, psutil.Error):
        return None
    return Identity.of(pid) if ours else None


def _drop_stale_pid_file(layout: Layout) -> None:
    """Remove the cluster's pid file when its pid belongs to another program, which PostgreSQL would wait for."""
    try:
        if _pid_file(layout).exists() and _postmaster(layout) is None:
            _pid_file(layout).unlink(missing_ok=True)
    except OSError:
        return  # not ours to read: `Postgres.check` says so
