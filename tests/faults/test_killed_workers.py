"""SIGKILL of a pool process, of its parent, of the whole group, at three points of a job's life.

The points are hit in the production code without any hook in it:
- before the claim: the test holds the job's row, so that the claim waits for it inside the database;
- in the middle: the handler waits at a gate;
- before the commit: the handler has returned its result inside `run.commit`, its artifact is written and the job's row
  changed; the test holds the run's row, so that the last statements before COMMIT wait.
"""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from commandcenter.inventory.models import Project
from jobs.dispatch import dispatch
from jobs.models import Job, JobRun
from jobs.tests.factories import make_job
from tests.faults.rows import (
    fresh,
    holder,
    is_locked,
    open_transactions,
    reasons,
    row_held,
    stopped,
    waiting_for_lock,
)
from tests.faults.sound import assert_sound
from tests.faults.stage import WORKERS, Stage, alive

pytestmark = pytest.mark.process
TARGETS = ("child", "parent", "group")


def kill(stage: Stage, target: str, pid: int) -> None:
    """Kill the process, its parent, or its whole group; no orphan of a killed parent goes on."""
    name = stage.worker_of(pid)
    pool = stage.pool(name)
    if target == "child":
        os.kill(pid, signal.SIGKILL)
    elif target == "group":
        os.killpg(stage.leader(name), signal.SIGKILL)
    else:
        # `manage.py up` ends the group as well; here it is left to itself, to see what becomes of orphans.
        stage.keeping = False
        os.kill(stage.leader(name), signal.SIGKILL)
        stage.until(lambda: not any(alive(other) for other in pool), "the end of the orphans", 10)


def recovered(stage: Stage, job: Job) -> Job:
    """Let the stage start again what has died, wait for the end and check everything."""
    stage.keeping = True
    (only,) = assert_sound(stage)
    assert (only.pk, only.status) == (job.pk, "completed")
    return only


@pytest.mark.parametrize("target", TARGETS)
def test_killed_before_the_claim(stage: Stage, project: Project, artifacts: Path, target: str) -> None:
    """The message is gone with its worker, the job is still queued, and the sweeper sends another message."""
    job = make_job(project, {"commit_artifact": str(artifacts)}, dispatch=False)
    with stopped(stage, *WORKERS):
        dispatch(job)
        holding = row_held(Job, job)
        holding.__enter__()
    try:
        pid = stage.until(lambda: waiting_for_lock(stage, 'SELECT "jobs_job"'), "a claim that waits")
        assert (fresh(job).status, fresh(job).attempt) == ("queued", 0)
        kill(stage, target, pid)
    finally:
        holding.__exit__(None, None, None)
    done = recovered(stage, job)
    assert (done.attempt, done.losses) == (1, 0)


@pytest.mark.parametrize("target", TARGETS)
def test_killed_in_the_middle_of_a_step(
    stage: Stage, project: Project, artifacts: Path, tmp_path: Path, target: str
) -> None:
    """The lease runs out, and the job runs again in another process."""
    gate = tmp_path / "gate"
    job = make_job(project, {"hash": 1}, {"gate_file": str(gate)}, {"commit_artifact": str(artifacts)})
    pid = holder(stage, gate)
    assert fresh(job).status == "running"
    kill(stage, target, pid)
    stage.keeping = True
    holder(stage, gate, 2)
    gate.touch()
    done = recovered(stage, job)
    assert (done.attempt, done.losses) == (2, 1)
    assert reasons(done) == ["created", "dispatched", "claimed", "worker_lost", "claimed", "completed"]


@pytest.mark.parametrize("target", TARGETS)
def test_killed_after_the_result_and_before_the_commit(
    stage: Stage, project: Project, artifacts: Path, tmp_path: Path, target: str
) -> None:
    """Nothing of the transaction stays; the artifact of the dead attempt is replaced by that of the next."""
    gate = tmp_path / "gate"
    job = make_job(project, {"commit_gate": str(gate)}, {"commit_artifact": str(artifacts)})
    pid = holder(stage, gate)
    stage.until(lambda: open_transactions() == 1, "the open transaction")
    assert is_locked(job)
    with row_held(JobRun, job):
        gate.touch()
        stage.until(lambda: waiting_for_lock(stage, "last_seq = last_seq +") == pid, "the end that waits")
        assert (artifacts / f"{job.pk}.json").exists()
        assert fresh(job).status == "running"
        kill(stage, target, pid)
    done = recovered(stage, job)
    assert (done.attempt, done.losses) == (2, 1)
