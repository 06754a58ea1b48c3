"""A real Celery worker with a prefork pool, whose processes are killed, stopped and overrun."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from django.db import connection
from pytest_django import Settings

from jobs.cancellation import cancel
from jobs.tests.conftest import COMMITTED
from jobs.tests.factories import make_job
from jobs.tests.processes import Eventually, WorkerProcess, housekeep_until, status
from jobs.tests.test_lease import fresh

pytestmark = [COMMITTED, pytest.mark.process]


@pytest.fixture
def worker(tmp_path: Path) -> Iterator[WorkerProcess]:
    """Start a worker with two processes; afterwards nothing of it is left."""
    process = WorkerProcess(tmp_path, "killed", pool=("-c", "2")).start()
    try:
        yield process
    finally:
        process.end()


def holder(gate: Path, attempt: int, eventually: Eventually) -> int:
    """Return the pid of the process that waits at the gate in this attempt."""
    file = gate.with_name(f"{gate.name}.{attempt}")
    return int(eventually(lambda: file.exists() and file.read_text(), 60))


def test_a_killed_worker_process_loses_nothing(
    worker: WorkerProcess, tmp_path: Path, eventually: Eventually
) -> None:
    """The job runs again in another process and completes once, well within 25 s of the kill."""
    gate = tmp_path / "gate"
    job = make_job(None, {"progress": [10, "waiting"]}, {"wait_for_file": str(gate)}, {"result": {"n": 1}})
    pid = holder(gate, 1, eventually)
    os.kill(pid, signal.SIGKILL)
    assert housekeep_until(lambda: holder_exists(gate, 2), eventually, 25)
    gate.touch()
    housekeep_until(lambda: status(job) == "completed", eventually)
    done = fresh(job)
    assert (done.attempt, done.losses, done.failures, done.result) == (2, 1, 0, {"n": 1, "attempt": 2})
    events = list(done.events.order_by("seq"))
    assert [event.seq for event in events] == list(range(1, len(events) + 1))
    assert sum(event.data.get("to") == "completed" for event in events) == 1
    assert worker.alive


def test_a_process_that_was_stopped_past_its_lease_ends_itself_and_not_its_sibling(
    worker: WorkerProcess, tmp_path: Path, eventually: Eventually
) -> None:
    gate, other = tmp_path / "gate", tmp_path / "other"
    job = make_job(None, {"wait_for_file": str(gate)})
    sibling = make_job(None, {"wait_for_file": str(other)})
    pid, sibling_pid = holder(gate, 1, eventually), holder(other, 1, eventually)
    os.kill(pid, signal.SIGSTOP)
    try:
        housekeep_until(lambda: fresh(job).losses == 1, eventually)
    finally:
        os.kill(pid, signal.SIGCONT)
    eventually(lambda: not psutil.pid_exists(pid))
    assert psutil.pid_exists(sibling_pid)
    gate.touch()
    other.touch()
    housekeep_until(lambda: status(job) == status(sibling) == "completed", eventually)
    assert fresh(job).result == {"attempt": 2}
    assert fresh(sibling).result == {"attempt": 1}


def test_a_job_outlives_the_loss_of_its_database_connections(
    worker: WorkerProcess, tmp_path: Path, eventually: Eventually
) -> None:
    """As after a restart of the server: the heartbeat connects again, and so does the last transaction."""
    gate = tmp_path / "gate"
    job = make_job(None, {"progress": [10, "waiting"]}, {"wait_for_file": str(gate)}, {"result": {"n": 1}})
    holder(gate, 1, eventually)
    eventually(lambda: fresh(job).run.progress == 10)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
            "WHERE datname = current_database() AND application_name = 'commandcenter-worker'"
        )
        assert cursor.fetchone()[0] >= 2
    beat = fresh(job).run.heartbeat_at
    eventually(lambda: fresh(job).run.heartbeat_at != beat)
    gate.touch()
    eventually(lambda: status(job) == "completed")
    assert (fresh(job).attempt, fresh(job).result) == (1, {"n": 1, "attempt": 1})


def test_the_soft_limit_fails_the_job_without_another_attempt(
    worker: WorkerProcess, tmp_path: Path, eventually: Eventually, settings: Settings
) -> None:
    settings.JOB_TIME_LIMITS = {"export": (2, 4)}
    job = make_job(None, {"wait_for_file": str(tmp_path / "never")}, job_type="export")
    eventually(lambda: status(job) == "failed", 60)
    assert (fresh(job).error_code, fresh(job).attempt) == ("time_limit", 1)


def test_the_hard_limit_ends_a_handler_that_ignores_the_soft_one(
    worker: WorkerProcess, tmp_path: Path, eventually: Eventually, settings: Settings
) -> None:
    settings.JOB_TIME_LIMITS = {"export": (2, 4)}
    job = make_job(None, {"deaf": str(tmp_path / "pid")}, job_type="export")
    pid = int(eventually(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text(), 60))
    housekeep_until(lambda: status(job) == "failed", eventually)
    assert (fresh(job).error_code, fresh(job).attempt, fresh(job).losses) == ("time_limit", 1, 0)
    eventually(lambda: not psutil.pid_exists(pid))


def test_cancelling_frees_the_worker(worker: WorkerProcess, tmp_path: Path, eventually: Eventually) -> None:
    gate = tmp_path / "gate"
    job = make_job(None, {"wait_for_file": str(gate)})
    holder(gate, 1, eventually)
    cancel(job, None)
    eventually(lambda: status(job) == "cancelled", 5)
    following = make_job(None, {"result": {"n": 2}})
    eventually(lambda: status(following) == "completed")


def holder_exists(gate: Path, attempt: int) -> bool:
    """Tell whether a process has reached the gate in this attempt."""
    return gate.with_name(f"{gate.name}.{attempt}").exists()
