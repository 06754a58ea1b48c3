"""/policies over HTTP: roles, strict bodies, shapes, and the verdict on the analysis."""

from __future__ import annotations

from typing import Any

import pytest

from commandcenter.analysis.api.analysis_shapes import AnalysisSerializer, ResultSerializer, VerdictSerializer
from commandcenter.analysis.models import Policy
from commandcenter.analysis.tests.factories import analyse, finding, make_repository, make_user, messages
from commandcenter.analysis.tests.test_api import client
from commandcenter.events.models import Event
from commandcenter.inventory.models import Role

pytestmark = pytest.mark.django_db
URL = "/api/v1/policies"
CONDITIONS = [{"metric": "findings", "severity_at_least": "high", "at_most": 0}]


@pytest.fixture
def repository() -> Any:
    return make_repository()


@pytest.fixture
def admin(repository: Any) -> Any:
    return client(make_user(repository.project, Role.ADMIN))


def make(admin: Any, repository: Any, **fields: Any) -> Any:
    body = {"project": repository.project_id, "name": "Gate", "conditions": CONDITIONS, **fields}
    return admin.post(URL, body, format="json")


def test_a_policy_is_made_read_changed_and_removed(repository: Any, admin: Any) -> None:
    made = make(admin, repository)
    assert made.status_code == 201
    shown = made.json()
    assert shown["conditions"] == [
        {
            "name": "", "enabled": True, "metric": "findings", "operator": "at_most", "value": 0,
            "severity_at_least": "high", "engines": [],
        }
    ]  # fmt: skip
    path = f"{URL}/{shown['id']}"
    assert admin.get(URL, {"project": repository.project_id}).json()["results"] == [shown]
    changed = admin.patch(path, {"enabled": False, "unknown_fails": True}, format="json").json()
    assert (changed["enabled"], changed["unknown_fails"], changed["name"]) == (False, True, "Gate")
    assert admin.delete(path).status_code == 204
    assert admin.get(path).status_code == 404
    kinds = Event.objects.filter(type__startswith="policy.").order_by("pk").values_list("type", flat=True)
    assert list(kinds) == ["policy.created", "policy.updated", "policy.deleted"]


def test_a_project_has_one_policy(repository: Any, admin: Any) -> None:
    make(admin, repository)
    second = make(admin, repository)
    assert (second.status_code, second.json()["errors"][0]["code"]) == (400, "policy_exists")


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"conditions": [{"metric": "findings", "at_most": -1}]}, "conditions.0.at_most"),
        ({"conditions": [{"metric": "nope"}]}, "conditions.0.metric"),
        ({"conditions": None}, "conditions"),
        ({"condition": []}, "condition"),
        ({"name": "x" * 201}, "name"),
        ({"project": 10**12}, "project"),
    ],
)
def test_bad_bodies_are_named_at_their_field(
    repository: Any, admin: Any, fields: dict[str, Any], field: str
) -> None:
    answer = make(admin, repository, **fields)
    assert answer.status_code == 400
    assert field in [error["field"] for error in answer.json()["errors"]]


def test_members_read_operators_judge_again_and_admins_write(repository: Any, admin: Any) -> None:
    path = f"{URL}/{make(admin, repository).json()['id']}"
    for role, expected in ((Role.VIEWER, (200, 403, 403)), (Role.OPERATOR, (200, 403, 202))):
        who = client(make_user(repository.project, role))
        answers = (who.get(path), who.patch(path, {"name": "x"}, format="json"), who.post(f"{path}/evaluate"))
        assert tuple(answer.status_code for answer in answers) == expected
    assert make(client(make_user(repository.project, Role.OPERATOR)), repository).status_code == 403
    stranger = client(make_user())
    assert stranger.get(path).status_code == 404
    assert stranger.get(URL).json()["results"] == []


def test_the_verdict_is_on_the_analysis_and_filters_the_list(repository: Any, admin: Any) -> None:
    before = analyse(repository, messages([finding("a")]))
    make(admin, repository)
    failed = analyse(repository, messages([finding("a")]))
    passed = analyse(repository, messages([]))
    assert admin.get(f"/api/v1/analyses/{before.pk}").json()["policy"] is None
    shown = admin.get(f"/api/v1/analyses/{failed.pk}").json()["policy"]
    assert (shown["status"], shown["policy"], shown["name"]) == ("failed", Policy.objects.get().pk, "Gate")
    assert shown["results"][0]["status"] == "failed"
    assert {"condition", "value", "limit", "detail", "evidence"} <= shown["results"][0].keys()
    for status, expected in (("failed", [failed.pk]), ("passed", [passed.pk])):
        listed = admin.get("/api/v1/analyses", {"policy": status}).json()["results"]
        assert [row["id"] for row in listed] == expected
    assert admin.get("/api/v1/analyses", {"policy": "maybe"}).status_code == 400


def test_a_list_of_judged_analyses_costs_no_more_queries(
    repository: Any, admin: Any, django_assert_max_num_queries: Any
) -> None:
    make(admin, repository)
    for _ in range(6):
        analyse(repository, messages([finding("a")]))
    with django_assert_max_num_queries(6):
        assert len(admin.get("/api/v1/analyses").json()["results"]) == 6


def test_an_analysis_has_the_shape_that_the_schema_says(repository: Any, admin: Any) -> None:
    make(admin, repository)
    shown = admin.get(f"/api/v1/analyses/{analyse(repository, messages()).pk}").json()
    assert shown.keys() == AnalysisSerializer().fields.keys()
    assert shown["policy"].keys() == VerdictSerializer().fields.keys()
    (result,) = shown["policy"]["results"]
    assert result.keys() == ResultSerializer().fields.keys()


def test_policies_are_told_apart_by_whether_they_are_enabled(repository: Any, admin: Any) -> None:
    made = make(admin, repository, enabled=False).json()
    assert [row["id"] for row in admin.get(f"{URL}?enabled=false").json()["results"]] == [made["id"]]
    assert admin.get(f"{URL}?enabled=true").json()["results"] == []
    assert admin.get(f"{URL}?enabled=").json()["results"] == [made]
    refused = admin.get(f"{URL}?enabled=1")
    assert (refused.status_code, refused.json()["errors"][0]["message"]) == (400, "Give true or false.")


def test_dependencies_refuse_a_word_for_direct_that_is_neither_true_nor_false(admin: Any) -> None:
    assert admin.get("/api/v1/dependencies?direct=true").status_code == 200
    assert admin.get("/api/v1/dependencies?direct=yes").status_code == 400
