"""A worker that is told to stop: its jobs may end, and what does not is handed back, counted as nobody's loss."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from jobs.models import Job
from jobs.tests.conftest import COMMITTED
from jobs.tests.factories import make_job
from jobs.tests.processes import Eventually, WorkerProcess
from jobs.tests.test_lease import fresh

pytestmark = [COMMITTED, pytest.mark.process]
SOLO = ("--pool", "solo")


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


def reached(gate: Path, attempt: int) -> bool:
    """Tell whether an attempt waits at the gate."""
    return gate.with_name(f"{gate.name}.{attempt}").exists()


def unharmed(job: Job) -> bool:
    """Tell that nothing was counted against the job, and that its history has no gap."""
    now = fresh(job)
    numbers = list(now.events.order_by("seq").values_list("seq", flat=True))
    return (now.losses, now.failures) == (0, 0) and numbers == list(range(1, len(numbers) + 1))


def test_a_job_that_ends_within_the_grace_is_left_to_end(
    worker: Callable[..., WorkerProcess], tmp_path: Path, eventually: Eventually
) -> None:
    stopped = worker("old", grace=60)
    gate = tmp_path / "gate"
    job = make_job(None, {"wait_for_file": str(gate)}, {"result": {"n": 1}})
    eventually(lambda: reached(gate, 1), 60)
    stopped.terminate()
    eventually(lambda: (row := stopped.row()) and row.stopping)
    gate.touch()
    assert stopped.ended() == 0
    assert (fresh(job).status, fresh(job).result) == ("completed", {"n": 1, "attempt": 1})
    assert unharmed(job)
    assert not stopped.strays()
    assert stopped.row() is None


@pytest.mark.parametrize("pool", [("-c", "1"), SOLO], ids=["prefork", "solo"])
def test_beyond_the_grace_another_worker_runs_it_at_once(
    worker: Callable[..., WorkerProcess], tmp_path: Path, eventually: Eventually, pool: tuple[str, ...]
) -> None:
    stopped = worker("old", grace=1, pool=pool)
    gate = tmp_path / "gate"
    job = make_job(None, {"wait_for_file": str(gate)}, {"result": {"n": 1}})
    eventually(lambda: reached(gate, 1), 60)
    other = worker("new")
    eventually(other.row, 60)
    stopped.terminate()
    eventually(lambda: reached(gate, 2), 15)
    assert stopped.ended() == 0
    gate.touch()
    eventually(lambda: fresh(job).status == "completed")
    ended = fresh(job)
    assert (ended.attempt, ended.result) == (2, {"n": 1, "attempt": 2})
    assert ended.run.worker.startswith(f"{other.name}:")
    handed_back = ended.events.get(data__to="queued", data__from="running")
    taken = ended.events.get(data__to="running", data__attempt=2)
    assert handed_back.data["reason"] == "worker_stopped"
    assert (taken.at - handed_back.at).total_seconds() < 3
    assert unharmed(job)
    assert not stopped.strays()


def test_a_job_in_its_last_transaction_is_left_to_end_beyond_the_grace(
    worker: Callable[..., WorkerProcess], tmp_path: Path, eventually: Eventually
) -> None:
    """To end it would only lose what is done, and who hands back would wait for the very lock that it holds."""
    stopped = worker("old", grace=1)
    gate = tmp_path / "gate"
    job = make_job(None, {"linger": str(gate)}, {"result": {"n": 1}})
    eventually(lambda: reached(gate, 1), 60)
    stopped.terminate()
    beats: set[object] = set()  # one a second: the grace and the time to unwind are over after a few

    def beaten() -> bool:
        beats.add(fresh(job).run.heartbeat_at)
        return len(beats) > 8

    eventually(beaten, 40)
    gate.touch()
    assert stopped.ended() == 0
    assert (fresh(job).status, fresh(job).result) == ("completed", {"n": 1, "attempt": 1})
    assert unharmed(job)


def test_the_works_own_processes_are_ended_before_the_job_is_handed_back(
    worker: Callable[..., WorkerProcess], tmp_path: Path, eventually: Eventually
) -> None:
    stopped = worker("old", grace=1)
    pid_file = tmp_path / "pid"
    job = make_job(None, {"child": str(pid_file)})
    pid = int(eventually(lambda: pid_file.exists() and pid_file.read_text(), 60))
    stopped.terminate()
    eventually(lambda: fresh(job).status == "queued")
    handed_back = fresh(job).events.get(data__reason="worker_stopped")
    assert handed_back.data["receipts"] == [{"pids": [pid], "signal": "SIGKILL"}]
    assert stopped.ended() == 0
    assert not stopped.strays()
    assert unharmed(job)


@pytest.mark.parametrize("pool", [("-c", "1"), SOLO], ids=["prefork", "solo"])
def test_a_handler_that_takes_no_notice_keeps_neither_the_job_nor_the_worker(
    worker: Callable[..., WorkerProcess], tmp_path: Path, eventually: Eventually, pool: tuple[str, ...]
) -> None:
    stopped = worker("old", grace=1, pool=pool)
    pid_file = tmp_path / "pid"
    job = make_job(None, {"deaf": str(pid_file)})
    eventually(lambda: pid_file.exists() and pid_file.read_text(), 60)
    stopped.terminate()
    stopped.ended()
    assert fresh(job).status == "queued"
    assert fresh(job).events.get(data__reason="worker_stopped").data["unwound"] is False
    assert unharmed(job)
    assert not stopped.strays()
