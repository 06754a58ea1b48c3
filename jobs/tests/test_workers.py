"""Workers as operators see them: they register, are drained and resumed, come back drained, go, and get lost."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from commandcenter.events.models import Event
from jobs.exceptions import IllegalState, UnknownWorker
from jobs.fleet import workers
from jobs.models import Worker
from jobs.running import lease
from jobs.tests.conftest import COMMITTED
from jobs.tests.factories import make_job, make_project, make_user
from jobs.tests.processes import Eventually, WorkerProcess
from jobs.tests.test_lease import fresh

pytestmark = [COMMITTED]


@pytest.fixture
def worker(tmp_path: Path) -> Iterator[Callable[..., WorkerProcess]]:
    """A function that starts a worker; all are ended after the test."""
    made: list[WorkerProcess] = []

    def start(name: str, **options: Any) -> WorkerProcess:
        made.append(WorkerProcess(tmp_path, name, **options).start())
        return made[-1]

    yield start
    for each in made:
        each.end()


def row(name: str = "one@host", *, silent: float = 0, **values: Any) -> Worker:
    """Write the row of a worker that last beat so many seconds ago."""
    now = timezone.now()
    return Worker.objects.create(
        name=name,
        host=values.pop("host", "host"),
        pid=values.pop("pid", 4321),
        queues=values.pop("queues", ["default"]),
        pool="prefork",
        started_at=now - timedelta(hours=1),
        heartbeat_at=values.pop("heartbeat_at", now - timedelta(seconds=silent)),
        **values,
    )


def states() -> dict[str, str]:
    """Return the state of each worker."""
    return {report.worker.name: report.state for report in workers.overview(make_user(staff=True))}


def consumes(process: WorkerProcess) -> bool | None:
    """Return what a worker's log last said about following an operator, None where it said nothing."""
    lines = [line for line in process.log.read_text().splitlines() if "worker follows" in line]
    return "true" in lines[-1].lower() if lines else None


@pytest.mark.process
@pytest.mark.parametrize("pool", [("-c", "2"), ("--pool", "solo")], ids=["prefork", "solo"])
def test_a_worker_is_seen_drained_and_resumed(
    worker: Callable[..., WorkerProcess], tmp_path: Path, eventually: Eventually, pool: tuple[str, ...]
) -> None:
    """A drained one ends what it runs and takes nothing; the other of its queue goes on."""
    drained = worker("drained", queues="default,export", pool=pool)
    seen = eventually(drained.row, 60)
    assert (seen.host, seen.queues, seen.pool) == (
        socket.gethostname(),
        ["default", "export"],
        "solo" if "solo" in pool else "prefork",
    )
    assert seen.processes == (1 if "solo" in pool else 2)
    assert workers.queues_with_workers() == {"default", "export"}

    gate = tmp_path / "gate"
    job = make_job(None, {"wait_for_file": str(gate)})
    eventually(lambda: fresh(job).status == "running")
    (report,) = workers.overview(make_user(staff=True))
    assert (report.state, [shown.pk for shown in report.jobs], report.hidden) == ("live", [job.pk], 0)

    workers.drain(drained.name, "ada")
    if "solo" not in pool:  # without a pool it can only stop consuming when its job has ended
        eventually(lambda: consumes(drained) is False)
        assert fresh(job).status == "running"
    gate.touch()
    eventually(lambda: fresh(job).status == "completed")
    eventually(lambda: consumes(drained) is False)
    assert states() == {drained.name: "draining"}
    assert workers.queues_with_workers() == frozenset()

    left = make_job()
    other = worker("other")
    eventually(lambda: fresh(left).status == "completed", 60)
    assert fresh(left).run.worker.startswith(f"{other.name}:")

    workers.resume(drained.name, "ada")
    eventually(lambda: consumes(drained) is True)
    back = make_job(None, job_type="export")  # a queue that the other one does not consume
    eventually(lambda: fresh(back).status == "completed")


@pytest.mark.process
def test_a_drained_worker_comes_back_drained_and_a_lost_connection_costs_nothing(
    worker: Callable[..., WorkerProcess], eventually: Eventually
) -> None:
    first = worker("again")
    eventually(first.row, 60)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
            "WHERE datname = current_database() AND application_name = 'commandcenter-worker'"
        )
        assert cursor.fetchone()[0] >= 1
    beat = Worker.objects.get().heartbeat_at
    eventually(lambda: Worker.objects.get().heartbeat_at != beat)
    workers.drain(first.name, "ada")
    first.terminate()
    assert first.ended() == 0
    assert states() == {first.name: "stopped"}

    second = worker("again")
    eventually(second.row, 60)
    assert states() == {second.name: "draining"}
    job = make_job()
    workers.resume(second.name, "ada")
    eventually(lambda: fresh(job).status == "completed")
    assert consumes(second) is True
    log = second.log.read_text()
    assert log.index("worker follows") < log.index("job started")  # nothing was taken before
    second.terminate()
    assert second.ended() == 0
    assert not Worker.objects.exists()


