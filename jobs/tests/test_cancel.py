"""Cancelling: in every state, with one winner, and the work's processes ended."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import pytest
from django.db import connection, transaction
from pytest_django import Settings

from commandcenter.core.tests.locks import WAITING
from jobs.cancellation import cancel
from jobs.exceptions import IllegalState
from jobs.models import Job
from jobs.running.execution import execute
from jobs.tests import handlers
from jobs.tests.claiming import at_once, running
from jobs.tests.conftest import COMMITTED, messages
from jobs.tests.factories import make_job, make_user
from jobs.tests.test_lease import fresh, in_thread

pytestmark = COMMITTED


def alive(pid: int) -> bool:
    """Tell whether a process exists and is not a zombie."""
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return False


@pytest.mark.parametrize("dispatch", [False, True])
def test_a_waiting_job_is_cancelled_at_once_and_never_runs(dispatch: bool) -> None:
    user = make_user()
    job = make_job(dispatch=dispatch)
    assert cancel(job, user).status == "cancelled"
    if job.dispatch_id:
        assert execute(job.pk, job.dispatch_id) is None
    assert handlers.runs[job.pk] == 0
    assert fresh(job).events.get(data__to="cancelled").data["by"] == user.username


def test_a_running_job_ends_within_two_seconds() -> None:
    job = make_job(None, {"wait": "running"})
    thread = in_thread(job)
    assert handlers.entered["running"].wait(10)
    started = time.monotonic()
    assert cancel(job, None).status == "running"
    thread.join(20)
    assert time.monotonic() - started < 2
    assert (fresh(job).status, fresh(job).result, fresh(job).error_code) == ("cancelled", None, "")


def test_the_log_of_a_running_job_says_once_who_asked_for_its_end() -> None:
    user = make_user()
    job = make_job(None, {"wait": "asked"})
    thread = in_thread(job)
    assert handlers.entered["asked"].wait(10)
    cancel(job, user)
    cancel(job, make_user())
    thread.join(20)
    said = fresh(job).events.filter(type="log", data__source="jobs").values_list("data__message", flat=True)
    assert list(said) == [f"{user.username} asked for this job to be cancelled."]


def test_its_processes_are_ended_and_the_history_has_the_receipt(tmp_path: Path, eventually) -> None:
    pid_file = tmp_path / "pid"
    job = make_job(None, {"child": str(pid_file)})
    thread = in_thread(job)
    pid = int(eventually(lambda: pid_file.exists() and pid_file.read_text()))
    assert alive(pid)
    cancel(job, None)
    thread.join(20)
    assert not alive(pid)
    event = fresh(job).events.get(data__to="cancelled")
    assert event.data["receipts"] == [{"pids": [pid], "signal": "SIGKILL"}]
    assert alive(os.getpid())


def test_a_handler_that_does_not_look_is_cancelled_all_the_same(eventually) -> None:
    job = make_job(None, {"gate": "deaf"})
    thread = in_thread(job)
    assert handlers.entered["deaf"].wait(10)
    cancel(job, None)
    eventually(lambda: fresh(job).status == "cancelled", 8)
    assert thread.is_alive()
    handlers.gates["deaf"].set()
    thread.join(20)
    assert (fresh(job).status, fresh(job).result) == ("cancelled", None)


def test_asking_twice_changes_nothing() -> None:
    job = make_job()
    cancel(job, None)
    assert cancel(job, None).status == "cancelled"
    assert fresh(job).events.filter(data__to="cancelled").count() == 1


def test_a_job_that_has_ended_otherwise_cannot_be_cancelled() -> None:
    job = make_job()
    assert job.dispatch_id
    execute(job.pk, job.dispatch_id)
    with pytest.raises(IllegalState):
        cancel(job, None)


def test_a_job_that_was_deleted_meanwhile_cannot_be_cancelled() -> None:
    job = make_job()
    Job.objects.filter(pk=job.pk).delete()
    with pytest.raises(IllegalState, match="deleted"):
        cancel(job, None)


def test_a_job_that_is_handed_back_at_the_same_moment_does_not_wait_for_its_next_attempt(eventually) -> None:
    """The request sees it running and finds it queued, perhaps for hours, when it gets the row."""
    job = make_job()
    attempt = running(job)
    ended: list[str] = []
    with transaction.atomic():
        attempt.requeue(reason="attempt_failed", delay_seconds=3600)
        canceller = threading.Thread(target=at_once, args=([lambda: ended.append(cancel(job, None).status)],))
        canceller.start()
        eventually(waits_for_a_lock)
    canceller.join(20)
    assert ended == ["cancelled"]
    assert fresh(job).status == "cancelled"


def test_a_job_whose_attempt_fails_before_it_sees_the_request_is_not_queued_again() -> None:
    job = make_job()
    attempt = running(job)
    messages()
    assert cancel(job, None).status == "running"
    attempt.requeue(reason="attempt_failed", delay_seconds=3600)
    assert fresh(job).status == "cancelled"
    another = make_job()
    attempt = running(another)
    messages()
    cancel(another, None)
    attempt.requeue(reason="worker_stopped")
    assert fresh(another).status == "cancelled"
    assert messages() == []


def waits_for_a_lock() -> bool:
    """Tell whether a session waits for another one's row."""
    with connection.cursor() as cursor:
        cursor.execute(WAITING)
        return bool(cursor.fetchone()[0])


def test_cancel_against_claim_and_completion_has_one_winner(settings: Settings) -> None:
    for _ in range(10):
        job = make_job(None, {"progress": [10, "x"]})
        runner = in_thread(job)
        asked = threading.Event()

        def ask(target: Job = job, done: threading.Event = asked) -> None:
            try:
                cancel(target, None)
            except IllegalState:
                pass
            finally:
                connection.close()
                done.set()

        canceller = threading.Thread(target=ask)
        canceller.start()
        runner.join(20)
        canceller.join(20)
        assert asked.is_set()
        ended = fresh(job)
        assert ended.status in {"completed", "cancelled"}
        assert ended.events.filter(data__to__in=["completed", "cancelled", "failed"]).count() == 1
        assert (ended.result is not None) == (ended.status == "completed")
