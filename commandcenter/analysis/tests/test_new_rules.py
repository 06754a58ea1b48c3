"""What comes or goes because a rule or an engine changed is told apart from what the code did."""

from __future__ import annotations

from typing import Any

import pytest

from commandcenter.analysis.models import Finding, FindingTransition
from commandcenter.analysis.tests.factories import analyse, file_row, finding, make_repository, messages
from commandcenter.events.models import Event

pytestmark = pytest.mark.django_db

FILES = ("a", "b", "c")


def spoken(
    *names: str,
    version: str = "1",
    config: str = "c",
    rules: tuple[str, ...] = ("S105",),
    changed: str = "",
    engines: dict[str, str] | None = None,
    **fields: Any,
) -> list[dict[str, Any]]:
    """A run of ruff in this version with these rules; the file named `changed` has other bytes than always."""
    files = [file_row(f"src/{name}.py", **({"blob": "e" * 40} if name == changed else {})) for name in FILES]
    said = messages([finding(name, **fields) for name in names], files=files, engines=engines)
    for place, message in enumerate(said):
        if message["type"] == "engine" and message["id"] == "ruff":
            message |= {"version": version, "config": config}
            said.insert(place, {"type": "catalogue", "engine": "ruff", "rules": sorted(rules)})
            break
    return said


def reasons(analysis: Any) -> set[tuple[str, str, str]]:
    rows = FindingTransition.objects.filter(analysis=analysis)
    return set(rows.values_list("finding__path", "to_state", "reason"))


def test_a_rule_that_the_branch_has_never_run_brings_no_new_problems() -> None:
    repository = make_repository()
    analyse(repository, spoken("a"))
    second = analyse(repository, _both(version="2"))
    assert reasons(second) == {("src/b.py", "new", "rule")}
    assert second.delta is not None
    assert (second.delta["new"], second.delta["new_by_rule"]) == (0, 1)
    assert Finding.objects.get(path="src/b.py").origin == "rule"
    event = Event.objects.filter(type="finding.new").order_by("-pk")[0]
    assert (event.data["count"], event.data["findings"]) == (0, [])
    assert (event.data["by_rule"]["count"], event.data["by_rule"]["by_severity"]) == (1, {"high": 1})


def _both(version: str) -> list[dict[str, Any]]:
    """The old rule finds what it found; a new one finds something in a file that was edited as well."""
    said = spoken("a", "b", version=version, rules=("S105", "S999"), changed="b")
    for message in said:
        if message["type"] == "findings":
            message["rows"][1]["rule_id"] = "S999"
        if message["type"] == "rules":
            message["rows"].append({**message["rows"][0], "id": "S999"})
    return said


@pytest.mark.parametrize(
    ("later", "reason"),
    [
        ({"version": "2"}, "rule"),
        ({"config": "d"}, "rule"),
        ({"version": "2", "changed": "b"}, "code"),
        ({"changed": "b"}, "code"),
        ({}, "code"),
    ],
)
def test_another_version_over_the_same_bytes_is_the_rules_doing(later: Any, reason: str) -> None:
    repository = make_repository()
    analyse(repository, spoken("a", "c"))
    second = analyse(repository, spoken("a", "b", **later))
    gone = "rule" if set(later) & {"version", "config"} else "code"
    assert reasons(second) == {("src/b.py", "new", reason), ("src/c.py", "fixed", gone)}


def test_a_retired_rule_fixes_nothing() -> None:
    repository = make_repository()
    analyse(repository, spoken("a", rules=("S105", "S106")))
    second = analyse(repository, spoken(version="2", rules=("S106",), changed="a"))
    assert reasons(second) == {("src/a.py", "fixed", "rule")}
    assert second.delta is not None
    assert (second.delta["fixed"], second.delta["fixed_by_rule"]) == (0, 1)


def test_an_engine_that_the_branch_has_never_run_brings_no_new_problems() -> None:
    repository = make_repository()
    analyse(repository, spoken("a"))
    second = analyse(
        repository,
        messages(
            [finding("a"), finding("key", engine="keys", rule_id="aws")],
            engines={"ruff": "ok", "keys": "ok"},
        ),
    )
    assert reasons(second) == {("src/key.py", "new", "rule")}
    third = analyse(
        repository,
        messages(
            [
                finding("a"),
                finding("key", engine="keys", rule_id="aws"),
                finding("k2", engine="keys", rule_id="aws"),
            ],
            engines={"ruff": "ok", "keys": "ok"},
        ),
    )
    assert reasons(third) == {("src/k2.py", "new", "code")}


def test_the_first_analysis_of_all_is_the_code_as_it_stands() -> None:
    first = analyse(make_repository(), spoken("a"))
    assert reasons(first) == {("src/a.py", "new", "code")}


def test_a_branch_remembers_what_the_default_branch_ran() -> None:
    repository = make_repository()
    analyse(repository, spoken("a"))
    branch = analyse(repository, spoken("a", "b", version="2"), ref="topic", asked_for="topic")
    assert reasons(branch) == {("src/b.py", "new", "rule")}


def test_an_engine_that_failed_meanwhile_is_compared_with_its_own_last_run() -> None:
    repository = make_repository()
    analyse(repository, spoken("a"))
    analyse(repository, spoken(engines={"ruff": "failed"}, changed="b"))
    third = analyse(repository, spoken("a", "b", changed="b"))
    assert reasons(third) == {("src/b.py", "new", "code")}
