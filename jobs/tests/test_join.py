"""Joining: a second identical request gets the job of the first, as long as that has not ended."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from jobs.cancellation import cancel
from jobs.creation import create_job
from jobs.dispatch import dispatch
from jobs.models import Job
from jobs.retry import retry
from jobs.running import lease
from jobs.running.execution import execute
from jobs.tests.conftest import COMMITTED, messages
from jobs.tests.factories import make_job, make_project, make_user

pytestmark = COMMITTED

ALONE = {"alone": "repository 1"}


def start(job: Job) -> Job:
    """Claim the job as a worker would."""
    job.refresh_from_db()
    assert job.dispatch_id
    claimed = lease.claim(job.pk, job.dispatch_id, worker="one@host:1")
    assert claimed
    return claimed


def lines(job: Job) -> list[str]:
    """Return the job's log."""
    return [event.data["message"] for event in job.events.filter(type="log").order_by("seq")]


def test_an_identical_request_joins_the_queued_and_the_running_job_and_is_noted_in_its_log() -> None:
    project, user = make_project(), make_user()
    first = make_job(project, ALONE)
    again = make_job(project, ALONE, created_by=user)
    assert (again.pk, again.joined, first.joined) == (first.pk, True, False)
    start(first)
    third = make_job(project, ALONE)
    assert (third.pk, third.joined, third.status) == (first.pk, True, "running")
    assert lines(first) == [
        f"Another request by {user.get_username()} joined this job.",
        "Another request joined this job.",
    ]
    assert Job.objects.count() == len(messages()) == 1
    seqs = list(first.events.order_by("seq").values_list("seq", flat=True))
    assert seqs == list(range(1, len(seqs) + 1))


def test_what_has_just_changed_is_read_by_a_job_that_has_not_started() -> None:
    project = make_project()
    first = make_job(project, ALONE)
    assert make_job(project, ALONE, fresh=True).pk == first.pk
    start(first)
    second = make_job(project, ALONE, fresh=True)
    assert (second.pk == first.pk, second.joined, second.status) == (False, False, "queued")
    assert make_job(project, ALONE, fresh=True).pk == second.pk
    assert make_job(project, ALONE).pk == first.pk
    assert Job.objects.count() == 2


@pytest.mark.parametrize(
    "values",
    [
        {"tags": {"team": "core"}},
        {"job_type": "export"},
        {"dispatch": False},
        {"delay_seconds": 60},
        {"queue": "default"},
        {"queue": "foreground"},
    ],
)
def test_a_request_that_differs_or_is_to_wait_makes_a_job_of_its_own(values: dict[str, Any]) -> None:
    project = make_project()
    first = make_job(project, ALONE)
    other = make_job(project, ALONE, **values)
    assert (other.pk != first.pk, other.joined) == (True, False)


def test_other_parameters_projects_children_and_retries_are_not_joined() -> None:
    project = make_project()
    first = make_job(project, ALONE)
    assert not make_job(project, ALONE, {"result": {"n": 1}}).joined
    assert not make_job(None, ALONE).joined
    assert not make_job(project, ALONE, parent=first).joined
    assert not make_job(project, {"result": {"n": 1}}).joined
    assert not make_job(
        project, {"result": {"n": 1}}
    ).joined  # what needs nothing for itself may run twice at once
    cancel(first, None)
    again = retry(Job.objects.get(pk=first.pk), None)
    assert not again.joined


def test_a_foreground_job_has_no_exclusive_key() -> None:
    assert make_job(None, ALONE, queue="foreground").exclusive_key == ""


def test_an_ended_job_is_never_joined() -> None:
    project = make_project()
    first = make_job(project, ALONE)
    assert first.dispatch_id
    execute(first.pk, first.dispatch_id)
    second = make_job(project, ALONE)
    assert second.pk != first.pk
    cancel(second, None)
    third = make_job(project, ALONE)
    assert third.pk not in {first.pk, second.pk}


