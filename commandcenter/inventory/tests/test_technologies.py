"""Technologies: the radar's fields, filters and the event of a new status."""

from __future__ import annotations

from typing import Any

import pytest

from commandcenter.accounts.tests.factories import api
from commandcenter.events.models import Event
from commandcenter.inventory.tests.factories import make_member, make_project, make_technology

URL = "/api/v1/technologies"


@pytest.fixture
def project(db: None) -> Any:
    return make_project()


@pytest.fixture
def client(project: Any) -> Any:
    return api(make_member(project, "operator").user)


def test_every_field_comes_back(client: Any, project: Any) -> None:
    body = {
        "project": project.pk,
        "name": "PostgreSQL",
        "vendor": "PGDG",
        "domain": "database",
        "status": "integrated",
        "priority": 1,
        "relevance_score": 95,
        "description": "d",
        "notes": "n",
        "use_cases": "u",
        "documentation_url": "https://www.postgresql.org/docs/",
        "repository_url": "https://git.postgresql.org/",
        "website_url": "https://www.postgresql.org/",
        "tags": ["sql"],
    }
    response = client.post(URL, body)
    assert response.status_code == 201
    answer = response.json()
    assert {name: answer[name] for name in body} == body
    assert set(answer) == {*body, "id", "created_at", "updated_at"}
    assert client.get(f"{URL}/{answer['id']}").json() == answer


def test_name_is_enough(client: Any, project: Any) -> None:
    answer = client.post(URL, {"project": project.pk, "name": "Redis"}).json()
    assert (answer["domain"], answer["status"], answer["tags"]) == ("other", "discovery", [])


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"domain": "nothing"}, "domain"),
        ({"status": "gone"}, "status"),
        ({"priority": 0}, "priority"),
        ({"priority": 6}, "priority"),
        ({"priority": "high"}, "priority"),
        ({"relevance_score": -1}, "relevance_score"),
        ({"relevance_score": 101}, "relevance_score"),
        ({"relevance_score": 10**20}, "relevance_score"),
        ({"website_url": "javascript:alert(1)"}, "website_url"),
        ({"website_url": "https://" + "x" * 500 + ".example"}, "website_url"),
        ({"name": ""}, "name"),
        ({"name": "x" * 201}, "name"),
        ({"tags": "x"}, "tags"),
        ({"project": None}, "project"),
    ],
)
def test_bad_values_are_named(client: Any, project: Any, values: dict[str, Any], field: str) -> None:
    response = client.post(URL, {"project": project.pk, "name": "x", **values})
    assert response.status_code == 400
    assert {error["field"] for error in response.json()["errors"]} == {field}


def test_new_status_has_an_event_of_its_own(client: Any, project: Any) -> None:
    technology = make_technology(project, name="Kafka", status="evaluation")
    client.patch(f"{URL}/{technology.pk}", {"status": "implementation"})
    event = Event.objects.get(type="technology.status_changed")
    assert event.data == {
        "technology": technology.pk,
        "name": "Kafka",
        "domain": "other",
        "from": "evaluation",
        "to": "implementation",
    }
    client.patch(f"{URL}/{technology.pk}", {"notes": "n"})
    client.patch(f"{URL}/{technology.pk}", {"status": "implementation"})
    assert Event.objects.filter(type="technology.status_changed").count() == 1


def test_lists_filter(client: Any, project: Any) -> None:
    make_technology(project, name="Go", domain="language", status="integrated", tags=["core"])
    make_technology(project, name="Rust", domain="language", status="research", vendor="Foundation")
    make_technology(project, name="Kafka", domain="infrastructure", status="research")

    def names(query: str) -> set[str]:
        return {row["name"] for row in client.get(f"{URL}?{query}").json()["results"]}

    assert names("domain=language") == {"Go", "Rust"}
    assert names("domain=language&status=research") == {"Rust"}
    assert names("status=research&status=integrated") == {"Go", "Rust", "Kafka"}
    assert names("search=found") == {"Rust"}
    assert names("tag=core") == {"Go"}
    assert names("domain=&status=&search=") == {"Go", "Rust", "Kafka"}


def test_list_costs_the_same_for_many(client: Any, project: Any, django_assert_num_queries: Any) -> None:
    for _ in range(10):
        make_technology(project)
    client.get(URL)
    for limit in (1, 10):
        with django_assert_num_queries(2):
            client.get(f"{URL}?limit={limit}")
