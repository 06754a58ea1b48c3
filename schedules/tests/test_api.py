"""/schedules over HTTP: making, reading, listing, changing and removing them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from rest_framework.test import APIClient

from commandcenter.accounts.models import User
from commandcenter.accounts.tests.factories import api
from commandcenter.events.models import Event
from commandcenter.inventory.models import Project, Repository
from jobs.tests.factories import make_project, make_user
from schedules.models import Schedule
from schedules.tests.factories import make_schedule

pytestmark = pytest.mark.django_db

URL = "/api/v1/schedules"
FIELDS = {
    "id", "project", "name", "repository", "tags", "job_type", "parameters", "frequency", "cron",
    "interval_seconds", "run_at", "time", "weekday", "month_day", "timezone", "window_start", "window_end",
    "jitter_seconds", "overlap_policy", "misfire_policy", "misfire_grace_seconds", "enabled", "pause_reason",
    "next_run_at", "last_run_at", "description", "starts_at", "ends_at", "dst_gap", "dst_overlap",
    "pause_after_failures", "health", "paused_by", "paused_at", "created_by", "created_at", "updated_at",
}  # fmt: skip


@pytest.fixture
def operator() -> User:
    return make_user()


@pytest.fixture
def project(operator: User) -> Project:
    return make_project(operator=operator)


@pytest.fixture
def client(operator: User) -> APIClient:
    return api(operator)


def body(where: Project, **values: Any) -> dict[str, Any]:
    daily = {"frequency": "daily", "time": "02:30", "timezone": "Europe/Berlin"}
    return {"project": where.pk, "name": "Nightly", "job_type": "analysis", "parameters": {"steps": []}} | (
        daily | values
    )


def errors(answer: Any) -> list[tuple[str, str]]:
    assert answer.status_code == 400, answer.content
    return [(each["field"], each["code"]) for each in answer.json()["errors"]]


def test_what_is_made_is_read_as_the_contract_says(
    client: APIClient, project: Project, operator: User
) -> None:
    answer = client.post(URL, body(project, weekday="friday", month_day="last", tags=["a"]), format="json")
    assert answer.status_code == 201, answer.content
    made = answer.json()
    assert set(made) >= FIELDS
    assert (made["enabled"], made["weekday"], made["month_day"], made["tags"]) == (True, 5, "last", ["a"])
    assert (made["created_by"], made["next_run_at"] is not None) == (operator.pk, True)
    assert answer["Location"].endswith(f"{URL}/{made['id']}")
    read = client.get(f"{URL}/{made['id']}")
    assert read.json() == made
    assert client.get(f"{URL}/{made['id']}", HTTP_IF_NONE_MATCH=read["ETag"]).status_code == 304
    assert Event.objects.get(type="schedule.created").actor_id == operator.pk


def test_a_body_that_was_read_can_be_put_back(client: APIClient, project: Project) -> None:
    made = client.post(URL, body(project), format="json").json()
    answer = client.put(f"{URL}/{made['id']}", made, format="json")
    assert answer.status_code == 200, answer.content
    assert answer.json() == made
    assert not Event.objects.filter(type="schedule.updated").exists()


def test_a_patch_changes_what_it_names_and_a_put_everything(client: APIClient, project: Project) -> None:
    made = client.post(URL, body(project, jitter_seconds=60, description="x"), format="json").json()
    url = f"{URL}/{made['id']}"
    patched = client.patch(url, {"time": "04:00"}, format="json").json()
    assert (patched["time"], patched["jitter_seconds"], patched["description"]) == ("04:00:00", 60, "x")
    assert patched["next_run_at"] != made["next_run_at"]
    put = client.put(url, body(project), format="json").json()
    assert (put["time"], put["jitter_seconds"], put["description"]) == ("02:30:00", 0, "")


def test_pausing_through_the_field_keeps_who_and_why(
    client: APIClient, project: Project, operator: User
) -> None:
    made = client.post(URL, body(project, enabled=False, pause_reason="Not yet"), format="json").json()
    assert (made["enabled"], made["pause_reason"], made["next_run_at"]) == (False, "Not yet", None)
    url = f"{URL}/{made['id']}"
    assert client.patch(url, {"enabled": True}, format="json").json()["next_run_at"] is not None
    paused = client.patch(url, {"enabled": False, "pause_reason": "Moving"}, format="json").json()
    assert (paused["enabled"], paused["pause_reason"], paused["paused_by"]) == (False, "Moving", operator.pk)
    assert client.put(url, body(project), format="json").json()["enabled"] is False


@pytest.mark.parametrize(
    ("changes", "wrong"),
    [
        ({"name": "  "}, [("name", "blank")]),
        ({"job_type": "dance"}, [("job_type", "invalid_choice")]),
        ({"parameters": []}, [("parameters", "invalid")]),
        ({"timezone": "Mars/Olympus", "time": None}, [("timezone", "unknown"), ("time", "required")]),
        ({"frequency": "cron", "cron": "0 0 30 2 *"}, [("cron", "invalid")]),
        (
            {"frequency": "interval", "interval_seconds": 60, "jitter_seconds": 60},
            [("jitter_seconds", "too_large")],
        ),
        ({"repository": 10**12}, [("repository", "does_not_exist")]),
        ({"overlap_policy": "dance"}, [("overlap_policy", "invalid_choice")]),
        ({"misfire_grace_seconds": -1}, [("misfire_grace_seconds", "min_value")]),
        ({"pause_after_failures": 0}, [("pause_after_failures", "min_value")]),
        ({"tags": ["x" * 51]}, [("tags", "invalid")]),
        ({"project": 10**12}, [("project", "does_not_exist")]),
        ({"starts_at": "0001-01-01T00:00:00Z"}, [("starts_at", "out_of_range")]),
    ],
)
def test_what_could_not_run_is_refused_by_field(
    client: APIClient, project: Project, changes: Any, wrong: Any
) -> None:
    assert errors(client.post(URL, body(project, **changes), format="json")) == wrong
    assert not Schedule.objects.exists()


def test_a_name_is_there_once_in_a_project(client: APIClient, project: Project, operator: User) -> None:
    other = make_project(operator=operator)
    made = client.post(URL, body(project), format="json").json()
    assert errors(client.post(URL, body(project), format="json")) == [("name", "taken")]
    assert client.post(URL, body(other), format="json").status_code == 201
    second = client.post(URL, body(project, name="Second"), format="json").json()
    renamed = client.patch(f"{URL}/{second['id']}", {"name": made["name"]}, format="json")
    assert errors(renamed) == [("name", "taken")]


def test_a_schedule_stays_in_its_project(client: APIClient, project: Project, operator: User) -> None:
    made = client.post(URL, body(project), format="json").json()
    moved = client.patch(
        f"{URL}/{made['id']}", {"project": make_project(operator=operator).pk}, format="json"
    )
    assert errors(moved) == [("project", "fixed")]


def test_a_repository_of_another_project_is_none(client: APIClient, project: Project, operator: User) -> None:
    other = make_project(operator=operator)
    theirs = Repository.objects.create(project=other, name="theirs", source="/theirs")
    ours = Repository.objects.create(project=project, name="ours", source="/ours")
    refused = client.post(URL, body(project, repository=theirs.pk), format="json")
    assert errors(refused) == [("repository", "does_not_exist")]
    made = client.post(URL, body(project, job_type="export", repository=ours.pk), format="json").json()
    assert made["repository"] == ours.pk


def test_the_same_key_makes_one(client: APIClient, project: Project) -> None:
    first, second = (
        client.post(URL, body(project), format="json", HTTP_IDEMPOTENCY_KEY="k") for _ in range(2)
    )
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json() == second.json()
    assert Schedule.objects.count() == 1


def test_it_goes_with_its_history_and_only_as_it_was_read(client: APIClient, project: Project) -> None:
    url = f"{URL}/{make_schedule(project).pk}"
    assert client.delete(url, HTTP_IF_MATCH='"another"').status_code == 412
    assert client.delete(url).status_code == 204
    assert client.get(url).status_code == 404
    assert Event.objects.filter(type="schedule.deleted").exists()


def test_a_run_is_no_change_by_someone_else(client: APIClient, project: Project) -> None:
    schedule = make_schedule(project)
    url = f"{URL}/{schedule.pk}"
    read = client.get(url)["ETag"]
    client.post(f"{url}/execute")
    assert client.get(url, HTTP_IF_NONE_MATCH=read).status_code == 200
    assert client.patch(url, {"name": "Mine"}, HTTP_IF_MATCH=read).status_code == 200
    assert client.patch(url, {"name": "Theirs"}, HTTP_IF_MATCH=read).status_code == 412


def test_lists_are_filtered_and_paged(client: APIClient, project: Project, operator: User) -> None:
    repository = Repository.objects.create(project=project, name="ours", source="/ours")
    first = make_schedule(project, name="Alpha", tags=["team"], job_type="export", repository=repository)
    second = make_schedule(project, name="Beta", description="like alpha")
    other = make_schedule(make_project(operator=operator), name="Gamma")
    client.post(f"{URL}/{other.pk}/disable")

    def found(query: str) -> list[int]:
        answer = client.get(f"{URL}?{query}")
        assert answer.status_code == 200, answer.content
        return [each["id"] for each in answer.json()["results"]]

    assert found("") == [other.pk, second.pk, first.pk]
    assert found(f"project={project.pk}") == [second.pk, first.pk]
    assert found("enabled=false") == [other.pk]
    assert found("job_type=export") == found("tag=team") == found(f"repository={repository.pk}") == [first.pk]
    assert found("health=paused") == [other.pk]
    assert found("health=never_run") == [second.pk, first.pk]
    assert found("search=ALPHA") == [second.pk, first.pk]
    page = client.get(f"{URL}?limit=2").json()
    following = client.get(page["next"]).json()
    assert [each["id"] for each in page["results"] + following["results"]] == [
        other.pk,
        second.pk,
        first.pk,
    ]
    for query in ("enabled=perhaps", "job_type=dance", "project=x", "health=fine", "cursor=x", "limit=0"):
        assert client.get(f"{URL}?{query}").status_code == 400, query


def test_a_page_costs_the_same_however_long_it_is(
    client: APIClient, project: Project, django_assert_num_queries: Any
) -> None:
    for wanted in (1, 100):
        while Schedule.objects.filter(project=project).count() < wanted:
            make_schedule(project)
        with django_assert_num_queries(3):  # the user, the page, the clock
            assert len(client.get(URL).json()["results"]) == wanted


def test_the_browsable_page_is_there(client: APIClient, project: Project) -> None:
    schedule = make_schedule(project, starts_at=datetime(2026, 1, 1, tzinfo=UTC))
    for path in (
        "",
        f"/{schedule.pk}",
        f"/{schedule.pk}/firings",
        f"/{schedule.pk}/preview",
        "/due",
        "/blackouts",
    ):
        answer = client.get(f"{URL}{path}", HTTP_ACCEPT="text/html")
        assert answer.status_code == 200, path
        assert "text/html" in answer["Content-Type"]


def test_runs_are_counted_from_the_change_of_their_times_only(client: APIClient, project: Project) -> None:
    schedule = make_schedule(project)
    Schedule.objects.filter(pk=schedule.pk).update(
        counted_from=schedule.counted_from - timedelta(hours=3),
        next_run_at=schedule.counted_from - timedelta(hours=2),
    )
    before = Schedule.objects.get(pk=schedule.pk).next_run_at
    client.patch(f"{URL}/{schedule.pk}", {"name": "Renamed"}, format="json")
    assert Schedule.objects.get(pk=schedule.pk).next_run_at == before
