"""Pausing a queue: nothing of it starts until it is resumed, and then everything does, quickly and in order."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.db.models.functions import Now
from django.test import Client
from django.test.utils import CaptureQueriesContext

from commandcenter.accounts.models import User
from commandcenter.events.models import Event
from jobs.cancellation import cancel
from jobs.exceptions import IllegalState, UnknownQueue
from jobs.fairness import limits, queues
from jobs.models import Job, JobRun, QueueControl
from jobs.recovery import sweeper
from jobs.recovery.sweeper import sweep
from jobs.running import lease
from jobs.tests.conftest import COMMITTED, messages, purge
from jobs.tests.factories import make_job, make_project, make_user

pytestmark = COMMITTED


@pytest.fixture(autouse=True)
def first_round(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let each test begin with a sweeper that has seen nothing."""
    monkeypatch.setattr(sweeper, "_held", limits.Sweep())


def try_claim(job: Job) -> Job | None:
    """Do what a worker does with the job's message."""
    job.refresh_from_db()
    assert job.dispatch_id
    return lease.claim(job.pk, job.dispatch_id, worker="one@host:1")


def held(job: Job) -> tuple[str, str, bool]:
    """Return what the job waits for."""
    job.refresh_from_db()
    return job.status, job.held_by, job.published_at is None


def signed_in(user: User) -> Client:
    """Return a client in which this user is signed in."""
    client = Client()
    client.force_login(user, "django.contrib.auth.backends.ModelBackend")
    return client


def test_a_job_of_a_paused_queue_does_not_start_and_costs_nothing_while_it_waits() -> None:
    job = make_job()
    queues.pause("default", None)
    purge()
    assert try_claim(job) is None
    assert held(job) == ("queued", "queue:default", True)
    assert JobRun.objects.get(job=job).duplicates == 0
    for _ in range(3):
        assert sweep().sent == 0
    assert messages() == []


def test_what_runs_goes_on_and_other_queues_do_not_notice() -> None:
    running, other = make_job(), make_job(queue="export")
    assert try_claim(running)
    queues.pause("default", None)
    running.refresh_from_db()
    assert running.status == "running"
    assert try_claim(other)


def test_hints_that_were_lost_are_not_repeated_during_a_pause_and_are_afterwards() -> None:
    job = make_job()
    purge()
    Job.objects.update(published_at=Now() - timedelta(hours=1))
    queues.pause("default", None)
    assert sweep().sent == 0
    queues.resume("default", None)
    assert sweep().sent == 1
    assert messages() == [[job.pk, str(job.dispatch_id)]]


def test_resuming_sends_the_first_at_once_oldest_first() -> None:
    jobs = [make_job() for _ in range(4)]
    queues.pause("default", None)
    for job in reversed(jobs):
        try_claim(job)
    purge()
    assert queues.resume("default", None)
    assert [job_id for job_id, _dispatch in messages()] == [job.pk for job in jobs]
    assert held(jobs[0]) == ("queued", "", False)
    assert try_claim(jobs[0])


def test_a_long_row_drains_in_bounded_steps_at_200_a_second_and_more() -> None:
    """A sweep comes every two seconds."""
    project = make_project()
    first = make_job(project)
    waiting = 2 * limits.SWEPT_OF_ONE + limits.STEP
    copies = [
        Job(
            project=project,
            job_type="analysis",
            queue="default",
            status="queued",
            dispatch_id=first.dispatch_id,
            queued_at=first.queued_at,
            held_by="queue:default",
        )
        for _ in range(waiting)
    ]
    Job.objects.bulk_create(copies)
    purge()
    assert sweep().released == limits.SWEPT_OF_ONE >= 2 * 200
    assert sweep().released == limits.SWEPT_OF_ONE
    assert sweep().released == limits.STEP
    assert (sweep().released, len(messages())) == (0, waiting)


def test_a_row_of_one_queue_does_not_keep_another_from_its_turn() -> None:
    project = make_project()
    now = make_job(project).queued_at
    for queue, count in (("analysis", 3 * limits.SWEPT_OF_ONE), ("export", 1200), ("webhooks", 5)):
        Job.objects.bulk_create(
            Job(
                project=project,
                job_type="analysis",
                queue=queue,
                status="queued",
                dispatch_id="00000000-0000-4000-8000-000000000000",
                queued_at=now,
                held_by=f"queue:{queue}",
            )
            for _ in range(count)
        )
    sweep()
    sweep()
    assert not Job.objects.filter(held_by="queue:webhooks").exists()


