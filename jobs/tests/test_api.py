"""The API of jobs: shapes, who may, bad input, and a constant number of queries."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings
from rest_framework.test import APIClient

from commandcenter.accounts.models import User
from commandcenter.accounts.tokens import create_token
from commandcenter.inventory.models import Project
from jobs.cancellation import cancel
from jobs.models import Job, JobStatus
from jobs.state import transition
from jobs.tests.factories import make_job, make_project, make_user, make_worker

pytestmark = pytest.mark.django_db

FIELDS = {
    "id",
    "project",
    "job_type",
    "status",
    "progress",
    "current_step",
    "parameters",
    "result",
    "error",
    "tags",
    "queue",
    "attempt",
    "max_attempts",
    "celery_task_id",
    "created_by",
    "created_at",
    "queued_at",
    "started_at",
    "completed_at",
    "is_terminal",
    "waiting_reason",
    "parent",
    "origin",
}


@pytest.fixture
def operator() -> User:
    """Return someone who may do everything with the jobs of `project`."""
    return make_user()


@pytest.fixture
def viewer() -> User:
    """Return someone who may only look."""
    return make_user()


@pytest.fixture
def project(operator: User, viewer: User) -> Project:
    """Return the project that the tests are about."""
    return make_project(operator=operator, viewer=viewer)


def client(user: User | None) -> APIClient:
    """Return a client of this user."""
    found = APIClient()
    if user is not None:
        found.force_authenticate(user)
    return found


def end(job: Job, to: JobStatus, **values: Any) -> Job:
    """Take a queued job to its end by legal moves."""
    transition(job.pk, JobStatus.RUNNING, sources={JobStatus.QUEUED}, reason="test")
    ended = transition(job.pk, to, sources={JobStatus.RUNNING}, reason="test", job_values=values)
    assert ended
    return ended


def test_creating_returns_the_job_of_the_contract(operator: User, project: Project) -> None:
    make_worker("default")
    body = {"project": project.pk, "job_type": "analysis", "parameters": {"steps": []}, "tags": {"a": "b"}}
    response = client(operator).post("/api/v1/jobs", body)
    assert response.status_code == 201, response.content
    job = response.json()
    assert set(job) >= FIELDS
    assert (job["project"], job["status"], job["tags"]) == (project.pk, "queued", {"a": "b"})
    assert job["origin"] == {"kind": "api", "id": None}
    assert job["created_by"] == operator.pk
    assert job["error"] is None
    assert job["waiting_reason"] == {
        "code": "in_queue",
        "detail": "Next in the queue default.",
        "position": 1,
    }
    assert job["created_at"].endswith("Z")
    assert response["Location"].endswith(f"/api/v1/jobs/{job['id']}")
    assert client(operator).get(f"/api/v1/jobs/{job['id']}").json() == job


def test_undispatched_jobs_say_so_and_can_be_dispatched(operator: User, project: Project) -> None:
    api = client(operator)
    body = {"project": project.pk, "job_type": "analysis", "parameters": {}, "dispatch": False}
    job = api.post("/api/v1/jobs", body).json()
    assert (job["status"], job["waiting_reason"]["code"]) == ("pending", "not_dispatched")
    response = api.post(f"/api/v1/jobs/{job['id']}/dispatch", {"delay_seconds": 60})
    assert response.status_code == 202
    assert (response.json()["status"], response.json()["waiting_reason"]["code"]) == ("queued", "delayed")
    again = api.post(f"/api/v1/jobs/{job['id']}/dispatch")
    assert (again.status_code, again.json()["code"]) == (409, "illegal_state")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"job_type": "no_such_type"}, "job_type"),
        ({"job_type": None}, "job_type"),
        ({"job_type": "import"}, "job_type"),
        ({"parameters": {"colour": 1}}, "parameters.colour"),
        ({"parameters": []}, "parameters"),
        ({"parameters": "x"}, "parameters"),
        ({"project": 10**9}, "project"),
        ({"project": 10**30}, "project"),
        ({"project": "x"}, "project"),
        ({"project": True}, "project"),
        ({"project": None}, "project"),
        ({"tags": "x"}, "tags"),
        ({"tags": ["no-colon"]}, "tags"),
        ({"tags": {"a": {"b": 1}}}, "tags"),
        ({"dispatch": "perhaps"}, "dispatch"),
        ({"delay_seconds": 3601}, "delay_seconds"),
        ({"delay_seconds": -1}, "delay_seconds"),
    ],
)
def test_bad_bodies_are_refused_by_field(
    operator: User, project: Project, change: dict[str, Any], field: str
) -> None:
    body = {"project": project.pk, "job_type": "analysis", "parameters": {}} | change
    response = client(operator).post("/api/v1/jobs", body)
    assert response.status_code == 400, response.content
    assert response["Content-Type"] == "application/problem+json"
    assert field in {error["field"] for error in response.json()["errors"]}
    assert not Job.objects.exists()


@pytest.mark.parametrize(
    "query",
    [
        "status=done",
        "status=completed&status=x",
        "job_type=x",
        "project=x",
        "project=99999999999999999999999",
        "project=-1",
        "tag=x",
        "tag=:x",
        "created_after=yesterday",
        "created_before=2026-13-01T00:00:00Z",
        "search=%00",
        "tag=a:%00",
        "search=" + "x" * 201,
        "limit=0",
        "limit=1001",
        "cursor=x",
    ],
)
@pytest.mark.parametrize("path", ["/api/v1/jobs", "/api/v1/jobs/active"])
def test_filters_that_cannot_be_meant_are_refused(operator: User, path: str, query: str) -> None:
    response = client(operator).get(f"{path}?{query}")
    assert response.status_code == 400, response.content
    assert response.json()["errors"]


def test_filters_select(operator: User, project: Project) -> None:
    api = client(operator)
    queued = make_job(project, tags={"team": "core"})
    failed = end(make_job(project), JobStatus.FAILED, error_code="odd", error_message="The host is away.")
    pending = make_job(project, job_type="export", dispatch=False)
    now = timezone.now()
    Job.objects.filter(pk=pending.pk).update(created_at=now - timedelta(days=3))

    def ids(query: str) -> list[int]:
        response = api.get(f"/api/v1/jobs?{query}")
        assert response.status_code == 200, response.content
        return [job["id"] for job in response.json()["results"]]

    day = (now - timedelta(days=1)).isoformat().replace("+00:00", "Z")
    assert ids("") == [failed.pk, queued.pk, pending.pk]
    assert ids("status=failed") == [failed.pk]
    assert ids("status=failed&status=queued") == [failed.pk, queued.pk]
    assert ids("job_type=export") == [pending.pk]
    assert ids("tag=team:core") == [queued.pk]
    assert ids("tag=team:other") == []
    assert ids("search=host") == [failed.pk]
    assert ids(f"search={queued.pk}")[-1:] == [queued.pk]
    assert ids("search=100%25_") == []
    assert ids(f"created_after={day}") == [failed.pk, queued.pk]
    assert ids(f"created_before={day}") == [pending.pk]
    assert ids(f"project={project.pk}&limit=1") == [failed.pk]
    assert ids("project=999999") == []
    assert [job["id"] for job in api.get("/api/v1/jobs/active").json()["results"]] == [queued.pk, pending.pk]


def test_pages_follow_each_other(operator: User, project: Project) -> None:
    made = [make_job(project, dispatch=False).pk for _ in range(5)]
    seen, url = [], "/api/v1/jobs?limit=2"
    while url:
        page = client(operator).get(url).json()
        seen += [job["id"] for job in page["results"]]
        url = page["next"]
    assert seen == made[::-1]


def test_foreign_jobs_do_not_exist(project: Project) -> None:
    job = make_job(project)
    stranger = client(make_user())
    for path in ("", "/events", "/progress"):
        assert stranger.get(f"/api/v1/jobs/{job.pk}{path}").status_code == 404
    for path in ("/cancel", "/retry", "/dispatch"):
        assert stranger.post(f"/api/v1/jobs/{job.pk}{path}").status_code == 404
    assert stranger.delete(f"/api/v1/jobs/{job.pk}").status_code == 404
    assert stranger.get("/api/v1/jobs").json()["results"] == []
    assert stranger.post("/api/v1/jobs/batch", {"job_ids": [job.pk]}).json() == {"results": []}
    assert stranger.get("/api/v1/jobs/statistics").json()["total_jobs"] == 0
    body = {"project": project.pk, "job_type": "analysis", "parameters": {}}
    assert stranger.post("/api/v1/jobs", body).status_code == 400


def test_viewers_look_and_do_not_touch(viewer: User, project: Project) -> None:
    job = make_job(project)
    api = client(viewer)
    assert api.get(f"/api/v1/jobs/{job.pk}").status_code == 200
    assert api.get(f"/api/v1/jobs/{job.pk}/events").status_code == 200
    for path in ("/cancel", "/retry", "/dispatch"):
        assert api.post(f"/api/v1/jobs/{job.pk}{path}").status_code == 403
    assert api.delete(f"/api/v1/jobs/{job.pk}").status_code == 403
    body = {"project": project.pk, "job_type": "analysis", "parameters": {}}
    assert api.post("/api/v1/jobs", body).status_code == 403


def test_nobody_sees_anything_without_signing_in(project: Project) -> None:
    job = make_job(project)
    assert client(None).get("/api/v1/jobs").status_code == 401
    assert client(None).get(f"/api/v1/jobs/{job.pk}").status_code == 401


def test_a_read_token_reads_batches_too_and_a_limited_one_sees_its_projects(
    operator: User, project: Project
) -> None:
    job = make_job(project)
    _, read = create_token(operator, "read", "read", [project.pk])
    _, limited = create_token(operator, "limited", "write", [project.pk + 1])
    api = APIClient(HTTP_AUTHORIZATION=f"Bearer {read}")
    assert [row["id"] for row in api.post("/api/v1/jobs/batch", {"job_ids": [job.pk]}).json()["results"]] == [
        job.pk
    ]
    assert api.post(f"/api/v1/jobs/{job.pk}/cancel").status_code == 403
    assert APIClient(HTTP_AUTHORIZATION=f"Bearer {limited}").get(f"/api/v1/jobs/{job.pk}").status_code == 404


@pytest.mark.parametrize(
    "pk", ["0", "99999999999999999999", "9223372036854775808", "9999999999999999999", "x", "1.5"]
)
def test_ids_that_cannot_exist_are_404(operator: User, pk: str) -> None:
    api = client(operator)
    assert api.get(f"/api/v1/jobs/{pk}").status_code == 404
    assert api.post(f"/api/v1/jobs/{pk}/cancel").status_code == 404
    assert api.get(f"/api/v1/jobs/{pk}/events").status_code == 404


def test_cancel_retry_and_delete(operator: User, project: Project) -> None:
    api = client(operator)
    job = make_job(project)
    assert api.delete(f"/api/v1/jobs/{job.pk}").status_code == 409
    assert api.post(f"/api/v1/jobs/{job.pk}/retry").status_code == 409
    cancelled = api.post(f"/api/v1/jobs/{job.pk}/cancel")
    assert (cancelled.status_code, cancelled.json()["status"]) == (202, "cancelled")
    again = api.post(f"/api/v1/jobs/{job.pk}/retry")
    assert (again.status_code, again.json()["retry_of"]) == (201, job.pk)
    bad = api.post(f"/api/v1/jobs/{job.pk}/retry", {"parameters": {"colour": 1}})
    assert (bad.status_code, bad.json()["errors"][0]["field"]) == (400, "parameters.colour")
    assert api.delete(f"/api/v1/jobs/{job.pk}").status_code == 204
    assert api.get(f"/api/v1/jobs/{job.pk}").status_code == 404


def test_a_job_that_ended_cannot_be_cancelled(operator: User, project: Project) -> None:
    job = end(make_job(project), JobStatus.COMPLETED, result={})
    response = client(operator).post(f"/api/v1/jobs/{job.pk}/cancel")
    assert (response.status_code, response.json()["code"]) == (409, "illegal_state")


def test_the_same_idempotency_key_creates_one_job(operator: User, project: Project) -> None:
    api = client(operator)
    body = {"project": project.pk, "job_type": "analysis", "parameters": {}}
    first = api.post("/api/v1/jobs", body, HTTP_IDEMPOTENCY_KEY="k1")
    second = api.post("/api/v1/jobs", body, HTTP_IDEMPOTENCY_KEY="k1")
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json()["id"] == second.json()["id"]
    assert Job.objects.count() == 1


def test_events_have_the_shapes_of_the_contract(operator: User, project: Project) -> None:
    job = end(make_job(project), JobStatus.COMPLETED, result={"n": 1})
    api = client(operator)
    page = api.get(f"/api/v1/jobs/{job.pk}/events").json()
    assert [event["seq"] for event in page["results"]] == [1, 2, 3, 4]
    assert page["next"] is None
    first, last = page["results"][0], page["results"][-1]
    assert {
        "seq": 1,
        "type": "state",
        "from": None,
        "to": "pending",
        "attempt": 0,
        "reason": "created",
    }.items() <= (first.items())
    assert first["at"].endswith("Z")
    wanted = {
        "type": "completed",
        "status": "completed",
        "result": {"n": 1},
        "error": None,
        "is_terminal": True,
    }
    assert wanted.items() <= last.items()
    assert [event["seq"] for event in api.get(f"/api/v1/jobs/{job.pk}/events?after=3").json()["results"]] == [
        4
    ]
    assert api.get(f"/api/v1/jobs/{job.pk}/events?after=99").json()["results"] == []
    for bad in ("x", "-1", "1.5", "99999999999999999999"):
        assert api.get(f"/api/v1/jobs/{job.pk}/events?after={bad}").status_code == 400


def test_events_come_in_pages(operator: User, project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jobs.history.PAGE", 3)
    job = end(make_job(project), JobStatus.COMPLETED)
    seen, url = [], f"/api/v1/jobs/{job.pk}/events"
    while url:
        page = client(operator).get(url).json()
        seen += [event["seq"] for event in page["results"]]
        url = page["next"]
    assert seen == [1, 2, 3, 4]


def test_progress(operator: User, project: Project) -> None:
    job = make_job(project)
    assert client(operator).get(f"/api/v1/jobs/{job.pk}/progress").json() == {
        "job_id": job.pk,
        "status": "queued",
        "progress": 0,
        "current_step": "",
        "attempt": 0,
        "seq": 2,
        "is_terminal": False,
    }


def test_batch_keeps_the_order_and_leaves_out_what_is_not_there(operator: User, project: Project) -> None:
    jobs = [make_job(project) for _ in range(3)]
    wanted = [jobs[2].pk, 10**12, jobs[0].pk, jobs[2].pk]
    response = client(operator).post("/api/v1/jobs/batch", {"job_ids": wanted})
    assert [job["id"] for job in response.json()["results"]] == [jobs[2].pk, jobs[0].pk]


@pytest.mark.parametrize("ids", [[], None, "1", ["x"], [0], [2**70], [True], list(range(1, 1002)), [1.5]])
def test_batches_that_cannot_be_meant_are_refused(operator: User, ids: Any) -> None:
    assert client(operator).post("/api/v1/jobs/batch", {"job_ids": ids}).status_code == 400


def test_statistics(operator: User, project: Project) -> None:
    now = timezone.now()
    for seconds in (1, 2, 3):
        done = end(make_job(project), JobStatus.COMPLETED)
        Job.objects.filter(pk=done.pk).update(started_at=now - timedelta(seconds=seconds), completed_at=now)
    end(make_job(project), JobStatus.FAILED, error_code="x", error_message="x")
    cancel(make_job(project), None)
    make_job(project)
    make_job(make_project())
    found = client(operator).get(f"/api/v1/jobs/statistics?project={project.pk}").json()
    assert found == {
        "total_jobs": 6,
        "jobs_by_status": {
            "pending": 0,
            "queued": 1,
            "running": 0,
            "completed": 3,
            "failed": 1,
            "cancelled": 1,
        },
        "success_rate": 0.75,
        "average_duration_seconds": 2.0,
        "p50_duration_seconds": pytest.approx(2.0, rel=0.05),
        "p95_duration_seconds": pytest.approx(3.0, rel=0.05),
        "average_wait_seconds": None,
        "p50_wait_seconds": None,
        "p95_wait_seconds": None,
        "worker_losses": 0,
        "duplicates_suppressed": 0,
        "up_to_date": True,
    }
    empty = client(make_user()).get("/api/v1/jobs/statistics").json()
    assert (empty["total_jobs"], empty["success_rate"], empty["p95_duration_seconds"]) == (0, None, None)


def test_lists_cost_the_same_number_of_queries_however_long(operator: User, project: Project) -> None:
    def queries(call: Callable[[], Any]) -> int:
        with CaptureQueriesContext(
            connection,
        ) as captured:
            assert call().status_code == 200
        return len(captured)

    api = client(operator)
    make_job(project)
    ids = list(Job.objects.values_list("pk", flat=True))
    one = queries(lambda: api.get("/api/v1/jobs"))
    batch = queries(lambda: api.post("/api/v1/jobs/batch", {"job_ids": ids}))
    for _ in range(20):
        make_job(project)
    ids = list(Job.objects.values_list("pk", flat=True))
    # the projects one may see, the page's keys, its rows; of those that wait the pauses, workers and places
    assert queries(lambda: api.get("/api/v1/jobs")) == one == 6
    assert queries(lambda: api.post("/api/v1/jobs/batch", {"job_ids": ids})) == batch == 1
    assert queries(lambda: api.get("/api/v1/jobs/statistics")) == 1


@pytest.mark.parametrize(
    "path", ["", "/{pk}", "/{pk}/events", "/{pk}/progress", "/active", "/statistics", "/batch"]
)
def test_the_api_can_be_browsed(project: Project, path: str) -> None:
    user = make_user(staff=True)
    job = make_job(project)
    browser = client(user)
    response = browser.get("/api/v1/jobs" + path.format(pk=job.pk), HTTP_ACCEPT="text/html")
    assert response.status_code == (405 if path == "/batch" else 200)


def test_empty_filters_are_no_filters(operator: User, project: Project) -> None:
    make_job(project)
    query = "status=&project=&tag=&search=&created_after=&job_type=&cursor="
    assert len(client(operator).get(f"/api/v1/jobs?{query}").json()["results"]) == 1


def test_slashes_are_accepted_and_not_needed(operator: User, project: Project) -> None:
    job = make_job(project)
    for path in ("/api/v1/jobs", f"/api/v1/jobs/{job.pk}", "/api/v1/jobs/statistics", "/api/v1/jobs/active"):
        with_slash, without = (client(operator).get(path + end) for end in ("/", ""))
        assert (with_slash.status_code, without.status_code) == (200, 200)
        assert with_slash.json() == without.json()


def test_positions_count_the_jobs_before(operator: User, project: Project, settings: Settings) -> None:
    jobs = [make_job(project) for _ in range(3)]
    make_job(project, delay_seconds=100)
    shown = {
        job["id"]: job["waiting_reason"]["position"]
        for job in client(operator).get("/api/v1/jobs").json()["results"]
    }
    assert [shown[job.pk] for job in jobs] == [1, 2, 3]
