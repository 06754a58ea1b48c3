"""Cancelling a batch: it reaches every child, none starts any more, and the parent ends with the last of them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from jobs import cancellation
from jobs.batch import batches
from jobs.batch.awaiting import sweep_batches
from jobs.cancellation import cancel, cancel_children
from jobs.exceptions import IllegalState
from jobs.models import Job, JobStatus
from jobs.recovery.reaper import reap
from jobs.running.attempt import Attempt
from jobs.running.execution import execute
from jobs.state import transition
from jobs.tests import handlers
from jobs.tests.conftest import COMMITTED, messages
from jobs.tests.factories import make_user
from jobs.tests.test_batch import FAIL, children, ends, make_batch
from jobs.tests.test_execute import run
from jobs.tests.test_lease import claimed, expire, fresh, in_thread

pytestmark = COMMITTED


@pytest.mark.parametrize("dispatch", [False, True])
def test_a_batch_that_waits_is_cancelled_at_once_and_makes_no_children(dispatch: bool) -> None:
    parent = make_batch([], dispatch=dispatch)
    assert cancel(parent, None).status == "cancelled"
    if parent.dispatch_id:
        assert execute(parent.pk, parent.dispatch_id) is None
    assert children(parent) == []


def test_running_children_are_ended_waiting_ones_never_start_and_the_parent_ends_last() -> None:
    parent = run(make_batch([{"wait": "batch"}], [], []))
    first, *waiting = children(parent)
    messages("system")
    thread = in_thread(first)
    assert handlers.entered["batch"].wait(10)
    asked = time.monotonic()
    assert cancel(parent, make_user()).status == "running"
    assert messages("system") == [[parent.pk]]
    for child in waiting:  # their messages may come before the task that cancels them
        assert child.dispatch_id
        assert execute(child.pk, child.dispatch_id) is None
    thread.join(20)
    assert time.monotonic() - asked < 5
    assert [child.status for child in children(parent)] == ["cancelled"] * 3
    assert [handlers.runs[child.pk] for child in waiting] == [0, 0]
    done = fresh(parent)
    assert (done.status, done.error_code, ends(done)) == ("cancelled", "", ["cancelled"])
    assert done.result == {
        "outcome": "cancelled",
        "children": {"total": 3, "completed": 0, "failed": 0, "cancelled": 3, "skipped": 0},
    }
    last = max(child.completed_at for child in children(parent) if child.completed_at)
    assert done.completed_at
    assert done.completed_at >= last


def test_a_batch_that_failed_half_way_can_still_be_cancelled_for_the_children_that_it_made() -> None:
    parent = run(make_batch([], []))
    transition(
        parent.pk,
        JobStatus.FAILED,
        sources={JobStatus.RUNNING},
        reason="time_limit",
        job_values={"awaits_children": False, "error_code": "time_limit"},
    )
    messages("system")
    assert cancel(parent, None).status == "failed"
    assert messages("system") == [[parent.pk]]
    for child in children(parent):
        assert child.dispatch_id
        assert execute(child.pk, child.dispatch_id) is None
    assert [child.status for child in children(parent)] == ["cancelled"] * 2
    with pytest.raises(IllegalState):
        cancel(parent, None)


def test_waiting_children_are_cancelled_in_bounded_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cancellation, "STEP", 2)
    parent = run(make_batch([], [], [], [], []))
    cancel(parent, None)
    assert fresh(parent).status == "running"
    left = [cancel_children(parent.pk) for _ in range(3)]
    assert left == [True, True, False]
    assert (fresh(parent).status, ends(fresh(parent))) == ("cancelled", ["cancelled"])
    for child in children(parent):
        assert child.events.get(data__to="cancelled").data["reason"] == "batch_cancelled"


def test_the_sweeper_carries_on_when_the_message_is_lost() -> None:
    parent = run(make_batch([], []))
    cancel(parent, None)
    messages("system")
    assert fresh(parent).status == "running"
    sweep_batches()
    assert fresh(parent).status == "cancelled"


def test_what_has_ended_before_keeps_its_end() -> None:
    parent = run(make_batch([], FAIL, []))
    for child in children(parent)[:2]:
        run(child)
    cancel(parent, None)
    cancel_children(parent.pk)
    done = fresh(parent)
    assert done.result
    assert done.result["children"] == {"total": 3, "completed": 1, "failed": 1, "cancelled": 1, "skipped": 0}
    assert done.status == "cancelled"


def test_a_batch_that_has_ended_cannot_be_cancelled() -> None:
    parent = run(make_batch([]))
    run(children(parent)[0])
    with pytest.raises(IllegalState):
        cancel(parent, None)


def test_when_every_child_was_cancelled_by_itself_so_is_the_batch() -> None:
    parent = run(make_batch([], []))
    for child in children(parent):
        cancel(child, None)
    assert fresh(parent).status == "cancelled"


def test_a_batch_whose_worker_was_lost_after_it_was_cancelled_ends_with_its_children() -> None:
    parent = make_batch([], [])
    handlers.make_part(claimed(parent), 1)
    cancel(parent, None)
    expire(parent)
    assert reap() == 1
    assert (fresh(parent).status, fresh(parent).awaits_children) == ("running", True)
    sweep_batches()
    assert [child.status for child in children(parent)] == ["cancelled"]
    assert fresh(parent).status == "cancelled"


def test_cancelled_while_it_makes_children_it_makes_no_more_and_waits_for_those_there_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, eventually: Callable[..., Any]
) -> None:
    monkeypatch.setattr(batches, "PAGE", 1)
    seen, stop = threading.Event(), Attempt.stop

    def stop_and_say(attempt: Attempt, reason: Any) -> None:
        stop(attempt, reason)
        seen.set()

    monkeypatch.setattr(Attempt, "stop", stop_and_say)  # to know when the supervisor has seen the request
    gate = tmp_path / "gate"
    parent = make_batch([], [{"made_when": str(gate)}], *([] for _ in range(30)))
    thread = in_thread(parent)
    eventually(gate.with_name("gate.waiting").exists)
    cancel(parent, None)
    assert seen.wait(10)
    gate.touch()
    thread.join(20)
    assert len(children(parent)) < 3
    sweep_batches()
    done = fresh(parent)
    assert (done.status, ends(done)) == ("cancelled", ["cancelled"])
    assert {child.status for child in children(parent)} == {"cancelled"}
    assert "Cancelled before all children were made." in done.events.filter(type="log").values_list(
        "data__message", flat=True
    )


def test_children_of_a_batch_that_was_cancelled_in_the_queue_end_as_well() -> None:
    """It was handed back after its first page."""
    parent = make_batch([], [])
    handlers.make_part(claimed(parent), 1)
    expire(parent)
    reap()
    assert cancel(parent, None).status == "cancelled"
    child = children(parent)[0]
    assert child.dispatch_id
    assert execute(child.pk, child.dispatch_id) is None
    assert (fresh(child).status, handlers.runs[child.pk]) == ("cancelled", 0)


def test_cancelling_against_the_last_child_has_one_winner() -> None:
    for _ in range(6):
        parent = run(make_batch([]))
        runner = in_thread(children(parent)[0])

        def ask(target: Job = parent) -> None:
            try:
                cancel(target, None)
            except IllegalState:
                pass
            finally:
                connection.close()

        canceller = threading.Thread(target=ask)
        canceller.start()
        runner.join(20)
        canceller.join(20)
        sweep_batches()
        done = fresh(parent)
        assert done.status in {"completed", "cancelled"}
        assert ends(done) == [done.status]
        assert done.run.last_seq == done.events.count()


def test_no_child_is_claimed_after_the_request_whoever_comes_first() -> None:
    """A claim and the request take turns: what was claimed before is flagged, the rest is refused."""
    parent = run(make_batch(*[[{"wait": "turns"}] for _ in range(6)]))
    started = threading.Barrier(7)

    def work(child: Job) -> None:
        try:
            started.wait(10)
            assert child.dispatch_id
            execute(child.pk, child.dispatch_id)
        finally:
            connection.close()

    threads = [threading.Thread(target=work, args=(child,)) for child in children(parent)]
    for thread in threads:
        thread.start()
    started.wait(10)
    cancel(parent, None)
    asked = timezone.now()
    for thread in threads:
        thread.join(20)
        assert not thread.is_alive()
    for child in children(parent):
        assert child.status == "cancelled"
        claims = child.events.filter(data__reason="claimed").values_list("at", flat=True)
        assert all(at <= asked for at in claims)
    assert fresh(parent).status == "cancelled"
