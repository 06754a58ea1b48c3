"""/schedules/blackouts: who shuts out what, and that nothing runs then."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from rest_framework.test import APIClient

from commandcenter.accounts.models import User
from commandcenter.accounts.tests.factories import api, make_token
from commandcenter.events.models import Event
from commandcenter.inventory.models import Project
from jobs.tests.factories import make_project, make_user
from schedules import blackouts
from schedules.clock import database_time
from schedules.models import Blackout
from schedules.tests.factories import make_due, make_schedule
from schedules.ticking.tick import tick

pytestmark = pytest.mark.django_db

URL = "/api/v1/schedules/blackouts"
HOUR = timedelta(hours=1)


@pytest.fixture
def operator() -> User:
    return make_user()


@pytest.fixture
def project(operator: User) -> Project:
    return make_project(operator=operator)


@pytest.fixture
def client(operator: User) -> APIClient:
    return api(operator)


def around_now(**values: Any) -> dict[str, Any]:
    now = database_time()
    return {"starts_at": (now - HOUR).isoformat(), "ends_at": (now + HOUR).isoformat(), **values}


def make(client: APIClient, status: int = 201, **values: Any) -> Any:
    answer = client.post(URL, around_now(**values), format="json")
    assert answer.status_code == status, answer.content
    return answer.json()


def wrong(answer: Any) -> list[tuple[str, str]]:
    return [(each["field"], each["code"]) for each in answer["errors"]]


def test_a_project_or_one_schedule_is_shut_out_and_runs_again(
    client: APIClient, project: Project, operator: User
) -> None:
    first, second = make_schedule(project), make_schedule(project)
    one = make(client, schedule=first.pk, reason="Moving")
    assert (one["project"], one["schedule"], one["created_by"]) == (project.pk, first.pk, operator.pk)
    make_due(first)
    make_due(second)
    assert (tick().started, first.firings.get().detail) == (1, "Moving")
    everything = make(client, project=project.pk)
    assert everything["schedule"] is None
    make_due(second, late=timedelta(seconds=2))
    assert tick().started == 0
    assert client.delete(f"{URL}/{everything['id']}").status_code == 204
    assert client.get(f"{URL}/{everything['id']}").status_code == 404
    types = Event.objects.filter(subject_kind="blackout").order_by("pk").values_list("type", flat=True)
    assert list(types) == ["blackout.created", "blackout.created", "blackout.deleted"]


def test_its_times_and_reason_change_and_not_what_it_shuts_out(
    client: APIClient, project: Project, operator: User
) -> None:
    made = make(client, project=project.pk)
    url = f"{URL}/{made['id']}"
    assert client.patch(url, {"reason": "Longer"}, format="json").json()["reason"] == "Longer"
    changed = client.put(url, {**made, "ends_at": "2999-01-01T00:00:00Z"}, format="json").json()
    assert (changed["ends_at"], changed["reason"]) == ("2999-01-01T00:00:00Z", "")
    moved = client.patch(url, {"project": make_project(operator=operator).pk}, format="json").json()
    assert wrong(moved) == [("project", "fixed")]
    moved = client.patch(url, {"schedule": make_schedule(project).pk}, format="json").json()
    assert wrong(moved) == [("schedule", "fixed")]


def test_the_reason_of_one_that_is_over_can_be_mended(client: APIClient, project: Project) -> None:
    made = make(client, project=project.pk)
    Blackout.objects.update(ends_at=database_time() - HOUR / 2)
    url = f"{URL}/{made['id']}"
    assert client.patch(url, {"reason": "It was the disk"}, format="json").status_code == 200
    past = (database_time() - HOUR / 4).isoformat()
    assert wrong(client.patch(url, {"ends_at": past}, format="json").json()) == [("ends_at", "past")]


@pytest.mark.parametrize(
    ("changes", "field", "code"),
    [
        ({"project": None}, "project", "null"),
        ({"schedule": 10**12}, "schedule", "does_not_exist"),
        ({"schedule": 1.5}, "schedule", "invalid"),
        ({"ends_at": "2000-01-01T00:00:00Z"}, "ends_at", "invalid"),
        ({"starts_at": "2001-01-01T00:00:00Z", "ends_at": "2002-01-01T00:00:00Z"}, "ends_at", "past"),
        ({"starts_at": "0001-01-01T00:00:00Z"}, "starts_at", "out_of_range"),
        ({"ends_at": "9999-12-31T23:59:59Z"}, "ends_at", "out_of_range"),
        ({"reason": "x" * 501}, "reason", "max_length"),
        ({"starts_at": None}, "starts_at", "null"),
    ],
)
def test_what_cannot_be_is_refused(
    client: APIClient, project: Project, changes: Any, field: str, code: str
) -> None:
    assert wrong(make(client, 400, **({"project": project.pk} | changes))) == [(field, code)]


def test_it_names_a_project_or_a_schedule_of_it(client: APIClient, project: Project, operator: User) -> None:
    assert wrong(make(client, 400)) == [("project", "required")]
    other = make_project(operator=operator)
    refused = make(client, 400, project=other.pk, schedule=make_schedule(project).pk)
    assert wrong(refused) == [("project", "invalid")]


def test_there_are_so_many_at_most(
    client: APIClient, project: Project, operator: User, monkeypatch: Any
) -> None:
    monkeypatch.setattr(blackouts, "MOST", 2)
    for _ in range(2):
        make(client, project=project.pk)
    assert wrong(make(client, 400, project=project.pk)) == [("project", "too_many")]
    make(client, project=make_project(operator=operator).pk)


def test_lists_are_filtered_and_cost_the_same(
    client: APIClient, project: Project, operator: User, django_assert_num_queries: Any
) -> None:
    schedule = make_schedule(project)
    one, two = make(client, schedule=schedule.pk)["id"], make(client, project=project.pk)["id"]
    other = make(client, project=make_project(operator=operator).pk)["id"]
    Blackout.objects.filter(pk=one).update(
        starts_at=database_time() - 3 * HOUR, ends_at=database_time() - 2 * HOUR
    )

    def found(**query: Any) -> list[int]:
        return [each["id"] for each in client.get(URL, query).json()["results"]]

    with django_assert_num_queries(2):
        assert found() == [other, two, one]
    assert found(project=project.pk) == [two, one]
    assert found(schedule=schedule.pk) == found(over="true") == [one]
    assert found(over="false") == [other, two]
    assert found(**{"from": (database_time() - HOUR).isoformat()}) == [other, two]
    assert found(to=(database_time() - 2 * HOUR).isoformat()) == [one]
    for query in ("over=perhaps", "from=x", "project=x", "schedule=0"):
        assert client.get(f"{URL}?{query}").status_code == 400, query


def test_who_may_what(project: Project, client: APIClient) -> None:
    viewer, foreign = make_user(), make_user()
    project.memberships.create(user=viewer, role="viewer")
    schedule = make_schedule(project)
    url = f"{URL}/{make(client, project=project.pk)['id']}"
    _limited, text = make_token(viewer, project_ids=[make_project(operator=viewer).pk])
    for nobody in (api(foreign), api(token=text)):
        assert nobody.get(url).status_code == nobody.delete(url).status_code == 404
        assert nobody.get(URL).json()["results"] == []
        assert wrong(make(nobody, 400, project=project.pk)) == [("project", "does_not_exist")]
        assert wrong(make(nobody, 400, schedule=schedule.pk)) == [("schedule", "does_not_exist")]
    assert api(viewer).get(url).status_code == 200
    assert api(viewer).delete(url).status_code == 403
    make(api(viewer), 403, project=project.pk)
    make(api(viewer), 403, schedule=schedule.pk)
    assert api().get(URL).status_code == 401
