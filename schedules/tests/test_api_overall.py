"""What is asked over all schedules that one may see: what is due, and how they fare."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import caches

from commandcenter.accounts.tests.factories import api
from jobs.tests.factories import make_project, make_user
from schedules.clock import database_time
from schedules.models import Firing, Schedule
from schedules.statistics import statistics
from schedules.tests.factories import make_due, make_schedule

pytestmark = pytest.mark.django_db

URL = "/api/v1/schedules"


def test_what_is_due_comes_in_its_order(django_assert_num_queries: Any) -> None:
    user = make_user()
    project = make_project(viewer=user)
    later, first, second, paused = (make_schedule(project) for _ in range(4))
    make_due(make_schedule())
    for schedule, late in ((first, 20), (second, 10), (paused, 30)):
        make_due(schedule, late=timedelta(seconds=late))
    Schedule.objects.filter(pk=paused.pk).update(enabled=False)
    client = api(user)

    def found(query: str = "") -> list[int]:
        answer = client.get(f"{URL}/due?{query}")
        assert answer.status_code == 200, answer.content
        return [each["id"] for each in answer.json()["results"]]

    assert found() == found("within=") == [first.pk, second.pk]
    with django_assert_num_queries(4):  # the user, the clock, the page, the clock for their health
        assert found("within=7200") == [first.pk, second.pk, later.pk]
    page = client.get(f"{URL}/due?within=7200&limit=1").json()
    seen = [each["id"] for each in page["results"]]
    while page["next"]:
        page = client.get(page["next"]).json()
        seen += [each["id"] for each in page["results"]]
    assert seen == [first.pk, second.pk, later.pk]
    assert found(f"project={make_project(viewer=user).pk}") == []
    for query in ("within=-1", "within=soon", "within=99999999", "cursor=x"):
        assert client.get(f"{URL}/due?{query}").status_code == 400, query


def test_figures_over_what_one_may_see(django_assert_num_queries: Any) -> None:
    user = make_user()
    project = make_project(viewer=user)
    fine, paused, failing = (make_schedule(project) for _ in range(3))
    Schedule.objects.filter(pk=paused.pk).update(enabled=False)
    Schedule.objects.filter(pk=failing.pk).update(last_outcome="failed")
    now = database_time()
    runs = [
        ("succeeded", 1, 1),
        ("succeeded", 2, 3),
        ("failed", 3, 2),
        ("succeeded", 50, 60),
        ("missed", 200, 9),
    ]
    for schedule in (fine, make_schedule()):
        for status, hours, late in runs:
            decided = now - timedelta(hours=hours)
            due = decided - timedelta(seconds=late)
            Firing.objects.create(
                schedule=schedule, scheduled_for=due, due_at=due, decided_at=decided, status=status
            )
    client = api(user)
    client.get(f"{URL}?limit=1")
    with django_assert_num_queries(6):  # the user, the projects, the clock, health, runs, lateness
        answer = client.get(f"{URL}/statistics")
    said = answer.json()
    assert (said["total"], said["enabled"], said["paused"]) == (3, 2, 1)
    assert said["by_health"] == {"paused": 1, "failing": 1, "late": 0, "never_run": 1, "healthy": 0}
    day, week = said["runs"]["last_24_hours"], said["runs"]["last_7_days"]
    assert (day["total"], day["by_status"]["succeeded"], day["by_status"]["failed"]) == (3, 2, 1)
    assert (week["total"], week["by_status"]["missed"]) == (4, 0)
    assert (day["success_rate"], week["success_rate"]) == (pytest.approx(2 / 3), pytest.approx(3 / 4))
    assert said["lateness"] == {"runs": 3, "mean_seconds": pytest.approx(2), "p95_seconds": pytest.approx(3)}
    with django_assert_num_queries(2):  # kept for a while
        assert client.get(f"{URL}/statistics").json() == said


def test_what_was_not_measured_is_null() -> None:
    user = make_user()
    project = make_project(viewer=user)
    for query in ("", f"?project={project.pk}", f"?project={make_schedule().project_id}"):
        said = api(user).get(f"{URL}/statistics{query}").json()
        assert said["total"] == 0
        assert said["runs"]["last_7_days"]["success_rate"] is None
        assert said["lateness"] == {"runs": 0, "mean_seconds": None, "p95_seconds": None}
    for query in ("project=x", "project=0"):
        assert api(user).get(f"{URL}/statistics?{query}").status_code == 400
    assert api().get(f"{URL}/statistics").status_code == 401


def test_staff_are_told_of_all() -> None:
    schedules = [make_schedule() for _ in range(2)]
    caches["default"].clear()
    assert statistics(None)["total"] == len(schedules)