def test_a_running_job_that_is_being_cancelled_is_passed_over_and_its_successor_is_joined() -> None:
    """Before and after the end of the old one, and however often that happens."""
    project = make_project()
    old = make_job(project, ALONE)
    claimed = start(old)
    cancel(old, None)
    successor = make_job(project, ALONE)
    assert (successor.pk != old.pk, successor.joined) == (True, False)
    assert make_job(project, ALONE).pk == successor.pk
    assert successor.dispatch_id
    assert lease.claim(successor.pk, successor.dispatch_id, worker="two@host:1") is None
    from jobs.models import JobStatus
    from jobs.running.attempt import Attempt

    Attempt(claimed).finish(JobStatus.CANCELLED, reason="cancelled")
    assert make_job(project, ALONE).pk == successor.pk
    start(successor)
    cancel(successor, None)
    third = make_job(project, ALONE)
    assert third.pk not in {old.pk, successor.pk}
    assert make_job(project, ALONE).pk == third.pk


def test_a_cancel_request_does_not_wait_for_the_commit_of_the_work() -> None:
    """Nor does the next request: the job's row may be locked for seconds by its last transaction."""
    from jobs.running.attempt import Attempt

    project = make_project()
    attempt = Attempt(start(make_job(project, ALONE)))
    made: list[Job] = []

    def others() -> None:
        try:
            cancel(attempt.job, None)
            made.append(make_job(project, ALONE))
        finally:
            connection.close()

    with attempt.commit({}):
        thread = threading.Thread(target=others)
        thread.start()
        thread.join(5)
        assert not thread.is_alive()
    assert made[0].pk != attempt.job_id


def test_ten_identical_requests_at_once_make_one_job() -> None:
    project = make_project()
    barrier = threading.Barrier(10)
    found: list[tuple[int, bool]] = []

    def ask() -> None:
        try:
            barrier.wait(10)
            job = make_job(project, ALONE)
            found.append((job.pk, job.joined))
        finally:
            connection.close()

    threads = [threading.Thread(target=ask) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    job = Job.objects.get()
    assert {pk for pk, _joined in found} == {job.pk}
    assert sorted(joined for _pk, joined in found) == [False] + [True] * 9
    assert len(lines(job)) == 9
    assert len(messages()) == 1


def test_joined_requests_do_not_fill_the_log_beyond_its_cap(settings: Any) -> None:
    settings.JOB_LOG_BYTES = 1024
    project = make_project()
    job = make_job(project, ALONE)
    for _ in range(20):
        make_job(project, ALONE)
    assert 0 < len(lines(job)) < 20


def test_the_api_answers_200_with_the_job_that_was_joined_and_an_idempotency_key_still_works() -> None:
    user = make_user()
    project = make_project(operator=user)
    client = Client()
    client.force_login(user, "django.contrib.auth.backends.ModelBackend")

    def post(**headers: str) -> Any:
        body = {"project": project.pk, "job_type": "analysis", "parameters": {"steps": [ALONE]}}
        return client.post("/api/v1/jobs", body, content_type="application/json", headers=headers)

    first = post(idempotency_key="one")
    joined = post(idempotency_key="two")
    assert (first.status_code, joined.status_code) == (201, 200)
    assert joined.json()["id"] == first.json()["id"]
    assert joined["Location"].endswith(f"/api/v1/jobs/{first.json()['id']}")
    for key, answer in (("one", first), ("two", joined)):
        replayed = post(idempotency_key=key)
        assert (replayed.status_code, replayed.json()["id"]) == (answer.status_code, first.json()["id"])
    assert len(lines(Job.objects.get())) == 1


def test_what_joining_costs() -> None:
    """A job that needs nothing for itself pays nothing for it; any other a lock and a look."""
    project = make_project()
    make_job(project)
    with CaptureQueriesContext(connection) as plain:
        make_job(project)
    assert len(plain) == 5  # a savepoint and its end; the job; its run with events; what is published of it
    with CaptureQueriesContext(connection) as alone:
        make_job(project, ALONE)
    assert len(alone) == len(plain) + 2


def test_dispatching_a_pending_job_later_does_not_collide_with_one_that_can_be_joined() -> None:
    project = make_project()
    pending = create_job(
        project=project,
        job_type="analysis",
        parameters={"steps": [ALONE]},
        origin_kind="api",
        dispatch=False,
    )
    make_job(project, ALONE)
    assert dispatch(pending).status == "queued"
