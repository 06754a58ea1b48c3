"""The embedded PostgreSQL for one command: its cluster, its locks, and what a killed command leaves behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import psutil
import psycopg
import pytest

from commandcenter.embedded.database import temporary_database
from commandcenter.embedded.environment import database_url
from commandcenter.embedded.errors import Refusal
from commandcenter.embedded.files import write_json
from commandcenter.embedded.identity import Identity
from commandcenter.embedded.layout import Layout
from commandcenter.embedded.leftovers import Record, remember
from commandcenter.embedded.processes import CHECKOUT
from tests.embedded.running import LIMIT

pytestmark = pytest.mark.process


def value(url: str, query: str) -> object:
    """Return the first column of the first row."""
    with psycopg.connect(url, connect_timeout=10) as connection:
        row = connection.execute(query.encode()).fetchone()
    assert row
    return row[0]


def test_what_was_written_is_there_the_next_time(tmp_path: Path) -> None:
    """The cluster lasts, PostgreSQL does not: after the block nothing listens."""
    data = tmp_path / "data"
    with temporary_database(data) as url, psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE kept (word text)")
        connection.execute("INSERT INTO kept VALUES ('Grüße')")
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(url, connect_timeout=5)
    with temporary_database(data) as url:
        assert value(url, "SELECT word FROM kept") == "Grüße"


def test_the_cluster_is_utf8_durable_and_asks_for_a_password(tmp_path: Path) -> None:
    """The settings that data depends on, and no way in without the password."""
    with temporary_database(tmp_path / "data") as url:
        assert value(url, "SHOW server_encoding") == "UTF8"
        assert value(url, "SHOW fsync") == "on"
        assert value(url, "SHOW full_page_writes") == "on"
        assert value(url, "SHOW shared_preload_libraries") == "pg_stat_statements"
        assert value(url, "SELECT lower('ÄÖ') COLLATE \"default\"") == "äö"
        password = psycopg.conninfo.conninfo_to_dict(url)["password"]
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            psycopg.connect(url.replace(str(password), "wrong"))


def test_a_folder_below_one_that_only_root_may_enter(tmp_path: Path) -> None:
    """PostgreSQL runs as nobody under root, also where nobody cannot walk."""
    private = tmp_path / "private"
    private.mkdir(mode=0o700)
    with temporary_database(private / "data") as url:
        assert value(url, "SELECT 1") == 1


def test_two_commands_do_not_share_one_cluster(tmp_path: Path) -> None:
    """The second is told who has it."""
    data = tmp_path / "data"
    refusal = pytest.raises(Refusal, match=r"in use by `manage.py analyze` \(process \d+\)")
    with temporary_database(data, holder="`manage.py analyze`"), refusal, temporary_database(data):
        raise AssertionError("it was shared")


def test_a_half_made_cluster_is_made_anew(tmp_path: Path) -> None:
    """What an interrupted first start left is thrown away."""
    layout = Layout(tmp_path / "data")
    layout.prepare()
    half = layout.data / "postgres.new"
    half.mkdir()
    (half / "PG_VERSION").write_text("18\n")
    with temporary_database(layout.data) as url:
        assert value(url, "SELECT 1") == 1
    assert not half.exists()


def test_removed_secrets_do_not_lock_the_data_away(tmp_path: Path) -> None:
    """A new password becomes the right one."""
    layout = Layout(tmp_path / "data")
    with temporary_database(layout.data) as url:
        value(url, "SELECT 1")
    (layout.path("secrets") / "postgres_password").unlink()
    with temporary_database(layout.data) as renewed:
        assert renewed != url
        assert value(renewed, "SELECT 1") == 1


def test_a_killed_command_leaves_no_server_and_the_next_one_works(tmp_path: Path) -> None:
    """The server ends with whoever started it, even by SIGKILL; the data stays usable."""
    data = tmp_path / "data"
    script = textwrap.dedent(
        """
        import sys, time
        from pathlib import Path
        from commandcenter.embedded.database import temporary_database
        with temporary_database(Path(sys.argv[1])) as url:
            print("ready", flush=True)
            time.sleep(600)
        """
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, str(data)], cwd=CHECKOUT, stdout=subprocess.PIPE, text=True
    ) as command:
        assert command.stdout
        assert command.stdout.readline() == "ready\n"
        children = psutil.Process(command.pid).children(recursive=True)
        command.kill()
    assert not psutil.wait_procs(children, timeout=LIMIT)[1]
    with temporary_database(data) as url:
        assert value(url, "SELECT 1") == 1


def test_a_process_that_outlived_its_supervisor_is_ended_first(tmp_path: Path) -> None:
    """Where the parent-death signal does not reach (another system, a debugger), the record on disk does."""
    layout = Layout(tmp_path / "data")
    layout.prepare()
    sleeper = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
    try:
        identity = Identity.of(sleeper.pid)
        assert identity
        remember(layout, [Record("web", identity, signal.SIGKILL)])
        with temporary_database(layout.data):
            assert sleeper.wait(timeout=LIMIT) == -signal.SIGKILL
    finally:
        if sleeper.poll() is None:
            sleeper.kill()
            sleeper.wait()


def test_a_recycled_pid_is_left_alone(tmp_path: Path) -> None:
    """A pid file or a record whose pid belongs to somebody else now ends nobody and stops no start."""
    layout = Layout(tmp_path / "data")
    with temporary_database(layout.data) as url:
        value(url, "SELECT 1")
    bystander = subprocess.Popen(
        [sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True
    )
    try:
        pid_file = layout.path("postgres") / "postmaster.pid"
        pid_file.write_text(
            f"{bystander.pid}\n{layout.path('postgres')}\n1\n{layout.port('postgres')}\n\n127.0.0.1\n"
        )
        owner = layout.path("postgres").stat()
        os.chown(pid_file, owner.st_uid, owner.st_gid)
        write_json(
            layout.processes,
            [{"name": "web", "pid": bystander.pid, "started": "another boot:1", "signal": 9}],
        )
        with temporary_database(layout.data) as url:
            assert value(url, "SELECT 1") == 1
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()


def test_the_url_is_known_before_the_server_runs(tmp_path: Path) -> None:
    """Password and port are made once and kept."""
    layout = Layout(tmp_path / "data")
    layout.prepare()
    assert database_url(layout) == database_url(Layout(tmp_path / "data"))
