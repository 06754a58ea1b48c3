"""GET /rules: what is described, what is counted for whom, filters, pages, bad input, the number of queries."""

from __future__ import annotations

from typing import Any

import pytest
from rest_framework.test import APIClient

from commandcenter.analysis.models import Finding, Rule, Severity
from commandcenter.analysis.rules import listing
from commandcenter.analysis.tests.factories import (
    analyse,
    finding,
    make_repository,
    make_user,
    messages,
    rule,
)

pytestmark = pytest.mark.django_db


def client(user: Any) -> Any:
    made = APIClient()
    made.force_authenticate(user)
    return made


def make_rule(engine: str, rule_id: str, **fields: Any) -> Rule:
    values: dict[str, Any] = {"name": rule_id, "short": "Short.", "full": "Short. Why.", "help": "Fix.",
                              "severity": Severity.MEDIUM, "precision": "high"}  # fmt: skip
    return Rule.objects.create(engine=engine, rule_id=rule_id, **(values | fields))


@pytest.fixture
def repository() -> Any:
    """A repository with an open, a suppressed, an inline suppressed and a fixed finding of ruff's S105."""
    repository = make_repository()
    known = [rule(short="A password.", full="A password. Everybody can read it.")]
    found = [finding("open"), finding("silent"), finding("inline", inline_suppressed=True), finding("gone")]
    analyse(repository, messages(found, rules=known))
    analyse(repository, messages(found[:3], rules=known))
    Finding.objects.filter(fingerprint="v1:silent").update(suppression_kind="wont_fix", decided=True)
    return repository


@pytest.fixture
def viewer(repository: Any) -> Any:
    return client(make_user(repository.project))


def test_a_rule_says_what_why_and_how_to_fix(viewer: Any) -> None:
    assert viewer.get("/api/v1/rules/ruff/S105").json() == {
        "engine": "ruff",
        "rule_id": "S105",
        "name": "hardcoded-password-string",
        "what": "A password.",
        "why": "Everybody can read it.",
        "fix": "Read it from the environment.",
        "severity": "high",
        "precision": "medium",
        "cwe": ["CWE-259"],
        "tags": ["security"],
        "help_url": "https://docs.example.com/rules/S105",
        "retired": False,
        "open_findings": 1,
        "open_findings_capped": False,
    }


@pytest.mark.usefixtures("repository")
def test_findings_of_projects_that_one_may_not_see_are_not_counted() -> None:
    shown = client(make_user(make_repository().project)).get("/api/v1/rules/ruff/S105").json()
    assert (shown["rule_id"], shown["open_findings"]) == ("S105", 0)
    assert APIClient().get("/api/v1/rules").status_code == 401


def test_counts_are_capped_and_say_so(viewer: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(listing, "MAX_COUNTED", 0)
    shown = viewer.get("/api/v1/rules/ruff/S105").json()
    assert (shown["open_findings"], shown["open_findings_capped"]) == (0, True)


@pytest.mark.parametrize("rule_id", ["python.sql/injection", "abuseipdb-api-key.1", "a:b/c.d", "x" * 200])
def test_ids_with_slashes_dots_and_colons_are_found(viewer: Any, rule_id: str) -> None:
    make_rule("astgrep", rule_id)
    for path in (f"/api/v1/rules/astgrep/{rule_id}", f"/api/v1/rules/astgrep/{rule_id}/"):
        assert viewer.get(path).json()["rule_id"] == rule_id


@pytest.mark.parametrize(
    "path", ["ruff/none", "none/S105", "ruff/%00", "RUFF/S105", "ruff/a%0Ab", f"ruff/{'x' * 300}"]
)
def test_what_is_no_rule_is_not_found(viewer: Any, path: str) -> None:
    answer = viewer.get(f"/api/v1/rules/{path}")
    assert answer.status_code == 404
    assert answer["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", ["ruff/S105", "secrets/key", "zizmor/a", "zizmor/b"]),
        ("engine=zizmor", ["zizmor/a", "zizmor/b"]),
        ("severity=critical", ["secrets/key"]),
        ("severity=critical&severity=high", ["ruff/S105", "secrets/key"]),
        ("cwe=798", ["secrets/key"]),
        ("cwe=cwe-798", ["secrets/key"]),
        ("cwe=1", []),
        ("tag=security", ["ruff/S105", "zizmor/b"]),
        ("search=PASSWORD", ["ruff/S105"]),
        ("search=s105", ["ruff/S105"]),
        ("search=%25", []),
        ("retired=true", ["zizmor/a"]),
        ("retired=false&engine=zizmor", ["zizmor/b"]),
    ],
)
def test_the_list_can_be_filtered(viewer: Any, query: str, found: list[str]) -> None:
    make_rule("secrets", "key", severity=Severity.CRITICAL, cwe=["CWE-798"])
    retired = make_rule("zizmor", "a")
    Rule.objects.filter(pk=retired.pk).update(retired_at="2026-01-02T03:04:05Z")
    make_rule("zizmor", "b", tags=["security"])
    rows = viewer.get(f"/api/v1/rules?{query}").json()["results"]
    assert [f"{row['engine']}/{row['rule_id']}" for row in rows] == found


@pytest.mark.parametrize(
    "query",
    ["cwe=abc", "cwe=CWE-", "severity=worst", "retired=maybe", "engine=%00", "tag=%00", "search=%00",
     f"search={'x' * 201}", "limit=0", "cursor=abc", "cursor=WzAsMV0"],
)  # fmt: skip
def test_bad_input_is_refused(viewer: Any, query: str) -> None:
    answer = viewer.get(f"/api/v1/rules?{query}")
    assert answer.status_code == 400
    assert answer.json()["errors"]


def test_pages_go_forth_and_back_in_order(viewer: Any) -> None:
    for number in range(5):
        make_rule("zizmor", f"rule-{number}")
    seen, address = [], "/api/v1/rules?limit=2"
    while address:
        page = viewer.get(address).json()
        seen += [row["rule_id"] for row in page["results"]]
        address, last = page["next"], page
    assert seen == ["S105", *(f"rule-{number}" for number in range(5))]
    assert [row["rule_id"] for row in viewer.get(last["previous"]).json()["results"]] == ["rule-1", "rule-2"]


def test_a_page_costs_two_queries_whatever_it_holds(viewer: Any, django_assert_num_queries: Any) -> None:
    viewer.get("/api/v1/rules")
    for count in (1, 30):
        for number in range(count):
            make_rule("zizmor", f"rule-{count}-{number}")
        with django_assert_num_queries(2):
            assert len(viewer.get("/api/v1/rules").json()["results"]) > count
