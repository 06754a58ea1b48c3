"""`manage.py up` from start to stop: what it prints, that it keeps everything running, that nothing stays behind."""

from __future__ import annotations

import re
import signal
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from commandcenter.embedded import ports
from commandcenter.embedded.database import temporary_database
from commandcenter.embedded.layout import Layout, running_environment
from tests.embedded.running import LIMIT, Up, data_folder, nobody, small_repository, until

pytestmark = pytest.mark.process
PARTS = (
    "granian",
    "-n analysis@",
    "-n default@",
    "-n system@",
    "-n webhooks@",
    " beat --pidfile",
    "postgres -D",
    "valkey-server",
)


@pytest.fixture(scope="module")
def running() -> Iterator[Up]:
    """One platform for the tests that do not stop it."""
    with data_folder() as folder:
        up = Up(folder / "data", small_repository(folder))
        try:
            up.start_and_wait()
            yield up
        finally:
            up.end()


def test_up_starts_everything_prints_one_block_and_leaves_nothing_behind(
    up: Callable[..., Up], folder: Path
) -> None:
    """One block with address, user, password and data folder; after Ctrl-C no process, no socket, no announcement."""
    running = up()
    running.start_and_wait()
    for part in PARTS:
        assert running.child(part), part
    environment = running_environment(folder / "data")
    assert environment is not None
    assert environment["CC_PUBLIC_URL"] == f"http://localhost:{running.port}"
    everything = running.descendants()
    servers = [Layout(folder / "data").port(name) for name in ("postgres", "broker", "cache")]

    code, output, errors = running.stop()

    assert (code, errors) == (0, "")
    block = output.split()
    assert block[:4] == ["Command", "Center", "is", "ready"]
    assert block[block.index("address") + 1] == f"http://localhost:{running.port}"
    assert block[block.index("data") + 1] == str(folder / "data")
    assert len(block[block.index("password") + 1]) >= 12
    assert not psutil.wait_procs(everything, timeout=5)[1]
    assert all(ports.free(port) for port in [*servers, running.port])
    assert running_environment(folder / "data") is None


def test_a_second_up_on_the_same_data_is_refused(running: Up, repo: Path) -> None:
    """It says so in one sentence, ends with 2, and does not disturb the first."""
    code, output, errors = Up(running.data, repo).outcome()
    assert (code, output) == (2, "")
    assert "in use by `manage.py up`" in errors
    assert len(errors.splitlines()) == 1
    assert running.ready()


def test_secrets_are_private(running: Up) -> None:
    """Nobody but the owner reads secrets, and no password is in a command line."""
    layout = Layout(running.data)
    private = [
        *layout.path("secrets").iterdir(),
        *layout.path("run").glob("*.json"),
        *layout.path("run").glob("*.conf"),
    ]
    assert len(private) >= 8
    assert {stat.S_IMODE(path.stat().st_mode) for path in private} == {0o600}
    lines = " ".join(" ".join(process.cmdline()) for process in running.descendants())
    assert not [path.name for path in layout.path("secrets").iterdir() if path.read_text() in lines]


def test_a_command_in_another_terminal_meets_the_same_database(running: Up) -> None:
    """`temporary_database` starts nothing beside a running `up`, and stops nothing."""
    with temporary_database(running.data) as url, psycopg.connect(url) as connection:
        assert connection.execute("SELECT count(*) > 0 FROM django_migrations").fetchone() == (True,)
    assert running.ready()


@pytest.mark.parametrize("part", PARTS)
def test_a_killed_part_is_started_again(running: Up, part: str) -> None:
    """A part that dies is back within two seconds, and the platform is ready again."""
    until(lambda: running.child(part), part)
    victim = running.child(part)
    assert victim
    victim.kill()

    def back() -> bool:
        child = running.child(part)
        return bool(child and child.pid != victim.pid)

    until(back, f"the restart of {part}", seconds=10)
    until(running.ready, "readiness")


def test_a_killed_web_process_below_the_server_comes_back(running: Up) -> None:
    """The process that answers requests may die without its server: it is replaced."""
    until(running.ready, "readiness")
    server = running.child("granian")
    assert server
    worker = max(server.children(), key=lambda process: process.memory_info().rss)
    worker.kill()
    until(
        lambda: not worker.is_running() or worker.status() == psutil.STATUS_ZOMBIE,
        "the end of the web process",
    )
    until(running.ready, "readiness")


def test_a_killed_supervisor_leaves_nothing_and_the_next_start_recovers(
    up: Callable[..., Up], folder: Path
) -> None:
    """SIGKILL of the supervisor ends its children; starting again just works, and shows no password again."""
    running = up(CC_ADMIN_USER="ada", CC_ADMIN_PASSWORD="correct horse battery")
    running.start_and_wait()
    everything = running.descendants()
    assert running.process
    running.process.kill()
    output, _ = running.process.communicate()
    assert re.search(r"^ +user +ada$", output, re.MULTILINE)
    assert not psutil.wait_procs(everything, timeout=LIMIT)[1]
    assert running_environment(folder / "data") is None

    again = up(CC_PORT=str(running.port))
    again.start_and_wait()
    code, output, _ = again.stop(signal.SIGTERM)
    assert code == 0
    assert re.search(r"^ +user +ada\n +password +as set before$", output, re.MULTILINE)


def test_an_ordinary_user_runs_everything(up: Callable[..., Up], folder: Path) -> None:
    """Nothing needs root: all processes belong to the ordinary user."""
    running = up(user=nobody())
    running.start_and_wait()
    assert {process.username() for process in running.descendants()} == {
        nobody() or psutil.Process().username()
    }
    everything = running.descendants()
    assert running.stop()[0] == 0
    assert not psutil.wait_procs(everything, timeout=5)[1]
