"""The broker and the database killed, restarted, emptied and stopped under running jobs."""

from __future__ import annotations

import signal
import time
from importlib import import_module
from pathlib import Path

import pytest
import redis
from django.db import OperationalError, connection
from kombu import Connection
from kombu.simple import SimpleQueue

from commandcenter.inventory.models import Project
from jobs.models import Job
from jobs.tests.factories import make_job
from tests.faults.rows import fresh, holder, status
from tests.faults.sound import assert_sound
from tests.faults.stage import WORKERS, Stage

pytestmark = pytest.mark.process


def messages_in_broker(stage: Stage) -> int:
    """Return how many messages of jobs wait in the broker or are with a worker."""
    with redis.Redis.from_url(stage.environ["BROKER_URL"], socket_timeout=5) as client:
        return int(client.llen("default")) + int(client.hlen("unacked"))


def more_than_the_pools_hold(project: Project, gate: Path, artifacts: Path) -> list[Job]:
    """Return four jobs at a gate, which occupy every pool process, and six behind them."""
    first = [
        make_job(project, {"gate_file": str(gate / str(n))}, {"commit_artifact": str(artifacts)})
        for n in range(4)
    ]
    return first + [make_job(project, {"hash": 1}, {"commit_artifact": str(artifacts)}) for _ in range(6)]


@pytest.fixture
def gates(tmp_path: Path) -> Path:
    """Return a folder of gates."""
    folder = tmp_path / "gates"
    folder.mkdir()
    return folder


def noticed(stage: Stage, worker: str) -> bool:
    """Say whether a worker has found no broker where it tried to connect again, or has given up."""
    said = stage.layout.log(worker).read_text()
    return "Cannot connect to" in said or "Unrecoverable error" in said


def open_gates(gates: Path) -> None:
    """Let the four jobs go on."""
    for number in range(4):
        (gates / str(number)).touch()


def occupied(stage: Stage, gates: Path) -> None:
    """Wait until the four jobs have reached their gates."""
    for number in range(4):
        holder(stage, gates / str(number))


def test_the_broker_is_killed_and_restarted(
    stage: Stage, project: Project, artifacts: Path, gates: Path
) -> None:
    """Jobs run on, jobs made meanwhile are kept in the database, and all run when it is back."""
    jobs = more_than_the_pools_hold(project, gates, artifacts)
    occupied(stage, gates)
    stage.end_server("broker", signal.SIGKILL)
    while_away = make_job(project, {"hash": 1}, {"commit_artifact": str(artifacts)})
    assert fresh(while_away).published_at is None
    open_gates(gates)
    stage.until(lambda: {status(job) for job in jobs[:4]} == {"completed"}, "the end of what ran")
    assert status(while_away) == "queued"
    stage.start_server("broker")
    done = assert_sound(stage)
    assert {job.status for job in done} == {"completed"}
    assert {job.attempt for job in done} == {1}


def test_workers_take_jobs_after_the_broker_was_killed_while_others_still_run(
    stage: Stage, project: Project, artifacts: Path, gates: Path
) -> None:
    """A worker connects again at once, and not when the jobs have ended that it ran when the broker went."""
    jobs = more_than_the_pools_hold(project, gates, artifacts)
    occupied(stage, gates)
    # One process of each worker stays occupied, and the other waits for a message.
    staying = {fresh(job).run.worker.rpartition(":")[0]: number for number, job in enumerate(jobs[:4])}
    assert len(staying) == len(WORKERS)
    for number in set(range(4)) - set(staying.values()):
        (gates / str(number)).touch()
    stage.until(lambda: {status(job) for job in jobs[4:]} == {"completed"}, "the end of what waited")
    stage.end_server("broker", signal.SIGKILL)
    stage.until(lambda: all(noticed(stage, name) for name in WORKERS), "that the workers miss the broker")
    stage.start_server("broker")
    later = [make_job(project, {"hash": 1}, {"commit_artifact": str(artifacts)}) for _ in range(2)]
    stage.until(lambda: {status(job) for job in later} == {"completed"}, "the end of what came later")
    assert {status(jobs[number]) for number in staying.values()} == {"running"}
    open_gates(gates)
    done = assert_sound(stage)
    assert {(job.status, job.attempt) for job in done} == {("completed", 1)}


