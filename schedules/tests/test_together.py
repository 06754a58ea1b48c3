"""What the preview of a schedule says about others that start with it."""

from __future__ import annotations

from datetime import time
from typing import Any

import pytest
from rest_framework.test import APIClient

from commandcenter.accounts.tests.factories import api
from commandcenter.inventory.models import Project
from jobs.tests.factories import make_project, make_user
from schedules.models import Schedule
from schedules.tests.factories import make_schedule

pytestmark = pytest.mark.django_db

AT_TWO: dict[str, Any] = {"frequency": "daily", "time": time(2)}


def notes(schedule: Schedule, client: APIClient, count: int = 3) -> list[list[str]]:
    answer = client.get(f"/api/v1/schedules/{schedule.pk}/preview", {"count": count})
    assert answer.status_code == 200, answer.content
    return [run["notes"] for run in answer.json()["results"]]


@pytest.fixture
def project() -> Project:
    return make_project(operator=make_user())


@pytest.fixture
def client(project: Project) -> APIClient:
    return api(project.memberships.get().user)


def test_runs_that_start_with_many_others_are_marked(project: Project, client: APIClient) -> None:
    schedule = make_schedule(project, **AT_TWO)
    make_schedule(project, **AT_TWO)
    make_schedule(project, frequency="hourly", time=time(0))
    assert notes(schedule, client) == [[], [], []]
    make_schedule(project, frequency="weekly", time=time(2), weekday=3)
    marked = notes(schedule, client, 7)
    assert sorted(each for run in marked for each in run) == [
        "3 other schedules of the project start in the same minute."
    ]


def test_what_is_paused_elsewhere_or_delayed_does_not_start_with_it(
    project: Project, client: APIClient
) -> None:
    schedule = make_schedule(project, **AT_TWO)
    for _ in range(2):
        make_schedule(project, **AT_TWO)
    Schedule.objects.filter(pk=make_schedule(project, **AT_TWO).pk).update(enabled=False)
    make_schedule(make_project(operator=make_user()), **AT_TWO)
    make_schedule(project, frequency="daily", time=time(2, 1))
    assert notes(schedule, client) == [[], [], []]
    # Delayed by up to a minute, it starts either with the others or after them, as its own preview says.
    delayed = make_schedule(project, **AT_TWO, jitter_seconds=3600)
    answer = client.get(f"/api/v1/schedules/{delayed.pk}/preview", {"count": 3}).json()["results"]
    together = [run["due_at"][11:16] == run["at"][11:16] for run in answer]
    assert [bool(run) for run in notes(schedule, client)] == together


def test_what_runs_oftener_than_hourly_collides_with_nothing(project: Project, client: APIClient) -> None:
    schedule = make_schedule(project, **AT_TWO)
    frequent = make_schedule(project, frequency="cron", cron="*/30 * * * *")
    for _ in range(2):
        make_schedule(project, **AT_TWO)
    assert notes(schedule, client) == [[], [], []]
    make_schedule(project, **AT_TWO)
    assert notes(schedule, client) == [["3 other schedules of the project start in the same minute."]] * 3
    assert not any(notes(frequent, client, 60))


def test_a_zone_that_is_gone_counts_for_nothing_and_the_look_costs_one_query(
    project: Project, client: APIClient, django_assert_num_queries: Any
) -> None:
    schedule = make_schedule(project, **AT_TWO)
    for _ in range(3):
        make_schedule(project, **AT_TWO)
    gone = make_schedule(project, **AT_TWO)
    Schedule.objects.filter(pk=gone.pk).update(timezone="Mars/Phobos")
    with django_assert_num_queries(6):  # one of them looks for the others, one at the clock
        marked = notes(schedule, client)
    assert marked == [["3 other schedules of the project start in the same minute."]] * 3
