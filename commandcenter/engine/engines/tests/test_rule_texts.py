"""Every rule of every engine says what it reports, why that matters and how to mend it."""

from __future__ import annotations

import re

import pytest

from commandcenter.engine.contract.findings import SEVERITIES, Rule
from commandcenter.engine.engines import ENGINES

RULES = {engine.id: list(engine.rules()) for engine in ENGINES.values()}
PRECISIONS = {"very-high", "high", "medium", "low"}


@pytest.mark.parametrize("engine", [engine for engine, rules in RULES.items() if rules])
def test_every_rule_is_described_in_three_parts(engine: str) -> None:
    thin = [rule.id for rule in RULES[engine] if not _whole(rule)]
    assert not thin


def _whole(rule: Rule) -> bool:
    why = rule.full.removeprefix(rule.short).strip()
    texts = (rule.short, why, rule.help)
    return all(re.search(r"[A-Za-z]{2}", text) for text in texts) and len(set(texts)) == 3


@pytest.mark.parametrize("engine", [engine for engine, rules in RULES.items() if rules])
def test_every_rule_is_rated(engine: str) -> None:
    for rule in RULES[engine]:
        assert rule.severity in SEVERITIES, rule.id
        assert rule.precision in PRECISIONS, rule.id
        assert rule.engine == engine
        assert rule.tags, rule.id
        assert rule.help_url is None or rule.help_url.startswith("https://"), rule.id
        assert all(re.fullmatch(r"CWE-[1-9]\d{0,4}", cwe) for cwe in rule.cwe), rule.id
        assert rule.cwe or "security" not in rule.tags, rule.id


def test_ids_are_unique_within_an_engine() -> None:
    for engine, rules in RULES.items():
        assert len({rule.id for rule in rules}) == len(rules), engine


def test_texts_have_no_places_that_nobody_filled() -> None:
    assert not [
        (rule.engine, rule.id)
        for rules in RULES.values()
        for rule in rules
        if re.search(r"(?<!\$)\{\w*\}", f"{rule.short} {rule.full}")
    ]