def test_a_channel_with_an_open_message_closes_although_its_broker_is_gone(stage: Stage) -> None:
    """What it raises ends a worker's consumer for as long as its jobs run."""
    import_module("jobs.tasks")  # as a worker does
    with Connection(stage.environ["BROKER_URL"]) as messages:
        queue = SimpleQueue(messages.channel(), "resting")
        queue.put("hint")
        message = queue.get(timeout=5)
        assert message.payload == "hint"
        stage.end_server("broker", signal.SIGKILL)
        queue.channel.close()
        message.ack()
    stage.start_server("broker")


def test_the_broker_is_restarted_empty(stage: Stage, project: Project, artifacts: Path, gates: Path) -> None:
    """All of its messages are lost; the sweeper sends them again."""
    jobs = more_than_the_pools_hold(project, gates, artifacts)
    occupied(stage, gates)
    assert messages_in_broker(stage) >= len(jobs)
    stage.end_server("broker", signal.SIGKILL)
    folder = stage.layout.path("broker")
    removed = [path for path in folder.rglob("*") if path.is_file()]
    assert removed
    for path in removed:
        path.unlink()
    stage.start_server("broker")
    assert messages_in_broker(stage) < len(jobs)
    open_gates(gates)
    done = assert_sound(stage)
    assert {(job.status, job.attempt) for job in done} == {("completed", 1)}


def test_the_broker_is_stopped_and_goes_on(
    stage: Stage, project: Project, artifacts: Path, gates: Path
) -> None:
    """While it hangs, making a job takes its bounded time and no longer; afterwards everything runs."""
    jobs = more_than_the_pools_hold(project, gates, artifacts)
    occupied(stage, gates)
    broker = stage.running["broker"]
    broker.send_signal(signal.SIGSTOP)
    try:
        begun = time.monotonic()
        while_away = [make_job(project, {"hash": 1}, {"commit_artifact": str(artifacts)}) for _ in range(5)]
        assert time.monotonic() - begun < 4, "five jobs wait for one timeout between them, not for five"
        open_gates(gates)
        stage.until(lambda: {status(job) for job in jobs[:4]} == {"completed"}, "the end of what ran")
        assert {status(job) for job in while_away} == {"queued"}
    finally:
        broker.send_signal(signal.SIGCONT)
    done = assert_sound(stage)
    assert {(job.status, job.attempt) for job in done} == {("completed", 1)}


@pytest.mark.parametrize(
    "signum",
    [signal.SIGINT, signal.SIGQUIT],
    ids=["fast shutdown", "immediate shutdown"],
)
def test_the_database_is_restarted_under_running_jobs(
    stage: Stage, project: Project, artifacts: Path, gates: Path, signum: signal.Signals
) -> None:
    """Back before the lease has run out, it costs the jobs nothing: no loss, no failure, no other attempt."""
    jobs = more_than_the_pools_hold(project, gates, artifacts)
    occupied(stage, gates)
    connection.close()
    stage.end_server("postgres", signum)
    with pytest.raises(OperationalError):
        connection.ensure_connection()
    stage.start_server("postgres")
    beats = {job.pk: fresh(job).run.heartbeat_at for job in jobs[:4]}
    stage.until(
        lambda: all(fresh(job).run.heartbeat_at != beats[job.pk] for job in jobs[:4]), "a beat of each job"
    )
    open_gates(gates)
    done = assert_sound(stage)
    assert len(done) == len(jobs)
    assert {(job.status, job.losses, job.failures, job.attempt) for job in done} == {("completed", 0, 0, 1)}


def test_the_database_is_away_for_longer_than_the_lease(
    stage: Stage, project: Project, artifacts: Path, gates: Path
) -> None:
    """The workers end what they can no longer hold, each its own process only, and the jobs run again afterwards."""
    jobs = more_than_the_pools_hold(project, gates, artifacts)
    occupied(stage, gates)
    leaders = [stage.leader(name) for name in WORKERS]
    pools = [pid for name in WORKERS for pid in stage.pool(name)]
    connection.close()
    stage.end_server("postgres", signal.SIGINT)
    stage.until(
        lambda: not set(pools) & {pid for name in WORKERS for pid in stage.pool(name)},
        "the end of the processes whose lease has run out",
    )
    stage.start_server("postgres")
    assert [stage.leader(name) for name in WORKERS] == leaders
    open_gates(gates)
    done = assert_sound(stage)
    assert len(done) == len(jobs)
    assert {job.status for job in done} == {"completed"}
    assert [job.losses for job in done][:4] == [1, 1, 1, 1]
