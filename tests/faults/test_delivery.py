"""Messages that come ten times, too late or never, and workers that die of their job, hang, or have a wrong clock."""

from __future__ import annotations

import os
import signal
import time
import uuid
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection
from django.utils import timezone

from commandcenter.events.models import Event
from commandcenter.inventory.models import Project
from jobs.broker import broker
from jobs.models import Job
from jobs.tests.factories import make_job
from tests.faults.rows import fresh, holder, is_locked, reasons, status
from tests.faults.sound import assert_sound
from tests.faults.stage import PRODUCTION, Stage, alive, job_worker, send

pytestmark = pytest.mark.process


def test_the_same_message_ten_times_at_once(stage: Stage, project: Project, artifacts: Path) -> None:
    """One claim wins; the other nine are dropped and counted."""
    job = make_job(project, {"hash": 1}, {"commit_artifact": str(artifacts)}, delay_seconds=3600)
    Job.objects.filter(pk=job.pk).update(not_before=None, published_at=timezone.now())
    for _ in range(10):
        assert broker.send(
            job_id=job.pk, job_type=job.job_type, queue=job.queue, dispatch_id=str(job.dispatch_id)
        )
    assert_sound(stage)
    stage.until(lambda: fresh(job).run.duplicates == 9, "nine suppressed duplicates")
    assert (fresh(job).status, fresh(job).attempt) == ("completed", 1)
    (only,) = assert_sound(stage)
    assert reasons(only).count("claimed") == 1


def test_a_message_of_an_earlier_dispatch_claims_nothing(
    stage: Stage, project: Project, artifacts: Path
) -> None:
    job = make_job(project, {"commit_artifact": str(artifacts)}, delay_seconds=3600)
    assert broker.send(job_id=job.pk, job_type=job.job_type, queue=job.queue, dispatch_id=str(uuid.uuid4()))
    stage.until(lambda: fresh(job).run.duplicates == 1, "the suppressed message")
    assert status(job) == "queued"
    Job.objects.filter(pk=job.pk).update(not_before=None)
    (only,) = assert_sound(stage)
    assert (only.status, only.attempt) == ("completed", 1)


def test_a_crash_between_commit_and_publish(stage: Stage, project: Project, artifacts: Path) -> None:
    """The broker hangs, so that the process is still sending when it is killed: the row is there, the message never was."""
    stage.running["broker"].send_signal(signal.SIGSTOP)
    child = os.fork()
    if child == 0:  # the process that crashes: a copy of this one, with a connection of its own
        try:
            connection.connection = None
            make_job(project, {"commit_artifact": str(artifacts)})
        finally:
            os._exit(1)
    try:
        stage.until(lambda: Job.objects.filter(status="queued").exists(), "the commit")
        assert alive(child), "it must still be sending"
        os.kill(child, signal.SIGKILL)
    finally:
        os.waitpid(child, 0)
        stage.running["broker"].send_signal(signal.SIGCONT)
    (only,) = assert_sound(stage)
    assert (only.status, only.attempt) == ("completed", 1)


def test_a_poison_job_ends_and_its_history_says_why(stage: Stage, project: Project) -> None:
    """It kills its worker every time: after so many losses it fails, and the others were served all the while."""
    job = make_job(project, {"die": 1000})
    beside = [make_job(project, {"hash": 1}) for _ in range(20)]
    stage.until(lambda: {status(one) for one in beside} == {"completed"}, "the end of the other jobs", 20)
    stage.until(lambda: status(job) == "failed", "the end of the poison job")
    assert_sound(stage)
    ended = fresh(job)
    assert (ended.error_code, ended.attempt, ended.losses, ended.failures) == ("worker_lost", 3, 3, 0)
    assert f"{ended.losses} times" in ended.error_message
    assert reasons(ended) == ["created", "dispatched", *["claimed", "worker_lost"] * 3]
    lost = [
        data["worker_lost"] for data in ended.events.values_list("data", flat=True) if "worker_lost" in data
    ]
    assert len(set(lost)) == 3, "each loss names the worker"


def test_a_worker_stopped_past_its_lease_wakes_up_and_writes_nothing(
    stage: Stage, project: Project, artifacts: Path, tmp_path: Path
) -> None:
    gate = tmp_path / "gate"
    job = make_job(project, {"gate_file": str(gate)}, {"commit_artifact": str(artifacts)})
    pid = holder(stage, gate)
    os.kill(pid, signal.SIGSTOP)
    try:
        second = holder(stage, gate, 2)
        assert second != pid
        before = fresh(job)
        gate.touch()  # the stale attempt would go on to its commit as soon as it wakes up
    finally:
        send(pid, signal.SIGCONT)
    stage.until(lambda: not alive(pid), "the end of the stale process")
    assert before.run.fencing_token == 3
    (only,) = assert_sound(stage)
    assert (only.status, only.attempt, only.losses) == ("completed", 2, 1)


