"""The pages of rules: the list with its filters, one rule in parts, and the ways to them."""

from __future__ import annotations

from typing import Any

import pytest

from commandcenter.analysis.models import Rule, Severity
from commandcenter.dashboard.tests.conftest import World, signed_in

pytestmark = pytest.mark.django_db


def content(user: Any, path: str, status: int = 200) -> str:
    response = signed_in(user).get(path)
    assert response.status_code == status
    return str(response.content.decode())


def make_rules(count: int) -> None:
    Rule.objects.bulk_create(
        Rule(engine="zizmor", rule_id=f"rule-{n:03}", name=f"rule-{n:03}", short=f"Number {n}.", full="",
             severity=Severity.LOW, precision="low")
        for n in range(count)
    )  # fmt: skip


def test_a_rule_has_a_page_in_parts(world: World) -> None:
    page = content(world.viewer, "/rules/ruff/S105/")
    for words in (
        "What</h3>", "Possible hardcoded password.", "Why it matters", "can be read by everyone", "How to fix it",
        "Read it from the environment.", "https://cwe.mitre.org/data/definitions/259.html", "some reports are wrong",
        "/findings/?engine=ruff&amp;rule=S105",
    ):  # fmt: skip
        assert words in page, words


def test_a_stranger_sees_the_rule_and_no_finding(world: World) -> None:
    page = content(world.stranger, "/rules/ruff/S105/")
    assert "No open findings" in page
    assert world.repository.name not in page
    assert 'rule=S105">' not in content(world.stranger, "/rules/")


def test_rules_are_listed_without_any_finding(world: World) -> None:
    make_rules(2)
    page = content(world.viewer, "/rules/")
    assert "Number 0." in page
    assert "Number 1." in page
    assert "Number 0." not in content(world.viewer, "/rules/?engine=ruff")
    assert "Possible hardcoded" not in content(world.viewer, "/rules/?q=number")
    assert "Number 0." not in content(world.viewer, "/rules/?cwe=259")
    assert "No rule like this" in content(world.viewer, "/rules/?q=nothing-of-this-kind")


def test_retired_rules_are_shown_on_demand_and_marked(world: World) -> None:
    make_rules(1)
    Rule.objects.filter(engine="zizmor").update(retired_at="2026-01-02T03:04:05Z")
    assert "Number 0." not in content(world.viewer, "/rules/")
    assert "Number 0." in content(world.viewer, "/rules/?show=retired")
    assert "2026-01-02" in content(world.viewer, "/rules/zizmor/rule-000/")


@pytest.mark.parametrize("rule_id", ["python.sql/injection", "a:b/c.d%e"])
def test_links_lead_to_rules_of_any_name(world: World, rule_id: str) -> None:
    Rule.objects.filter(rule_id="S105").update(rule_id=rule_id)
    for path in ("/rules/", "/findings/", f"/analyses/{world.analysis.pk}/findings/"):
        links = [part.partition('"')[0] for part in content(world.viewer, path).split('href="')[1:]]
        (link,) = {link for link in links if link.startswith("/rules/ruff/")}
        assert "Possible hardcoded password." in content(world.viewer, link)


@pytest.mark.parametrize("path", ["/rules/ruff/none/", "/rules/ruff/%00/", "/rules/%00/S105/"])
def test_what_is_no_rule_is_not_found(world: World, path: str) -> None:
    content(world.viewer, path, 404)


def test_pages_go_forth_and_back(world: World) -> None:
    make_rules(60)
    first = content(world.viewer, "/rules/?engine=zizmor")
    assert "Number 49." in first
    assert "Number 50." not in first
    last = Rule.objects.get(rule_id="rule-049").pk
    second = content(world.viewer, f"/rules/?engine=zizmor&after={last}")
    assert "Number 50." in second
    assert "Number 49." not in second
    beyond = Rule.objects.get(rule_id="rule-050").pk
    assert "Number 49." in content(world.viewer, f"/rules/?engine=zizmor&before={beyond}")


def test_the_list_costs_the_same_for_two_rules_and_forty(
    world: World, django_assert_max_num_queries: Any
) -> None:
    make_rules(40)
    client = signed_in(world.viewer)
    client.get("/rules/")
    with django_assert_max_num_queries(6):
        client.get("/rules/")
