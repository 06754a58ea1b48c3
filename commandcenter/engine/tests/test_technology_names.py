"""Names of technologies mean what people mean by them."""

from __future__ import annotations

import pytest

from commandcenter.engine.rules.technology_names import key, official
from commandcenter.engine.rules.technology_rules import load


def test_every_rule_is_found_by_its_name_and_its_id_and_no_two_are_one() -> None:
    rules = load().rules
    assert {rule.id: official(rule.name) for rule in rules} == {rule.id: rule.name for rule in rules}
    assert {rule.id: official(rule.id) for rule in rules} == {rule.id: rule.name for rule in rules}
    assert len({key(rule.name) for rule in rules}) == len(rules)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("postgres", "PostgreSQL"),
        (" POSTGRESQL ", "PostgreSQL"),
        ("K8s", "Kubernetes"),
        ("next js", "Next.js"),
        ("nodejs", "Node.js"),
        ("Node", "Node.js"),
        ("C", "C"),
        ("c++", "C++"),
        ("C#", "C#"),
        ("golang", "Go"),
    ],
)
def test_people_write_names_in_many_ways(written: str, meant: str) -> None:
    assert official(written) == meant
    assert key(written) == key(meant)


def test_what_no_rule_knows_stands_for_itself() -> None:
    assert official("Our Own Gateway") is None
    assert key("Our Own Gateway") == key("our-own gateway") != key("Our Other Gateway")
    assert key("...") == "..."
