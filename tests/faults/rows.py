"""Jobs for the stage, and what a test sees of them: where each waits, and what its rows and locks say."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import redis
from django.db import OperationalError, connection, transaction
from psycopg.errors import DeadlockDetected

from jobs.models import Job, JobRun
from jobs.tests.factories import make_job
from tests.faults.stage import WORKERS, Stage, send


def empty(stage: Stage) -> None:
    """Forget the jobs, events and messages of earlier tests; wait until all processes work again."""
    forget()
    client = redis.Redis.from_url(stage.environ["BROKER_URL"], socket_timeout=5)
    client.delete("analysis", "default", "export", "unacked", "unacked_index")
    client.close()
    stage.keep()
    # As many as there are pool processes, at the same time: each process has shown then that it works.
    probes = [make_job(None, {"hash": 1}) for _ in range(2)]
    stage.until(lambda: {fresh(job).status for job in probes} == {"completed"}, "a stage that works")
    forget()


def forget() -> None:
    """Empty the tables of schedules, jobs and events."""
    for left in reversed(range(5)):
        try:
            with connection.cursor() as cursor:
                cursor.execute(
                    "TRUNCATE jobs_job, events_event, schedules_schedule, schedules_ticker CASCADE"
                )
        except OperationalError as error:  # a process of the stage holds some of them, and waits for others
            if not left or not isinstance(error.__cause__, DeadlockDetected):
                raise
        else:
            return


def fresh(job: Job) -> Job:
    """Return the job as it stands."""
    return Job.objects.select_related("run").get(pk=job.pk)


def status(job: Job) -> str:
    """Return the job's present state."""
    return Job.objects.values_list("status", flat=True).get(pk=job.pk)


def holder(stage: Stage, gate: Path, attempt: int = 1) -> int:
    """Wait until an attempt has reached a gate, and return the pid of its process."""
    file = gate.with_name(f"{gate.name}.{attempt}")
    stage.until(file.exists, f"attempt {attempt} at {gate.name}")
    return int(file.read_text())


def reasons(job: Job) -> list[str]:
    """Return why the job changed its state, in order."""
    return [
        data["reason"] for data in job.events.order_by("seq").values_list("data", flat=True) if "to" in data
    ]


def is_locked(job: Job) -> bool:
    """Say whether some transaction holds the job's row against a change of state."""
    with transaction.atomic():
        return not Job.objects.select_for_update(skip_locked=True, no_key=True).filter(pk=job.pk).exists()


@contextmanager
def row_held(table: type[Job] | type[JobRun], job: Job) -> Iterator[None]:
    """Hold a row of the job as another transaction would, so that whoever wants to change it waits."""
    with transaction.atomic():
        assert table.objects.select_for_update(of=("self",)).get(pk=job.pk)
        yield


def waiting_for_lock(stage: Stage, statement: str) -> int | None:
    """Return the pid of the pool process that waits for a lock in a statement that holds this text, None without one."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_stat_clear_snapshot()"
        )  # a transaction that holds a row sees sessions as of then
        cursor.execute(
            "SELECT client_port FROM pg_stat_activity WHERE application_name = 'commandcenter-worker' "
            "AND wait_event_type = 'Lock' AND position(%s in query) > 0",
            [statement],
        )
        ports = {port for (port,) in cursor.fetchall()}
    for name in set(WORKERS) & set(stage.parts):
        for pid in stage.pool(name):
            if any(found.laddr.port in ports for found in psutil.Process(pid).net_connections("tcp")):
                return pid
    return None


def open_transactions() -> int:
    """Return how many workers' sessions are between two statements of a transaction."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'commandcenter-worker' "
            "AND state = 'idle in transaction'"
        )
        return int(cursor.fetchone()[0])


@contextmanager
def stopped(stage: Stage, *names: str) -> Iterator[None]:
    """Stop these processes and their pools by SIGSTOP, and let them go on afterwards."""
    pids = [pid for name in names for pid in (stage.leader(name), *stage.pool(name))]
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            send(pid, signal.SIGCONT)
