"""What can be done with one schedule over HTTP: pause, enable, run now, look ahead and back."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from rest_framework.test import APIClient

from commandcenter.accounts.models import User
from commandcenter.accounts.tests.factories import api
from jobs.models import Job
from jobs.tests.factories import make_project, make_user
from schedules.clock import database_time
from schedules.models import Blackout, Firing, Schedule
from schedules.tests.factories import make_due, make_schedule
from schedules.ticking.tick import tick

pytestmark = pytest.mark.django_db

URL = "/api/v1/schedules"


@pytest.fixture
def operator() -> User:
    return make_user()


@pytest.fixture
def client(operator: User) -> APIClient:
    return api(operator)


@pytest.fixture
def schedule(operator: User) -> Schedule:
    return make_schedule(make_project(operator=operator))


def test_a_pause_says_who_and_why_and_ends(client: APIClient, schedule: Schedule, operator: User) -> None:
    url = f"{URL}/{schedule.pk}"
    paused = client.post(f"{url}/disable", {"reason": "Moving house"}, format="json").json()
    assert (paused["enabled"], paused["pause_reason"], paused["paused_by"], paused["next_run_at"]) == (
        False,
        "Moving house",
        operator.pk,
        None,
    )
    again = client.post(f"{url}/enable").json()
    assert (again["enabled"], again["pause_reason"], again["paused_by"]) == (True, "", None)
    assert client.post(f"{url}/enable").status_code == 200
    assert client.post(f"{url}/disable", {"reason": "x" * 501}, format="json").status_code == 400


def test_what_can_run_no_more_cannot_be_enabled(client: APIClient, schedule: Schedule) -> None:
    client.post(f"{URL}/{schedule.pk}/disable")
    Schedule.objects.filter(pk=schedule.pk).update(ends_at=database_time() - timedelta(days=1))
    answer = client.post(f"{URL}/{schedule.pk}/enable")
    assert answer.status_code == 400
    assert [each["field"] for each in answer.json()["errors"]] == ["ends_at"]


def test_running_now_answers_with_the_run_and_its_job(client: APIClient, schedule: Schedule) -> None:
    url = f"{URL}/{schedule.pk}/execute"
    answer, again = (client.post(url, HTTP_IDEMPOTENCY_KEY="once") for _ in range(2))
    assert answer.status_code == again.status_code == 202
    assert answer.json() == again.json()
    said = answer.json()
    assert (said["firing"]["kind"], said["firing"]["status"]) == ("manual", "started")
    assert said["job"]["id"] == said["firing"]["job"] == Job.objects.get().pk
    assert said["job"]["origin"] == {"kind": "schedule", "id": schedule.pk}
    refused = client.post(url)
    assert (refused.status_code, refused.json()["code"]) == (409, "overlap")


def test_running_now_waits_where_runs_queue(client: APIClient, schedule: Schedule) -> None:
    client.patch(f"{URL}/{schedule.pk}", {"overlap_policy": "queue"}, format="json")
    client.post(f"{URL}/{schedule.pk}/execute")
    waits = client.post(f"{URL}/{schedule.pk}/execute").json()
    assert (waits["firing"]["status"], waits["firing"]["reason"], waits["job"]) == (
        "waiting",
        "overlap",
        None,
    )


def test_running_now_says_what_cannot_be_made_any_more(
    client: APIClient, schedule: Schedule, settings: Any
) -> None:
    settings.JOB_HANDLERS = {}
    answer = client.post(f"{URL}/{schedule.pk}/execute")
    assert answer.status_code == 400, answer.content
    assert not Firing.objects.exists()


def test_the_history_tells_of_each_run(client: APIClient, schedule: Schedule) -> None:
    due = make_due(schedule, late=timedelta(seconds=5))
    tick()
    client.post(f"{URL}/{schedule.pk}/execute")  # refused: the first one has not ended
    Firing.objects.create(
        schedule=schedule,
        scheduled_for=due - timedelta(hours=1),
        due_at=due - timedelta(hours=1),
        decided_at=due,
        status="missed",
        reason="late",
        merged=3,
        ended_at=due,
    )
    url = f"{URL}/{schedule.pk}/firings"
    missed, started = client.get(url).json()["results"]
    assert (missed["status"], missed["reason"], missed["merged"], missed["job"]) == (
        "missed",
        "late",
        3,
        None,
    )
    assert missed["lateness_seconds"] == 3600
    assert (started["status"], started["kind"], started["job"]) == (
        "started",
        "scheduled",
        Job.objects.get().pk,
    )
    assert 5 <= started["lateness_seconds"] < 60

    def found(**query: Any) -> list[int]:
        answer = client.get(url, query)
        assert answer.status_code == 200, answer.content
        return [each["id"] for each in answer.json()["results"]]

    assert found(status="missed") == [missed["id"]]
    assert found(kind="manual") == []
    assert found(**{"from": due.isoformat()}) == [started["id"]]
    assert found(to=due.isoformat()) == [missed["id"]]
    page = client.get(url, {"limit": 1}).json()
    assert client.get(page["next"]).json()["results"] == [started]
    for query in ("status=dancing", "from=yesterday", "to=x", "cursor=x"):
        assert client.get(f"{url}?{query}").status_code == 400, query


def test_the_history_costs_the_same_however_long_it_is(
    client: APIClient, schedule: Schedule, django_assert_num_queries: Any
) -> None:
    now = database_time()
    for count in (1, 30):
        rows = [
            Firing(
                schedule=schedule,
                scheduled_for=now - timedelta(days=count, minutes=each),
                due_at=now,
                decided_at=now,
                status="succeeded",
            )
            for each in range(count)
        ]
        Firing.objects.bulk_create(rows)
        with django_assert_num_queries(3):  # the user, the schedule, the page
            client.get(f"{URL}/{schedule.pk}/firings")


def test_the_preview_marks_clocks_blackouts_and_jitter(client: APIClient, schedule: Schedule) -> None:
    timing = {"frequency": "daily", "time": "02:30", "timezone": "Europe/Berlin", "jitter_seconds": 3600}
    client.patch(f"{URL}/{schedule.pk}", timing, format="json")
    Blackout.objects.create(
        project=schedule.project,
        starts_at="2031-03-31T00:00:00Z",
        ends_at="2031-04-01T00:00:00Z",
        reason="Inventory",
    )
    query: dict[str, Any] = {"after": "2031-03-29T12:00:00Z", "count": 2, "timezone": "Asia/Tokyo"}
    answer = client.get(f"{URL}/{schedule.pk}/preview", query)
    assert answer.status_code == 200, answer.content
    said = answer.json()
    assert said["description"] == "Every day at 02:30 (Europe/Berlin)."
    changed, skipped = said["results"]
    assert (changed["at"], changed["local"], changed["viewer_local"]) == (
        "2031-03-30T01:00:00Z",
        "2031-03-30T03:00:00+02:00",
        "2031-03-30T10:00:00+09:00",
    )
    assert "The clocks go forward" in changed["notes"][0]
    assert changed["due_at"] > changed["at"]
    assert any("delay" in note for note in changed["notes"])
    assert skipped["notes"][-1] == "It is skipped: nothing runs until 2031-04-01 00:00 UTC (Inventory)."
    assert not any("skipped" in note for note in changed["notes"])


def test_the_preview_of_what_is_over_is_empty_and_bad_questions_are_refused(
    client: APIClient, schedule: Schedule
) -> None:
    Schedule.objects.filter(pk=schedule.pk).update(ends_at=database_time() - timedelta(days=1))
    url = f"{URL}/{schedule.pk}/preview"
    assert client.get(url).json()["results"] == []
    for query in ("count=0", "count=101", "after=yesterday", "after=9999-12-31T23:59:59Z", "timezone=Mars"):
        answer = client.get(f"{url}?{query}")
        assert answer.status_code == 400, query
        assert [each["field"] for each in answer.json()["errors"]] == [query.split("=")[0]]


def test_a_zone_that_is_gone_is_said(client: APIClient, schedule: Schedule) -> None:
    Schedule.objects.filter(pk=schedule.pk).update(timezone="Gone/Zone")
    answer = client.get(f"{URL}/{schedule.pk}/preview")
    assert (answer.status_code, answer.json()["code"]) == (409, "unknown_timezone")
