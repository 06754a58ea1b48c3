"""GET /schedules/timeline: what runs when, of the schedules that one may see."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest
from rest_framework.test import APIClient

from commandcenter.accounts.models import User
from commandcenter.accounts.tests.factories import api
from commandcenter.inventory.models import Project
from jobs.tests.factories import make_project, make_user
from schedules import planned
from schedules.models import Blackout, Firing, FiringStatus, Schedule
from schedules.tests.factories import make_schedule

pytestmark = pytest.mark.django_db

URL = "/api/v1/schedules/timeline"
TOMORROW = (datetime.now(UTC) + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)


def at(hour: int, minute: int = 0) -> str:
    return f"{TOMORROW + timedelta(hours=hour, minutes=minute):%Y-%m-%dT%H:%M:%SZ}"


@pytest.fixture
def operator() -> User:
    return make_user()


@pytest.fixture
def project(operator: User) -> Project:
    return make_project(operator=operator)


@pytest.fixture
def client(operator: User) -> APIClient:
    return api(operator)


def daily(project: Project, hour: int, **values: Any) -> Schedule:
    return make_schedule(project, frequency="daily", time=time(hour), **values)


def ran(schedule: Schedule, when: datetime, status: str, seconds: float | None = None) -> None:
    Firing.objects.create(
        schedule=schedule, scheduled_for=when, due_at=when, decided_at=when, status=status, seconds=seconds
    )


def tomorrow(client: APIClient, **query: Any) -> Any:
    answer = client.get(URL, {"from": at(0), "to": at(24), **query})
    assert answer.status_code == 200, answer.content
    return answer.json()


def test_runs_bands_collisions_and_quiet_hours(client: APIClient, project: Project) -> None:
    nightly = [daily(project, 2) for _ in range(4)]
    frequent = make_schedule(project, frequency="cron", cron="*/5 12 * * *")
    minutely = make_schedule(
        project, frequency="interval", interval_seconds=60, window_start=time(20), window_end=time(23)
    )
    found = tomorrow(client)
    assert [lane["schedule"] for lane in found["results"]] == [
        each.pk for each in [*nightly, frequent, minutely]
    ]
    assert [run["due_at"] for run in found["results"][0]["runs"]] == [at(2)]
    assert len(found["results"][4]["runs"]) == 12
    assert found["results"][5]["runs"] == []
    assert found["results"][5]["bands"] == [{"begin": at(20), "end": at(22, 59), "every_seconds": 60}]
    assert found["collisions"] == [
        {"begin": at(2), "end": at(2, 1), "most": 4, "schedules": [each.pk for each in nightly]}
    ]
    assert found["quiet"] == [
        {"begin": at(2), "end": at(12)},
        {"begin": at(12, 55), "end": at(20)},
        {"begin": at(0), "end": at(2)},
    ]


def test_the_usual_time_of_a_run_makes_it_collide(client: APIClient, project: Project) -> None:
    """The median of the last runs counts, so that one that hung does not."""
    slow = daily(project, 2)
    for hour, seconds in enumerate((7200, 7300, 90_000, None, 7200)):
        ran(slow, TOMORROW - timedelta(days=3, hours=hour), FiringStatus.SUCCEEDED, seconds)
    for hour in (2, 2, 2):
        daily(project, hour, jitter_seconds=0)
    late = make_schedule(project, frequency="daily", time=time(3, 30))
    for key in (slow.pk + 1, slow.pk + 2, slow.pk + 3):
        ran(Schedule.objects.get(pk=key), TOMORROW - timedelta(days=3), FiringStatus.SUCCEEDED, 6000)
    [found] = tomorrow(client)["collisions"]
    assert (found["begin"], found["end"], found["most"]) == (at(2), at(3, 40), 5)
    assert late.pk in found["schedules"]


def test_a_blackout_skips_runs(client: APIClient, project: Project) -> None:
    shut = Blackout.objects.create(
        project=project,
        starts_at=TOMORROW + timedelta(hours=1),
        ends_at=TOMORROW + timedelta(hours=3),
        reason="Move",
    )
    daily(project, 2)
    daily(project, 3)
    night, morning = tomorrow(client)["results"]
    assert (len(night["runs"]), [run["due_at"] for run in night["skipped"]]) == (0, [at(2)])
    assert (len(morning["runs"]), morning["skipped"]) == (1, [])
    assert morning["blackouts"] == [{"starts_at": at(1), "ends_at": at(3), "reason": shut.reason}]


def test_what_is_over_comes_from_the_runs_that_were_kept(client: APIClient, project: Project) -> None:
    schedule = daily(project, 2)
    day = TOMORROW - timedelta(days=5)
    for minutes, status in (
        (0, "succeeded"),
        (1, "failed"),
        (2, "skipped"),
        (3, "refused"),
        (600, "started"),
    ):
        ran(schedule, day + timedelta(minutes=minutes), status)
    ran(schedule, day + timedelta(days=1), "succeeded")
    Schedule.objects.update(last_run_at=day)
    query = {"from": day.isoformat(), "to": (day + timedelta(days=1)).isoformat()}
    [lane] = client.get(URL, query).json()["results"]
    assert [(each["runs"], each["failed"], each["unrun"], each["open"]) for each in lane["past"]] == [
        (4, 2, 1, 0),
        (1, 0, 0, 1),
    ]
    assert (lane["runs"], lane["bands"]) == ([], [])


def test_of_very_many_runs_the_last_ones_are_told(
    client: APIClient, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(planned, "MOST_PAST", 3)
    schedule = daily(project, 2)
    for days in range(1, 6):
        ran(schedule, TOMORROW - timedelta(days=days), "failed" if days > 3 else "succeeded")
    query = {"from": (TOMORROW - timedelta(days=6)).isoformat()}
    [lane] = client.get(URL, query).json()["results"]
    assert lane["past_cut"] is True
    assert [(each["runs"], each["failed"]) for each in lane["past"]] == [(1, 0)] * 3
    monkeypatch.setattr(planned, "MOST_PAST", 6)
    [lane] = client.get(URL, query).json()["results"]
    assert (lane["past_cut"], len(lane["past"])) == (False, 5)


def test_a_zone_that_is_gone_has_no_runs_and_breaks_nothing(client: APIClient, project: Project) -> None:
    lost = daily(project, 2)
    daily(project, 2)
    Schedule.objects.filter(pk=lost.pk).update(timezone="Europe/Atlantis")
    assert [len(lane["runs"]) for lane in tomorrow(client)["results"]] == [0, 1]


def test_paused_ones_and_those_of_others_are_left_out(client: APIClient, project: Project) -> None:
    daily(make_project(), 2)
    paused = daily(project, 2)
    Schedule.objects.filter(pk=paused.pk).update(enabled=False)
    assert tomorrow(client)["results"] == []


def test_pages_and_projects(client: APIClient, project: Project, operator: User) -> None:
    keys = [daily(project, 2).pk for _ in range(3)]
    other = make_project(operator=operator)
    elsewhere = daily(other, 2).pk
    first = tomorrow(client, limit=2)
    assert [lane["schedule"] for lane in first["results"]] == keys[:2]
    assert [lane["schedule"] for lane in client.get(first["next"]).json()["results"]] == [keys[2], elsewhere]
    assert [lane["schedule"] for lane in tomorrow(client, project=other.pk)["results"]] == [elsewhere]


def test_queries_do_not_grow_with_schedules(
    client: APIClient, project: Project, django_assert_num_queries: Any
) -> None:
    for count in (1, 4):
        for _ in range(count):
            ran(daily(project, 2), TOMORROW, FiringStatus.SUCCEEDED, 5)
        with django_assert_num_queries(
            6
        ):  # the user, the page, the clock, blackouts, how long runs take, what ran
            client.get(URL, {"from": at(-48), "to": at(24)})


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"from": "yesterday"}, "from"),
        ({"from": "0001-01-01T00:00:00Z"}, "from"),
        ({"from": at(0), "to": at(0)}, "to"),
        ({"from": at(0), "to": at(31 * 24 + 1)}, "to"),
        ({"to": "9999-12-31T23:59:59Z"}, "to"),
        ({"project": "x"}, "project"),
        ({"limit": "101"}, "limit"),
        ({"cursor": "!"}, "cursor"),
    ],
)
def test_what_makes_no_sense_is_refused(client: APIClient, query: dict[str, str], field: str) -> None:
    answer = client.get(URL, query)
    assert answer.status_code == 400
    assert [each["field"] for each in answer.json()["errors"]] == [field]
