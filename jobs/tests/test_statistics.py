"""Statistics by project, type and day: what is measured, how exactly, for whom, and at what cost."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.models.functions import Now
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from commandcenter.accounts.models import User
from commandcenter.accounts.tokens import create_token
from commandcenter.inventory.models import Project
from jobs.models import Job, JobDay, JobStatus, JobTotal
from jobs.running import lease
from jobs.running.execution import execute, run_in_foreground
from jobs.statistics import stats
from jobs.statistics.histograms import Histogram, add, bucket, one, pack, quantile, unpack
from jobs.statistics.rollups import count_ended
from jobs.tests.factories import make_job, make_project, make_user
from jobs.tests.history import ago, ended
from jobs.tests.test_api import client

pytestmark = pytest.mark.django_db
URL = "/api/v1/jobs/statistics"


@pytest.fixture
def viewer() -> User:
    """Return someone who may look at `project`."""
    return make_user()


@pytest.fixture
def project(viewer: User) -> Project:
    """Return the project that the tests are about."""
    return make_project(viewer=viewer)


def asked(user: User, **query: Any) -> dict[str, Any]:
    """Return the answer to this query."""
    response = client(user).get(URL, query)
    assert response.status_code == 200, response.content
    answer: dict[str, Any] = response.json()
    return answer


@pytest.mark.parametrize("share", [0.01, 0.5, 0.95, 1.0])
def test_a_percentile_is_at_most_five_percent_off(share: float) -> None:
    rng = random.Random(7)
    seconds = sorted(10 ** rng.uniform(-3, 5.7) for _ in range(2_000))
    histogram: Histogram = {}
    for value in seconds:
        add(histogram, {bucket(value): 1})
    exact = seconds[max(0, round(share * len(seconds)) - 1)]
    found = quantile(histogram, share)
    assert found is not None
    assert abs(found - exact) / exact <= 0.05


@pytest.mark.parametrize("histogram", [{}, {"0": 1}, {"212": 9_999}, {"3": 10_000_000, "0": 7, "140": 1}])
def test_histograms_survive_being_packed_and_added(histogram: Histogram) -> None:
    assert unpack(pack(histogram)) == histogram
    doubled = {name: 2 * count for name, count in histogram.items()}
    assert unpack(str(2 * int(pack(histogram)))) == doubled
    assert unpack(str(int(pack(histogram)))) == histogram
    assert unpack(str(sum(count * one(name) for name, count in histogram.items()))) == histogram


def test_durations_beyond_the_scale_stay_at_its_ends() -> None:
    assert bucket(-5) == bucket(0) == bucket(0.001) == "0"
    week = 7 * 24 * 3600
    assert bucket(10 * week) == bucket(week)
    assert quantile({}, 0.95) is None


def test_the_answer_is_the_same_before_and_after_the_jobs_are_counted(viewer: User, project: Project) -> None:
    ended(project, 19, at=ago(hours=1), run_seconds=10, waited_seconds=4.0)
    ended(project, 1, at=ago(hours=1), run_seconds=100, waited_seconds=60.0)
    ended(project, 5, at=ago(hours=1), status="failed")
    make_job(project)
    before = asked(viewer, project=project.pk)
    assert before["p50_duration_seconds"] == pytest.approx(10, rel=0.05)
    assert before["average_duration_seconds"] == pytest.approx(14.5)
    assert before["p50_wait_seconds"] == pytest.approx(4, rel=0.05)
    assert (before["success_rate"], before["total_jobs"], before["jobs_by_status"]["queued"]) == (0.8, 26, 1)
    assert count_ended() == 25
    assert asked(viewer, project=project.pk) == before
    ended(project, 1, at=ago(hours=1))
    assert asked(viewer)["jobs_by_status"]["completed"] == 21


def test_only_visible_projects_count(viewer: User, project: Project) -> None:
    other = make_project()
    ended(project, 2, at=ago(hours=1))
    ended(other, 3, at=ago(hours=1))
    make_job(other)
    for _ in range(2):
        assert asked(viewer)["total_jobs"] == 2
        assert asked(viewer, project=other.pk)["total_jobs"] == 0
        assert asked(make_user(staff=True))["total_jobs"] == 6
        assert asked(make_user())["total_jobs"] == 0
        count_ended()


def test_a_limited_token_counts_its_projects_only(viewer: User, project: Project) -> None:
    second = make_project(operator=viewer)
    ended(project, 2, at=ago(hours=1))
    ended(second, 3, at=ago(hours=1))
    _token, plaintext = create_token(viewer, "t", "read", [second.pk], None)
    found = client(None).get(URL, HTTP_AUTHORIZATION=f"Bearer {plaintext}").json()
    assert found["total_jobs"] == 3


def test_days_leave_those_that_ended_within_them_and_show_each(viewer: User, project: Project) -> None:
    noon = timezone.now().replace(hour=0, minute=0, second=1)
    ended(project, 1, at=noon)
    ended(project, 2, at=noon - timedelta(days=2), status="failed")
    ended(project, 4, at=noon - timedelta(days=40))
    for _ in range(2):
        assert asked(viewer)["total_jobs"] == 7
        assert asked(viewer, days=30)["total_jobs"] == 3
        assert asked(viewer, days=1)["total_jobs"] == 1
        found = asked(viewer, by="day", days=3)
        assert [(day["completed"], day["failed"]) for day in found["days"]] == [(0, 2), (0, 0), (1, 0)]
        assert [day["success_rate"] for day in found["days"]] == [0.0, None, 1.0]
        assert found["days"][-1]["day"] == noon.date().isoformat()
        assert len(asked(viewer, by="day")["days"]) == 30
        assert "days" not in asked(viewer)
        count_ended()


def test_a_job_type_can_be_asked_for(viewer: User, project: Project) -> None:
    ended(project, 2, at=ago(hours=1))
    ended(project, 3, at=ago(hours=1), job_type="export")
    for _ in range(2):
        assert asked(viewer, job_type="export")["total_jobs"] == 3
        assert asked(viewer, job_type=["export", "analysis"])["total_jobs"] == 5
        count_ended()


@pytest.mark.parametrize("name", ["status", "tag", "search", "created_after", "limit", "nonsense"])
def test_what_the_statistics_do_not_know_is_refused_with_the_way_out(viewer: User, name: str) -> None:
    response = client(viewer).get(URL, {name: "1"})
    assert response.status_code == 400
    assert response.json()["errors"][0]["field"] == name
    assert "GET /jobs can" in response.json()["detail"]


@pytest.mark.parametrize(
    "query",
    [
        {"days": "0"},
        {"days": "367"},
        {"days": "x"},
        {"by": "week"},
        {"job_type": "nonsense"},
        {"project": "x"},
    ],
)
def test_values_that_cannot_be_meant_are_refused(viewer: User, query: dict[str, str]) -> None:
    assert client(viewer).get(URL, query).status_code == 400


def test_deleted_jobs_stay_counted_once(viewer: User, project: Project) -> None:
    """Also those that were not counted yet, and the children that go with a batch."""
    counted = ended(project, 1, at=ago(hours=1))[0]
    count_ended()
    parent = ended(project, 1, at=ago(minutes=1), job_type="batch_analysis")[0]
    ended(project, 2, at=ago(minutes=2), parent=parent)
    operator = make_user(staff=True)
    for job in (counted, parent):
        assert client(operator).delete(f"/api/v1/jobs/{job.pk}").status_code == 204
    assert not Job.objects.exists()
    assert asked(viewer)["jobs_by_status"]["completed"] == 4
    assert count_ended() == 0


def test_sums_end_with_their_project(project: Project) -> None:
    ended(project, 2, at=ago(hours=1))
    count_ended()
    assert JobDay.objects.count() == JobTotal.objects.count() == 1
    project.delete()
    assert JobDay.objects.count() == JobTotal.objects.count() == 0


def test_a_long_tail_is_bounded_and_said(viewer: User, project: Project, monkeypatch: Any) -> None:
    monkeypatch.setattr(stats, "MAX_TAIL", 3)
    ended(project, 5, at=ago(hours=1))
    found = asked(viewer)
    assert (found["total_jobs"], found["up_to_date"]) == (3, False)
    count_ended()
    assert (asked(viewer)["total_jobs"], asked(viewer)["up_to_date"]) == (5, True)


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield each node of a plan."""
    yield plan
    for child in plan.get("Plans", []):
        yield from nodes(child)