@pytest.mark.process
def test_a_killed_worker_leaves_its_row(worker: Callable[..., WorkerProcess], eventually: Eventually) -> None:
    """It is shown as lost once it has been silent for half a minute, and no queue counts on it."""
    killed = worker("killed")
    eventually(killed.row, 60)
    os.kill(killed.pid, signal.SIGKILL)
    killed.ended()
    Worker.objects.update(heartbeat_at=timezone.now() - timedelta(seconds=31))
    assert states() == {killed.name: "lost"}
    assert workers.queues_with_workers() == frozenset()


def test_a_lost_worker_is_forgotten_after_a_day_unless_it_is_to_stay_drained() -> None:
    row("lost@host", silent=3 * 3600)
    row("old@host", silent=25 * 3600)
    row("kept@host", silent=25 * 3600, draining=True)
    row("live@host")
    assert workers.forget_lost() == 1
    assert states() == {"kept@host": "lost", "live@host": "live", "lost@host": "lost"}


def test_only_who_takes_new_work_counts_for_a_queue() -> None:
    row("live@host", queues=["analysis"])
    row("draining@host", queues=["export"], draining=True)
    row("stopping@host", queues=["default"], stopping=True)
    row("lost@host", queues=["webhooks"], silent=60)
    row("stopped@host", queues=["system"], heartbeat_at=None, draining=True)
    assert workers.queues_with_workers() == {"analysis"}
    assert workers.counts_by_state() == {"live": 1, "draining": 1, "stopping": 1, "lost": 1, "stopped": 1}


def test_the_last_worker_that_keeps_house_cannot_be_drained() -> None:
    row("one@host", queues=["system"])
    row("two@host", queues=["default", "system"])
    row("lost@host", queues=["system"], silent=60)
    assert workers.drain("one@host", "ada").drained_by == "ada"
    with pytest.raises(IllegalState, match="last worker of the queue system"):
        workers.drain("two@host", "ada")
    assert states()["two@host"] == "live"
    workers.resume("one@host", "ada")
    workers.drain("two@host", "ada")


def test_asking_twice_changes_nothing() -> None:
    row()
    first = workers.drain("one@host", "ada")
    again = workers.drain("one@host", "bob")
    assert (again.drained_by, again.drain_requested_at) == ("ada", first.drain_requested_at)
    workers.resume("one@host", "ada")
    assert not workers.resume("one@host", "ada").draining
    assert Worker.objects.get().drain_requested_at is None
    trail = Event.objects.filter(type__startswith="worker.").order_by("pk")
    assert [(event.type, event.data["name"]) for event in trail] == [
        ("worker.drained", "one@host"),
        ("worker.resumed", "one@host"),
    ]


def test_a_worker_that_has_stopped_is_forgotten_when_it_is_resumed() -> None:
    row(heartbeat_at=None, draining=True)
    workers.resume("one@host", "ada")
    assert not Worker.objects.exists()


def test_unknown_names_are_told_apart() -> None:
    with pytest.raises(UnknownWorker, match="nobody@nowhere"):
        workers.drain("nobody@nowhere", "ada")
    with pytest.raises(UnknownWorker):
        workers.resume("nobody@nowhere", "ada")


def test_jobs_of_others_projects_are_only_counted() -> None:
    member, outsider = make_user(), make_user()
    row()
    project = make_project(viewer=member)
    job = make_job(project)
    assert job.dispatch_id
    lease.claim(job.pk, job.dispatch_id, worker="one@host:99")
    (seen,) = workers.overview(member)
    assert ([shown.pk for shown in seen.jobs], seen.hidden) == ([job.pk], 0)
    (seen,) = workers.overview(outsider)
    assert (seen.jobs, seen.hidden) == ([], 1)
    (seen,) = workers.overview(make_user(staff=True), token_projects=[make_project().pk])
    assert (seen.jobs, seen.hidden) == ([], 1)


def test_the_overview_costs_the_same_for_any_number_of_workers(django_assert_num_queries: Any) -> None:
    staff, member = make_user(staff=True), make_user()
    for number in range(5):
        row(f"{number}@host")
    with django_assert_num_queries(2):
        assert len(workers.overview(staff)) == 5
    with django_assert_num_queries(3):
        workers.overview(member)
