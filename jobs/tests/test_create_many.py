"""Making many jobs at once: the same as making each by itself, with a few statements for all."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Any

import pytest
from celery import current_app
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from commandcenter.events.models import Event, Outbox
from commandcenter.inventory.models import Project
from jobs import broker as broker_module
from jobs.creation import MOST_AT_ONCE, JobRequest, create_job, create_jobs
from jobs.exceptions import InvalidParameters
from jobs.models import Job, JobEvent
from jobs.recovery.sweeper import sweep
from jobs.tests.claiming import at_once
from jobs.tests.conftest import COMMITTED, messages
from jobs.tests.factories import make_job, make_project, make_user

pytestmark = COMMITTED

OWN = {"id", "job", "job_id", "uid", "subject_id", "dispatch_id", "celery_task_id", "event_id"}
TIMES = {"at", "created_at", "queued_at", "published_at", "not_before"}


def request(project: Project, *steps: dict[str, Any], **values: Any) -> JobRequest:
    """Return a request for a job of the script handler, as a schedule makes it."""
    asked: dict[str, Any] = {
        "job_type": "analysis",
        "parameters": {"steps": list(steps)},
        "origin_kind": "schedule",
        "origin_id": 7,
    }
    return JobRequest(project=project, **asked | values)


def made(requests: list[JobRequest]) -> list[Job]:
    """Make jobs that can all be made."""
    found = create_jobs(requests)
    assert all(isinstance(job, Job) for job in found), found
    return [job for job in found if isinstance(job, Job)]


def written(job: Job) -> list[list[dict[str, Any]]]:
    """Return every row that making this job wrote; of times only whether they are there, of ids of its own nothing."""
    events = Event.objects.filter(subject_kind="job", subject_id=job.pk)
    rows: list[Any] = [
        Job.objects.filter(pk=job.pk).values(),
        type(job.run).objects.filter(pk=job.pk).values(),
        job.events.order_by("seq").values(),
        events.order_by("pk").values(),
        Outbox.objects.filter(event__in=events).values(),
    ]
    return [[_comparable(row) for row in table] for table in rows]


def _comparable(row: dict[str, Any]) -> dict[str, Any]:
    data = row.get("data")
    if isinstance(data, dict):
        row["data"] = {name: value for name, value in data.items() if name not in OWN}
    return {
        name: value is not None if name in TIMES else value for name, value in row.items() if name not in OWN
    }


def test_the_rows_are_those_of_jobs_made_one_by_one_in_the_order_asked() -> None:
    project, user = make_project(), make_user()
    values: dict[str, Any] = {"tags": {"team": "core"}, "created_by": user}
    asked = [request(project, {"result": {"n": number, "text": 'ü"\\n'}}, **values) for number in range(3)]
    single = create_job(
        project=project,
        job_type="analysis",
        parameters=asked[0].parameters,
        origin_kind="schedule",
        origin_id=7,
        **values,
    )
    many = made(asked)
    assert written(many[0]) == written(single)
    assert [job.pk for job in many] == sorted(job.pk for job in many)
    assert [job.parameters["steps"][0]["result"]["n"] for job in many] == [0, 1, 2]
    for job in many:
        stored = Job.objects.select_related("run").get(pk=job.pk)
        assert (stored.status, stored.queued_at, stored.published_at) == (
            "queued",
            job.queued_at,
            job.published_at,
        )
        assert (stored.run.last_seq, job.run.last_seq) == (2, 2)
        assert {event.at for event in job.events.all()} == {stored.queued_at}
        assert stored.parameters == job.parameters
    assert messages() == [[job.pk, str(job.dispatch_id)] for job in [single, *many]]


def test_pending_and_delayed_jobs_keep_their_place_among_the_others() -> None:
    project = make_project()
    pending, later, now = made(
        [request(project, dispatch=False), request(project, delay_seconds=60), request(project)]
    )
    assert [job.status for job in (pending, later, now)] == ["pending", "queued", "queued"]
    later.refresh_from_db()
    assert later.queued_at
    assert later.not_before
    assert (later.not_before - later.queued_at).total_seconds() == 60
    assert (later.published_at, pending.queued_at) == (None, None)
    assert messages() == [[now.pk, str(now.dispatch_id)]]


def test_two_hundred_jobs_cost_as_many_statements_as_one() -> None:
    project = make_project()
    make_job(project)
    with CaptureQueriesContext(connection) as one:
        made([request(project, {"alone": "one"})])
    with CaptureQueriesContext(connection) as many:
        made([request(project, {"alone": f"many {number}"}) for number in range(200)])
    assert len(many) == len(one) == 7  # begin, lock, look, jobs, runs with events, what is published, commit
    assert Job.objects.count() == len(messages()) == 202


def test_what_is_identical_joins_the_job_there_is_and_within_a_call_the_first() -> None:
    project, user = make_project(), make_user()
    there = make_job(project, {"alone": "a"})
    joining, first, second, other = made(
        [
            request(project, {"alone": "a"}, created_by=user),
            request(project, {"alone": "b"}),
            request(project, {"alone": "b"}),
            request(project, {"alone": "b"}, tags={"team": "core"}),
        ]
    )
    assert (joining.pk, joining.joined) == (there.pk, True)
    assert (first.joined, second.joined, other.joined) == (False, True, False)
    assert first.pk == second.pk != other.pk
    log = JobEvent.objects.filter(type="log")
    assert {event.job_id: event.data["message"] for event in log} == {
        there.pk: f"Another request by {user.get_username()} joined this job.",
        first.pk: "Another request joined this job.",
    }
    assert Job.objects.count() == len(messages()) == 3


def test_one_that_cannot_be_used_hinders_no_other() -> None:
    project = make_project()
    good, unknown, wrong, last = create_jobs(
        [
            request(project),
            request(project, job_type="no_such_type"),
            request(project, parameters={"steps": 7}),
            request(project),
        ]
    )
    assert isinstance(good, Job)
    assert isinstance(last, Job)
    assert isinstance(unknown, InvalidParameters)
    assert isinstance(wrong, InvalidParameters)
    assert [unknown.errors[0]["field"], wrong.errors[0]["field"]] == ["job_type", "parameters.steps"]
    assert set(Job.objects.values_list("pk", flat=True)) == {good.pk, last.pk}


def test_what_is_rolled_back_leaves_nothing() -> None:
    project = make_project()
    with transaction.atomic():
        made([request(project, {"alone": str(number)}) for number in range(3)])
        assert messages() == []
        transaction.set_rollback(True)
    assert not Job.objects.exists()
    assert not JobEvent.objects.exists()
    assert not Outbox.objects.exists()
    assert messages() == []


def test_nothing_and_too_much_at_once() -> None:
    assert create_jobs([]) == []
    project = make_project()
    with pytest.raises(ValueError, match="At most"):
        create_jobs([request(project)] * (MOST_AT_ONCE + 1))


@pytest.fixture
def absent_broker(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Have the broker at a port where nobody listens."""
    conf: Any = current_app.conf
    original = conf.broker_url
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with monkeypatch.context() as patched:
        conf.broker_url = f"redis://127.0.0.1:{port}/0"
        fresh = broker_module.Broker()
        for module in ("jobs.dispatch.broker", "jobs.recovery.sweeper.broker"):
            patched.setattr(module, fresh)
        yield
    conf.broker_url = original


@pytest.fixture
def made_without_broker(absent_broker: None) -> list[Job]:
    """Return jobs whose hints could not be sent."""
    project = make_project()
    return made([request(project) for _ in range(3)])


def test_jobs_made_while_the_broker_is_away_are_left_to_the_sweeper(made_without_broker: list[Job]) -> None:
    assert list(Job.objects.values_list("status", "published_at")) == [("queued", None)] * 3
    assert sweep().unsent == 3


def test_the_same_requests_in_opposite_order_at_once_make_one_job_each() -> None:
    project = make_project()
    asked = [request(project, {"alone": f"part {number}"}) for number in range(100)]
    found: list[list[Job]] = []
    at_once(
        [
            lambda: found.append(made(asked)),
            lambda: found.append(made(asked[::-1])),
            lambda: found.append(made(asked[50:] + asked[:50])),
        ]
    )
    assert len(found) == 3
    assert Job.objects.count() == len(messages()) == 100
    for number, job in enumerate(Job.objects.order_by("parameters__steps__0__alone")):
        assert sum(each.pk == job.pk and not each.joined for jobs in found for each in jobs) == 1, number