@pytest.mark.parametrize("query", [{}, {"days": 30, "by": "day"}, {"job_type": "export"}])
def test_no_counted_job_is_read(viewer: User, project: Project, query: dict[str, Any]) -> None:
    """One statement, and of the table of jobs it reads the active and the uncounted ones alone."""
    ended(project, 3_000, at=ago(days=1))
    count_ended()
    make_job(project)
    ended(project, 2, at=ago(minutes=1))
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE jobs_job; ANALYZE jobs_jobrun; ANALYZE jobs_jobday")
    with CaptureQueriesContext(connection) as captured:
        asked(viewer, **query)
    assert len(captured) == 1
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {captured[0]['sql']}")
        found = cursor.fetchone()[0]
    plan = (json.loads(found) if isinstance(found, str) else found)[0]["Plan"]
    read = [node for node in nodes(plan) if node.get("Relation Name") in {"jobs_job", "jobs_jobrun"}]
    assert read
    touched = sum(
        (node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * node["Actual Loops"] for node in read
    )
    assert touched <= 10, json.dumps(read, indent=1)
    assert {node["Node Type"] for node in read} <= {"Index Scan", "Index Only Scan", "Bitmap Heap Scan"}


def test_a_wait_is_from_the_queue_to_the_first_attempt(project: Project) -> None:
    job = make_job(project)
    Job.objects.filter(pk=job.pk).update(queued_at=Now() - timedelta(seconds=90))
    assert job.dispatch_id
    taken = lease.claim(job.pk, job.dispatch_id, worker="w")
    assert taken is not None
    assert taken.waited_seconds == pytest.approx(105, abs=15)


def test_a_wait_begins_when_the_job_is_due(project: Project) -> None:
    job = make_job(project, delay_seconds=600)
    Job.objects.filter(pk=job.pk).update(
        queued_at=Now() - timedelta(seconds=630), not_before=Now() - timedelta(seconds=30)
    )
    assert job.dispatch_id
    taken = lease.claim(job.pk, job.dispatch_id, worker="w")
    assert taken is not None
    assert taken.waited_seconds == pytest.approx(45, abs=15)


def test_a_second_attempt_does_not_change_the_wait(project: Project) -> None:
    job = make_job(project, {"fail": {"code": "x", "message": "x", "retryable": True, "attempts": 1}})
    Job.objects.filter(pk=job.pk).update(queued_at=Now() - timedelta(seconds=90))
    assert job.dispatch_id
    execute(job.pk, job.dispatch_id)
    first = Job.objects.get(pk=job.pk)
    assert first.status == JobStatus.QUEUED
    assert first.dispatch_id
    execute(job.pk, first.dispatch_id)
    second = Job.objects.get(pk=job.pk)
    assert (second.status, second.attempt) == (JobStatus.COMPLETED, 2)
    assert second.waited_seconds == first.waited_seconds


def test_a_command_of_its_own_waits_for_no_queue(project: Project) -> None:
    done = run_in_foreground(make_job(project, queue="foreground", dispatch=False))
    assert (done.status, done.waited_seconds) == (JobStatus.COMPLETED, None)
