"""Pytest plugin: starts the servers that tests need before the settings are read, and stops them afterwards.

PostgreSQL (fsync off) is shared by all pytest-xdist workers, each in a database of its own; every worker has its own
two Valkeys, because pub/sub knows no database numbers. A URL that the environment names already is used as it is.
"""

from __future__ import annotations

import atexit
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from commandcenter.embedded import servers
from commandcenter.embedded.environment import environment
from commandcenter.embedded.layout import Layout
from commandcenter.embedded.postgres import Postgres
from commandcenter.embedded.valkey import Valkey

OURS = "CC_TEST_SERVERS"  # names, for xdist workers, the variables that their controller set

_children: list[tuple[signal.Signals, subprocess.Popen[bytes]]] = []
_folders: list[Path] = []


def _started(server: servers.Server, child: subprocess.Popen[bytes]) -> None:
    _children.append((server.stop_signal, child))


def _start() -> None:
    inherited = os.environ.get(OURS, "").split()
    for name in inherited:
        if name != "DATABASE_URL":
            os.environ.pop(name, None)
    folder = Path(tempfile.mkdtemp(prefix="commandcenter-tests-"))
    _folders.append(folder)
    atexit.register(stop)
    layout = Layout(folder / "data")
    layout.prepare()
    wanted: list[servers.Server] = []
    if not os.environ.get("BROKER_URL"):
        wanted.append(Valkey(layout, "broker"))
    if not os.environ.get("CACHE_URL"):
        wanted.append(Valkey(layout, "cache"))
    if not os.environ.get("DATABASE_URL"):
        wanted.append(Postgres(layout, durable=False))
    settings = environment(layout.data, os.environ)
    os.environ.update(settings)
    os.environ[OURS] = " ".join(sorted({*settings, *inherited}))
    servers.start(layout, wanted, _started)


def stop() -> None:
    """Stop what this process started and remove its folder; a second call does nothing."""
    servers.stop(_children)
    _children.clear()
    while _folders:
        shutil.rmtree(_folders.pop(), ignore_errors=True)


@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests() -> Generator[None, Any, Any]:
    """Start the servers before pytest-django reads the settings: a wrapper runs before every plain hook."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        # A shell starts what runs in its background deaf to Ctrl-C, and children inherit that: tests send it.
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if not _folders:
        _start()
    return (yield)


@pytest.hookimpl(trylast=True)
def pytest_unconfigure() -> None:
    """Stop the servers after the last test, a failure or Ctrl-C."""
    stop()


def _skipped(session: pytest.Session) -> list[Any]:
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    return list(reporter.stats.get("skipped", [])) if reporter else []


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Fail the run in CI when a test was skipped: what does not run there runs nowhere."""
    if os.environ.get("CI") == "true" and exitstatus == pytest.ExitCode.OK and _skipped(session):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Say why the run failed although no test did."""
    if os.environ.get("CI") == "true" and terminalreporter.stats.get("skipped"):
        terminalreporter.write_line("Skipped tests fail the run when CI=true.", red=True)
