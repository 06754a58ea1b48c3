"""Findings over all repositories on a page, and one decision about many of them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from commandcenter.analysis.models import Finding
from commandcenter.analysis.tests.factories import analyse, finding, messages
from commandcenter.dashboard.tests.conftest import World, signed_in
from commandcenter.inventory.tests.factories import make_repository

pytestmark = pytest.mark.django_db


def shown(world: World, query: str = "", user: Any = None) -> list[str]:
    response = signed_in(user or world.viewer).get(f"/findings/{query}")
    assert response.status_code == 200
    return [row.fingerprint for row in response.context["page"].rows]


def decide(world: World, user: Any, **fields: Any) -> tuple[Any, list[str]]:
    data = {"next": "/findings/?show=all", **fields}
    response = signed_in(user).post("/findings/decide/", data, follow=True)
    return response, [str(message) for message in response.context["messages"]]


def test_the_list_begins_with_what_is_open_and_can_be_narrowed(world: World) -> None:
    assert shown(world) == ["v1:fresh", "v1:kept"]
    assert shown(world, "?show=fixed") == ["v1:old"]
    assert shown(world, "?severity=critical") == ["v1:fresh"]
    assert shown(world, "?show=new") == ["v1:fresh"]
    assert shown(world, "?q=kept.py") == ["v1:kept"]
    assert shown(world, f"?repository={world.repository.pk}&rule=S105&engine=ruff") == ["v1:fresh", "v1:kept"]
    assert shown(world, "?rule=S999") == []
    assert shown(world, "?assignee=me") == []
    assert shown(world, "?severity=nonsense&show=x&project=y&before=z&q=%00") == ["v1:fresh", "v1:kept"]
    assert shown(world, user=world.stranger) == []


def test_an_operator_suppresses_many_with_a_reason_until_a_day(world: World) -> None:
    ids = list(Finding.objects.exclude(state="fixed").values_list("pk", flat=True))
    day = (timezone.now() + timedelta(days=7)).date()
    _response, said = decide(
        world,
        world.operator,
        action="suppress",
        ids=ids,
        text="only on test machines",
        kind="accepted_risk",
        expires=str(day),
    )
    assert said == ["Suppress: 2 findings."]
    assert shown(world) == []
    assert shown(world, "?show=suppressed") == ["v1:fresh", "v1:kept"]
    found = Finding.objects.get(pk=ids[0])
    assert found.suppressed_until
    assert (found.suppressed_until.date(), found.suppression_reason) == (day, "only on test machines")
    _response, said = decide(world, world.operator, action="suppress", ids=ids, text="again")
    assert said == ["2 left as they were: The finding is suppressed already. Reopen it first to decide anew."]
    _response, said = decide(world, world.operator, action="reopen", ids=ids)
    assert said == ["Reopen: 2 findings."]
    assert shown(world) == ["v1:fresh", "v1:kept"]


def test_findings_are_assigned_and_taken_back(world: World) -> None:
    ids = list(Finding.objects.order_by("pk").values_list("pk", flat=True)[:1])
    decide(world, world.operator, action="assign_me", ids=ids)
    assert shown(world, "?assignee=me&show=all", world.operator) == list(
        Finding.objects.filter(pk__in=ids).values_list("fingerprint", flat=True)
    )
    decide(world, world.operator, action="unassign", ids=ids)
    assert shown(world, "?assignee=me&show=all", world.operator) == []


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"action": "suppress", "ids": [], "text": "x"}, "Choose at least one finding."),
        ({"action": "suppress", "ids": "own", "text": " "}, "Say why: the reason stays with the finding."),
        (
            {"action": "suppress", "ids": "own", "text": "x", "expires": "2020-01-01"},
            "The day lies in the past.",
        ),
        ({"action": "explode", "ids": "own"}, "Select a valid choice"),
        ({"action": "reopen", "ids": ["x", "-1", "9" * 30]}, "Choose at least one finding."),
        ({"action": "reopen", "ids": [999_999_999]}, "There is no such finding"),
    ],
)
def test_what_cannot_be_done_is_said_and_changes_nothing(world: World, fields: Any, words: str) -> None:
    if fields["ids"] == "own":
        fields = {**fields, "ids": list(Finding.objects.order_by("pk").values_list("pk", flat=True)[:1])}
    _response, said = decide(world, world.operator, **fields)
    assert any(words in each for each in said), said
    assert not Finding.objects.exclude(suppression_kind="").exists()


def test_viewers_and_strangers_decide_nothing(world: World) -> None:
    ids = list(Finding.objects.values_list("pk", flat=True))
    _response, said = decide(world, world.viewer, action="comment", ids=ids, text="hello")
    assert "This needs the role operator" in said[0]
    _response, said = decide(world, world.stranger, action="comment", ids=ids, text="hello")
    assert "you may not see it" in said[0]
    assert "Apply to chosen" not in signed_in(world.viewer).get("/findings/").content.decode()


def test_the_way_back_leads_to_no_other_site(world: World) -> None:
    for following in ("https://evil.example/findings/", "//evil.example", "/admin/", "/findings/../admin"):
        response = signed_in(world.operator).post("/findings/decide/", {"next": following})
        assert response.headers["Location"].startswith("/findings/"), following


def test_the_list_costs_the_same_however_many_rows_it_has(world: World) -> None:
    client = signed_in(world.operator)

    def cost() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert client.get("/findings/").status_code == 200
        return len(captured)

    few = cost()
    for number in range(3):
        repository = make_repository(world.project, name=f"more-{number}")
        analyse(repository, messages([finding(f"{n}") for n in range(10)]))
    assert cost() == few
