"""A batch on a real worker: killed while it makes children, and cancelled while they run."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from jobs.batch.awaiting import sweep_batches
from jobs.batch.batches import PAGE
from jobs.cancellation import cancel, cancel_children
from jobs.models import Job
from jobs.recovery.reaper import reap
from jobs.recovery.sweeper import sweep
from jobs.tests.conftest import COMMITTED
from jobs.tests.processes import Eventually, WorkerProcess
from jobs.tests.test_batch import children, ends, make_batch
from jobs.tests.test_lease import fresh

pytestmark = [COMMITTED, pytest.mark.process]


@pytest.fixture
def worker(tmp_path: Path) -> Iterator[WorkerProcess]:
    """Start a worker with two processes; afterwards nothing of it is left."""
    process = WorkerProcess(tmp_path, "batch", pool=("-c", "2")).start()
    yield process
    process.end()


def housekeep() -> None:
    """Do what beat does."""
    reap()
    sweep_batches()
    sweep()


def test_a_worker_killed_while_it_makes_children_costs_time_and_makes_none_twice(
    worker: WorkerProcess, tmp_path: Path, eventually: Eventually
) -> None:
    """The first page was made and is at work; the second is undone and made again by another process."""
    gate, run_gate = tmp_path / "gate", tmp_path / "run"
    steps = [[{"wait_for_file": str(run_gate)}], *([] for _ in range(PAGE - 1)), [{"made_when": str(gate)}]]
    parent = make_batch(*steps)
    waiting = gate.with_name("gate.waiting")
    pid = int(eventually(lambda: waiting.exists() and waiting.read_text(), 60))
    assert len(children(parent)) == PAGE
    os.kill(pid, signal.SIGKILL)

    def handed_back() -> bool:
        housekeep()
        return fresh(parent).losses == 1

    eventually(handed_back, 40)
    gate.touch()

    def handed_over() -> bool:
        housekeep()
        return fresh(parent).awaits_children

    eventually(handed_over, 60)
    keys = [child.child_key for child in children(parent)]
    assert keys == [f"part:{number}" for number in range(PAGE + 1)]
    first = children(parent)[0]
    if first.status == "queued":  # behind the others; the rest of the test is about a running one
        eventually(lambda: fresh(first).status == "running", 60)

    assert cancel(parent, None).status == "running"
    eventually(lambda: fresh(first).status == "cancelled", 5)

    def ended() -> bool:
        while cancel_children(parent.pk):
            pass
        housekeep()
        return fresh(parent).is_terminal

    eventually(ended, 60)
    done = fresh(parent)
    assert (done.status, ends(done), done.attempt) == ("cancelled", ["cancelled"], 2)
    assert not Job.objects.filter(parent=parent).active().exists()
    assert all(len(ends(child)) == 1 for child in children(parent))
