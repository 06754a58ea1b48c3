"""Running a job: the claim, the outcome, the history."""

from __future__ import annotations

import threading
import uuid

import pytest
from django.db import connection
from pytest_django import Settings

from jobs.exceptions import IllegalState
from jobs.models import Job, JobEvent
from jobs.running.execution import execute, run_in_foreground
from jobs.tests import handlers
from jobs.tests.conftest import COMMITTED, messages
from jobs.tests.factories import make_job

pytestmark = COMMITTED


def run(job: Job) -> Job:
    """Execute the job's present dispatch here, and return it as it then stands."""
    job.refresh_from_db()
    assert job.dispatch_id
    execute(job.pk, job.dispatch_id)
    return Job.objects.select_related("run").get(pk=job.pk)


def test_a_job_runs_and_completes_with_its_result() -> None:
    steps = ({"progress": [40, "reading"]}, {"log": ["info", "hello", "script"]}, {"result": {"n": 3}})
    done = run(make_job(None, *steps))
    assert (done.status, done.result, done.attempt) == ("completed", {"n": 3, "attempt": 1}, 1)
    assert done.run.progress == 100
    assert done.started_at
    assert done.completed_at
    assert done.completed_at >= done.started_at
    assert done.run.lease_expires_at is None


def test_history_is_numbered_from_one_without_a_gap() -> None:
    done = run(make_job(None, {"progress": [40, "reading"]}, {"log": ["info", "hello", "script"]}))
    events = list(JobEvent.objects.filter(job=done).order_by("seq"))
    assert [event.seq for event in events] == list(range(1, len(events) + 1))
    assert done.run.last_seq == len(events)
    states = [(event.data["from"], event.data["to"]) for event in events if event.type == "state"]
    assert states == [
        (None, "pending"),
        ("pending", "queued"),
        ("queued", "running"),
        ("running", "completed"),
    ]


def test_ten_messages_at_once_run_the_job_once_and_are_recorded() -> None:
    job = make_job(None, {"progress": [1, "x"]})
    barrier = threading.Barrier(10)

    def deliver() -> None:
        try:
            barrier.wait(10)
            assert job.dispatch_id
            execute(job.pk, job.dispatch_id)
        finally:
            connection.close()

    threads = [threading.Thread(target=deliver) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    done = Job.objects.select_related("run").get(pk=job.pk)
    assert (done.status, done.attempt, handlers.runs[job.pk]) == ("completed", 1, 1)
    assert done.run.duplicates == 9
    assert done.events.filter(data__to="completed").count() == 1


def test_a_message_of_an_older_dispatch_is_dropped() -> None:
    job = make_job()
    assert execute(job.pk, uuid.uuid4()) is None
    job = Job.objects.select_related("run").get(pk=job.pk)
    assert (job.status, job.run.duplicates, handlers.runs[job.pk]) == ("queued", 1, 0)


def test_a_message_for_a_job_that_is_gone_is_dropped() -> None:
    assert execute(10**15, uuid.uuid4()) is None


def test_a_delayed_job_is_not_started_early() -> None:
    job = make_job(delay_seconds=3600)
    assert job.dispatch_id
    assert execute(job.pk, job.dispatch_id) is None
    job.refresh_from_db()
    assert job.status == "queued"


def test_failed_work_is_not_repeated_when_it_says_so() -> None:
    done = run(make_job(None, {"fail": {"code": "bad_source", "message": "No such host."}}))
    assert (done.status, done.error_code, done.error_message) == ("failed", "bad_source", "No such host.")
    assert (done.attempt, done.failures, done.result) == (1, 1, None)


def test_retryable_failures_are_repeated_up_to_three_attempts(settings: Settings) -> None:
    job = make_job(None, {"fail": {"code": "flaky", "message": "Again.", "retryable": True}})
    for attempt in (1, 2):
        again = run(job)
        assert (again.status, again.failures, again.error_code) == ("queued", attempt, "")
    done = run(job)
    assert (done.status, done.attempt, done.failures, done.error_code) == ("failed", 3, 3, "flaky")
    assert [event.data["error"]["code"] for event in done.events.filter(data__reason="attempt_failed")] == [
        "flaky",
        "flaky",
    ]


def test_a_later_attempt_may_succeed() -> None:
    job = make_job(None, {"fail": {"code": "flaky", "message": "x", "retryable": True, "attempts": 1}})
    run(job)
    assert run(job).result == {"attempt": 2}


def test_the_delay_between_attempts_doubles_and_sends_no_message(settings: Settings) -> None:
    settings.JOB_RETRY_DELAY_SECONDS = 30
    job = make_job(None, {"fail": {"code": "flaky", "message": "x", "retryable": True}})
    messages()
    waits = []
    for _ in range(2):
        Job.objects.filter(pk=job.pk).update(not_before=None)
        again = run(job)
        assert again.not_before
        assert again.queued_at
        waits.append(round((again.not_before - again.queued_at).total_seconds()))
        assert again.published_at is None
    assert waits == [30, 60]
    assert messages() == []


def test_an_unexpected_error_is_a_failure_that_shows_no_details() -> None:
    job = make_job(None, {"raise": "secret://user:password@host"})
    run(job)
    run(job)
    done = run(job)
    assert (done.status, done.error_code) == ("failed", "unexpected_error")
    assert "RuntimeError" in done.error_message
    assert "password" not in done.error_message


def test_text_that_a_database_cannot_hold_is_made_storable() -> None:
    done = run(
        make_job(
            None,
            {"log": ["info", "name \udcff\x00 end", "script"]},
            {"result": {"path": "a\udcff\x00", "share": float("nan")}},
        )
    )
    assert done.status == "completed"
    assert done.result == {"path": "a?\ufffd", "share": None, "attempt": 1}


def test_a_database_that_goes_away_is_a_loss_and_no_failure_of_the_work(settings: Settings) -> None:
    settings.JOB_MAX_LOSSES = 3
    job = make_job(None, {"lose_database": None})
    first = run(job)
    assert (first.status, first.losses, first.failures) == ("queued", 1, 0)
    run(job)
    last = run(job)
    assert (last.status, last.error_code, last.losses, last.failures) == (
        "failed",
        "database_unavailable",
        3,
        0,
    )


def test_a_job_without_its_handler_fails_and_is_not_lost(settings: Settings) -> None:
    job = make_job()
    settings.JOB_HANDLERS = {}
    settings.JOB_MAX_ATTEMPTS = 1
    for _ in range(3):
        done = run(job)
    assert (done.status, done.error_code) == ("failed", "unexpected_error")


def test_in_the_foreground_a_job_runs_here_and_no_message_is_sent() -> None:
    job = make_job(None, {"result": {"n": 1}}, queue="foreground", dispatch=False)
    done = run_in_foreground(job)
    assert (done.status, done.result) == ("completed", {"n": 1, "attempt": 1})
    assert messages("foreground") == []


def test_in_the_foreground_a_failure_is_final() -> None:
    fail = {"fail": {"code": "flaky", "message": "x", "retryable": True}}
    done = run_in_foreground(make_job(None, fail, queue="foreground", dispatch=False))
    assert (done.status, done.error_code) == ("failed", "flaky")


def test_a_job_of_the_workers_cannot_be_run_in_the_foreground() -> None:
    with pytest.raises(IllegalState):
        run_in_foreground(make_job(dispatch=False))
