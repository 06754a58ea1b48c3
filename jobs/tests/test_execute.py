"""Running a job: claim, outcome, history."""

from __future__ import annotations

import threading

import pytest
from django.db import connection

from jobs.execution import execute
from jobs.models import Job, JobEvent
from jobs.tests import handlers
from jobs.tests.factories import make_job

pytestmark = pytest.mark.django_db(transaction=True)


def run(job: Job) -> Job:
    """Execute the job's present dispatch here, and return it as it then stands."""
    job.refresh_from_db()
    assert job.dispatch_id
    execute(job.pk, job.dispatch_id)
    return Job.objects.select_related("run").get(pk=job.pk)


def test_a_job_runs_and_completes_with_its_result() -> None:
    job = make_job(
        None, {"progress": [40, "reading"]}, {"log": ["info", "hello", "script"]}, {"result": {"n": 3}}
    )
    done = run(job)
    assert (done.status, done.result, done.attempt) == ("completed", {"n": 3, "attempt": 1}, 1)
    assert done.run.progress == 100
    assert done.started_at and done.completed_at and done.completed_at >= done.started_at
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
