"""The activity stream shows what happened in the projects that one may see, and forgets by age."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from commandcenter.accounts.tests.factories import api, make_staff, make_token, make_user
from commandcenter.events.models import Event, Outbox
from commandcenter.events.retention import prune
from commandcenter.inventory.tests.factories import make_member, make_project, make_repository

pytestmark = pytest.mark.django_db
URL = "/api/v1/dashboard/activity"


def test_stream_is_newest_first_and_of_ones_own_projects() -> None:
    mine, foreign = make_project(), make_project()
    user = make_member(mine, "viewer").user
    repository = make_repository(mine)
    make_repository(foreign)
    rows = api(user).get(URL).json()["results"]
    assert [row["type"] for row in rows] == ["repository.created", "member.added", "project.created"]
    assert {row["project"] for row in rows} == {mine.pk}
    assert rows[0]["subject"] == {"kind": "repository", "id": repository.pk}
    assert not {"address", "token_id", "before", "after", "request_id"} & set(rows[0])


def test_staff_see_all_and_may_ask_for_one() -> None:
    one, two = make_project(), make_project()
    client = api(make_staff())
    assert {row["project"] for row in client.get(URL).json()["results"]} >= {one.pk, two.pk}
    assert {row["project"] for row in client.get(f"{URL}?project={one.pk}").json()["results"]} == {one.pk}


def test_foreign_project_looks_empty() -> None:
    foreign = make_project()
    assert api(make_user()).get(f"{URL}?project={foreign.pk}").json() == {"results": []}


def test_token_limited_to_a_project_shows_that_one_also_to_staff() -> None:
    one, _ = make_project(), make_project()
    _, text = make_token(make_staff(), project_ids=[one.pk])
    rows = api(token=text).get(URL).json()["results"]
    assert {row["project"] for row in rows} == {one.pk}


def test_limit_bounds_the_rows(django_assert_num_queries: Any) -> None:
    user = make_user()
    for _ in range(5):
        make_project(by=user)
    client = api(user)
    client.get(URL)
    with django_assert_num_queries(3):
        assert len(client.get(f"{URL}?limit=3").json()["results"]) == 3


def test_token_and_user_events_are_not_in_the_stream() -> None:
    make_token(make_user())
    assert Event.objects.filter(type="token.created").exists()
    assert api(make_staff()).get(URL).json()["results"] == []


def test_events_beyond_their_retention_are_forgotten(settings: Any) -> None:
    settings.EVENT_RETENTION_DAYS = 30
    make_project()
    kept = make_project()
    Event.objects.exclude(project_id=kept.pk).update(created_at=timezone.now() - timedelta(days=31))
    assert prune() == 1
    assert set(Event.objects.values_list("project_id", flat=True)) == {kept.pk}
    assert Outbox.objects.count() == 1
