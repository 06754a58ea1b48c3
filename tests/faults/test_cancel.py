"""Cancelling work that does not want to end, in every state, and against its completion: receipts, and one winner."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from commandcenter.inventory.models import Project
from jobs.cancellation import cancel
from jobs.dispatch import dispatch
from jobs.exceptions import IllegalState
from jobs.models import Job
from jobs.tests.factories import make_job
from tests.faults.rows import fresh, holder, status
from tests.faults.sound import assert_sound
from tests.faults.stage import Stage, alive, send

pytestmark = pytest.mark.process
ROUNDS = 60


def family(stage: Stage, path: Path, attempt: int = 1) -> list[int]:
    """Wait for the program and its child, which ignore SIGTERM, and return their pids."""
    file = path.with_name(f"{path.name}.{attempt}")
    stage.until(file.exists, "the stubborn program")
    return [int(word) for word in file.read_text().split()]


def test_a_grandchild_that_ignores_sigterm_ends_within_5_seconds_and_leaves_a_receipt(
    stage: Stage, project: Project, tmp_path: Path
) -> None:
    job = make_job(project, {"stubborn": str(tmp_path / "pids")})
    pids = family(stage, tmp_path / "pids")
    for pid in pids:
        os.kill(pid, signal.SIGTERM)
    begun = time.monotonic()
    assert all(alive(pid) for pid in pids), "they must ignore it"
    cancel(job, None)
    stage.until(lambda: not any(alive(pid) for pid in pids), "the end of both processes", 5)
    stage.until(lambda: status(job) == "cancelled", "the end of the job", 5 - (time.monotonic() - begun))
    (only,) = assert_sound(stage)
    last = only.events.order_by("seq").last()
    assert last is not None
    (receipt,) = last.data["receipts"]
    assert set(pids) <= set(receipt["pids"])
    assert receipt["signal"] == "SIGKILL"
    assert 0 <= receipt["seconds"] < 5


@pytest.mark.parametrize("target", ["child", "parent", "group"])
def test_a_killed_worker_takes_a_grandchild_that_ignores_sigterm_with_it(
    stage: Stage, project: Project, tmp_path: Path, target: str
) -> None:
    job = make_job(project, {"stubborn": str(tmp_path / "pids")})
    pids = family(stage, tmp_path / "pids")
    name = stage.worker_of(next(pid for w in ("one", "two") for pid in stage.pool(w) if has_below(pid, pids)))
    pool = [pid for pid in stage.pool(name) if has_below(pid, pids)]
    stage.keeping = False  # nobody ends the group for the parent
    if target == "group":
        os.killpg(stage.leader(name), signal.SIGKILL)
    else:
        os.kill(pool[0] if target == "child" else stage.leader(name), signal.SIGKILL)
    stage.until(lambda: not any(alive(pid) for pid in [*pids, *pool]), "the end of the whole tree", 5)
    stage.keeping = True
    again = family(stage, tmp_path / "pids", 2)
    cancel(job, None)
    (only,) = assert_sound(stage)
    assert (only.status, only.losses) == ("cancelled", 1)
    assert not any(alive(pid) for pid in again)


def has_below(pid: int, pids: list[int]) -> bool:
    """Say whether one of the processes is a descendant of `pid`."""
    import psutil

    try:
        return bool({child.pid for child in psutil.Process(pid).children(recursive=True)} & set(pids))
    except psutil.Error:
        return False


def test_cancel_in_every_state(stage: Stage, project: Project, artifacts: Path, tmp_path: Path) -> None:
    """Waiting, delayed, running, lost and hanging jobs end cancelled; ended ones refuse, and asking twice is once."""
    pending = make_job(project, dispatch=False)
    delayed = make_job(project, delay_seconds=3600)
    gate, killed_gate = tmp_path / "running", tmp_path / "killed"
    running = make_job(project, {"gate_file": str(gate)})
    holder(stage, gate)
    lost = make_job(project, {"gate_file": str(killed_gate)})
    victim = holder(stage, killed_gate)
    done = make_job(project, {"commit_artifact": str(artifacts)})
    stage.until(lambda: status(done) == "completed", "the completion")
    os.kill(victim, signal.SIGSTOP)
    for job in (pending, delayed, running, lost):
        cancel(job, None)
        cancel(job, None)
    assert {status(pending), status(delayed)} == {"cancelled"}
    stage.until(lambda: status(running) == "cancelled", "the end of the running job", 5)
    try:
        stage.until(lambda: status(lost) == "cancelled", "the end of the job whose worker hangs")
    finally:
        send(victim, signal.SIGCONT)
    with pytest.raises(IllegalState):
        cancel(done, None)
    jobs = assert_sound(stage)
    assert sorted(job.status for job in jobs) == ["cancelled"] * 4 + ["completed"]
    assert {job.losses for job in jobs} == {0}


def test_cancel_against_the_claim_and_the_completion_has_one_winner(
    stage: Stage, project: Project, artifacts: Path
) -> None:
    """Many rounds against real workers, each cancelled a little later in its life than the one before."""
    jobs = [
        make_job(project, {"hash": 8}, {"commit_artifact": str(artifacts)}, dispatch=False)
        for _ in range(ROUNDS)
    ]
    won = refused = 0
    begun = time.monotonic()
    alone = dispatch(jobs[0])
    stage.until(lambda: status(alone) == "completed", "a whole life")
    life = time.monotonic() - begun
    for number, job in enumerate(jobs[1:], start=1):
        dispatched = dispatch(job)
        until = time.monotonic() + life * 1.3 * number / ROUNDS
        while time.monotonic() < until:
            time.sleep(0.0005)
        try:
            cancel(dispatched, None)
            won += 1
        except IllegalState:
            refused += 1
        stage.until(lambda: not Job.objects.filter(pk=dispatched.pk).active().exists(), "the end of the job")  # noqa: B023  (called at once)
    ended = assert_sound(stage)
    statuses = [job.status for job in ended]
    assert set(statuses) <= {"completed", "cancelled"}
    # A running job whose end was already under way may complete although it was asked to stop.
    assert statuses.count("completed") >= refused + 1
    assert statuses.count("cancelled") >= 1, "some must have been cancelled in time"
    assert won + refused == ROUNDS - 1
    for job in ended:
        assert (artifacts / f"{job.pk}.json").exists() >= (job.status == "completed")
        assert fresh(job).attempt <= 1