def test_a_worker_stopped_inside_its_last_transaction_holds_up_no_other_job(
    stage: Stage, project: Project, artifacts: Path, tmp_path: Path
) -> None:
    """It holds the lock of its job, which can go to nobody else; jobs whose workers were killed are reaped all the same."""
    gate, other = tmp_path / "gate", tmp_path / "other"
    held = make_job(project, {"commit_gate": str(gate)}, {"commit_artifact": str(artifacts)})
    pid = holder(stage, gate)
    lost = make_job(project, {"gate_file": str(other)}, {"commit_artifact": str(artifacts)})
    killed = holder(stage, other)
    os.kill(pid, signal.SIGSTOP)
    try:
        os.kill(killed, signal.SIGKILL)
        begun = time.monotonic()
        holder(stage, other, 2)
        assert time.monotonic() - begun < 10
        assert is_locked(held)
        assert status(held) == "running"
    finally:
        send(pid, signal.SIGCONT)
    gate.touch()
    other.touch()
    done = assert_sound(stage)
    assert [job.status for job in done] == ["completed", "completed"]
    assert fresh(lost).losses == 1


def test_two_beats_double_nothing(stage: Stage, project: Project, artifacts: Path) -> None:
    """Two clocks send every sweep twice; jobs that are lost, late and delayed at the same time run once each."""
    stage.add(replace(stage.parts["beat"].process, name="beat-two"))
    try:
        jobs = [make_job(project, {"hash": 1}, {"commit_artifact": str(artifacts)}) for _ in range(10)]
        jobs += [
            make_job(project, {"hash": 1}, {"commit_artifact": str(artifacts)}, delay_seconds=1 + n % 3)
            for n in range(20)
        ]
        dying = [make_job(project, {"die": 1}, {"commit_artifact": str(artifacts)}) for _ in range(3)]
        done = assert_sound(stage)
        assert len(done) == len(jobs) + len(dying)
        assert {job.status for job in done} == {"completed"}
        assert {fresh(job).attempt for job in jobs} == {1}
        assert {(fresh(job).attempt, fresh(job).losses) for job in dying} == {(2, 1)}
        assert alive(stage.leader("beat"))
        assert alive(stage.leader("beat-two"))
    finally:
        stage.drop("beat-two")


@pytest.mark.parametrize("hours", [1, -1], ids=["an hour ahead", "an hour behind"])
def test_the_clock_of_one_worker_is_an_hour_off(
    stage: Stage, project: Project, artifacts: Path, tmp_path: Path, hours: int
) -> None:
    """Leases, delays and times of jobs are the database's: the worker keeps its jobs, and loses them when it dies."""
    stage.add(job_worker("skewed", "export", skew=hours * 3600))
    try:
        gate = tmp_path / "gate"
        plain = [
            make_job(project, {"hash": 1}, {"commit_artifact": str(artifacts)}, queue="export")
            for _ in range(5)
        ]
        plain.append(
            make_job(
                project, {"hash": 1}, {"commit_artifact": str(artifacts)}, queue="export", delay_seconds=2
            )
        )
        killed = make_job(
            project, {"gate_file": str(gate)}, {"commit_artifact": str(artifacts)}, queue="export"
        )
        pid = holder(stage, gate)
        beat = fresh(killed).run.heartbeat_at
        stage.until(lambda: fresh(killed).run.heartbeat_at != beat, "a heartbeat")
        assert (fresh(killed).attempt, fresh(killed).losses) == (1, 0)
        os.kill(pid, signal.SIGKILL)
        holder(stage, gate, 2)
        gate.touch()
        done = assert_sound(stage)
        assert [job.attempt for job in done] == [1] * 6 + [2]
        near = timedelta(minutes=5)
        for job in done:
            assert job.started_at is not None
            assert job.completed_at is not None
            assert abs(job.started_at - timezone.now()) < near
            assert abs(job.completed_at - timezone.now()) < near
            assert job.completed_at >= job.started_at >= job.created_at - near
        told = Event.objects.filter(type="job.completed").values_list("created_at", flat=True)
        assert len(told) == 7
    finally:
        stage.drop("skewed")


def test_a_killed_worker_is_made_up_for_within_25_seconds_with_the_times_of_production(
    stage: Stage, project: Project, artifacts: Path, tmp_path: Path
) -> None:
    """From the kill of the whole group to the next claim, on the database's clock."""
    stage.add(job_worker("production", "export"), **PRODUCTION)
    try:
        gate = tmp_path / "gate"
        job = make_job(project, {"gate_file": str(gate)}, {"commit_artifact": str(artifacts)}, queue="export")
        holder(stage, gate)
        with connection.cursor() as cursor:
            cursor.execute("SELECT clock_timestamp()")
            (killed_at,) = cursor.fetchone()
        os.killpg(stage.leader("production"), signal.SIGKILL)
        stage.until(lambda: (gate.with_name("gate.2")).exists(), "the second attempt", 60)
        again = fresh(job)
        assert again.started_at is not None
        seconds = (again.started_at - killed_at).total_seconds()
        assert 10 < seconds < 25, "with a lease of 15 s, and not with that of the other tests"
        gate.touch()
        (only,) = assert_sound(stage)
        assert (only.status, only.attempt, only.losses) == ("completed", 2, 1)
    finally:
        stage.drop("production")