def test_a_cancelled_job_of_a_paused_queue_is_no_longer_held() -> None:
    job = make_job()
    queues.pause("default", None)
    try_claim(job)
    cancel(job, None)
    assert held(job) == ("cancelled", "", True)
    queues.resume("default", None)
    assert len(messages()) == 1  # its first


def test_delayed_jobs_keep_their_time_through_a_pause() -> None:
    job = make_job(delay_seconds=60)
    queues.pause("default", None)
    Job.objects.update(not_before=Now() - timedelta(seconds=1))
    assert sweep().sent == 0
    assert try_claim(job) is None
    assert held(job)[1] == "queue:default"
    Job.objects.update(not_before=Now() + timedelta(seconds=60))
    queues.resume("default", None)
    assert sweep().released == 0
    Job.objects.update(not_before=Now() - timedelta(seconds=1))
    assert sweep().released == 1
    assert try_claim(job)


def test_the_system_queue_and_unknown_ones_cannot_be_paused() -> None:
    with pytest.raises(IllegalState):
        queues.pause("system", None)
    with pytest.raises(UnknownQueue):
        queues.pause("foreground", None)
    with pytest.raises(UnknownQueue):
        queues.resume("nowhere", None)
    assert not QueueControl.objects.exists()


def test_staff_pause_and_resume_over_the_api_and_it_is_recorded_who_did() -> None:
    staff = make_user(staff=True)
    client = signed_in(staff)
    make_job()
    body = {"reason": "the mirror is down\x00"}
    paused = client.post("/api/v1/queues/default/pause", {"reason": "mirror down"}, "application/json")
    assert paused.status_code == 200
    assert paused.json()["paused"]["by"] == staff.get_username()
    assert paused.json()["paused"]["reason"] == "mirror down"
    misspelt = client.post("/api/v1/queues/export/pause", {"resaon": "x"}, "application/json")
    assert (misspelt.status_code, misspelt.json()["errors"][0]["field"]) == (400, "resaon")
    again = client.post("/api/v1/queues/default/pause", {"reason": "other"}, "application/json")
    assert again.json()["paused"] == paused.json()["paused"]
    listed = {queue["name"]: queue for queue in client.get("/api/v1/queues").json()["results"]}
    assert set(listed) == {"analysis", "export", "webhooks", "default", "system"}
    assert listed["default"] | {"oldest_seconds": 0} == paused.json() | {"oldest_seconds": 0}
    assert (listed["default"]["depth"], listed["default"]["running"]) == (1, 0)
    assert listed["default"]["oldest_seconds"] > 0
    assert (listed["export"]["paused"], listed["export"]["oldest_seconds"]) == (None, None)
    for _ in range(2):
        assert client.post("/api/v1/queues/default/resume").json()["paused"] is None
    events = Event.objects.filter(subject_kind="queue").order_by("pk")
    assert [(event.type, event.actor_name) for event in events] == [
        ("queue.paused", staff.get_username()),
        ("queue.resumed", staff.get_username()),
    ]
    assert client.post("/api/v1/queues/default/pause", body, "application/json").status_code == 400


def test_bad_requests_have_clear_answers() -> None:
    client = signed_in(make_user(staff=True))
    refused = client.post("/api/v1/queues/system/pause")
    assert (refused.status_code, refused.json()["code"]) == (409, "system_queue")
    assert client.post("/api/v1/queues/nowhere/pause").status_code == 404
    assert client.get("/api/v1/queues/nowhere").status_code == 404
    long = client.post("/api/v1/queues/default/pause", {"reason": "x" * 201}, "application/json")
    assert (long.status_code, long.json()["errors"][0]["field"]) == (400, "reason")
    assert client.post("/api/v1/queues/default/pause", "[]", "application/json").status_code == 400


def test_only_staff_may_pause_and_everyone_signed_in_may_look() -> None:
    client = signed_in(make_user())
    assert client.get("/api/v1/queues").status_code == 200
    assert client.post("/api/v1/queues/default/pause").status_code == 403
    assert client.post("/api/v1/queues/default/resume").status_code == 403
    assert Client().get("/api/v1/queues").status_code == 401
    assert not QueueControl.objects.exists()


def test_the_state_of_all_queues_costs_two_queries() -> None:
    for _ in range(3):
        make_job()
    with CaptureQueriesContext(connection) as queries:
        queues.states()
    assert len(queries) == 2
