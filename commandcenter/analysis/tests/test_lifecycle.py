"""Findings along a branch: new, existing, fixed, reopened, and what must not move them."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection

from commandcenter.analysis.findings.changes import statements
from commandcenter.analysis.models import BranchLine, Finding, FindingTransition
from commandcenter.analysis.results.rows.finding import findings, seen_rows
from commandcenter.analysis.results.shapes import portfolio_finding
from commandcenter.analysis.tests.factories import (
    analyse,
    end,
    finding,
    make_repository,
    messages,
    start,
    tree_ref,
)

pytestmark = pytest.mark.django_db

NOTHING = dict.fromkeys(
    ("new", "new_by_rule", "reopened", "fixed", "fixed_by_rule", "existing", "suppressed"), 0
)


def states(repository: Any, branch: Any = "main") -> Any:
    rows = Finding.objects.filter(repository=repository, branch_line__name=branch)
    return dict(rows.values_list("fingerprint", "state"))


def transitions(analysis: Any) -> Any:
    rows = FindingTransition.objects.filter(analysis=analysis)
    return sorted(rows.values_list("finding__fingerprint", "from_state", "to_state"))


def test_the_first_analysis_makes_every_finding_new() -> None:
    repository = make_repository()
    first = analyse(repository, messages([finding("a"), finding("b")]))
    assert states(repository) == {"v1:a": "new", "v1:b": "new"}
    assert first.delta == {**NOTHING, "new": 2}
    assert first.baseline is None


def test_an_identical_run_makes_no_transition() -> None:
    repository = make_repository()
    said = messages([finding("a"), finding("b")])
    first = analyse(repository, said)
    second = analyse(repository, said)
    assert transitions(second) == []
    assert second.delta == {**NOTHING, "existing": 2}
    assert second.baseline == first
    assert states(repository) == {"v1:a": "existing", "v1:b": "existing"}


def test_a_third_identical_run_writes_no_finding_at_all() -> None:
    repository = make_repository()
    said = messages([finding("a")])
    for _ in range(2):
        analyse(repository, said)
    before = list(Finding.objects.order_by("pk").values())
    analyse(repository, said)
    assert list(Finding.objects.order_by("pk").values()) == before


def test_what_is_gone_is_fixed_and_what_comes_back_is_reopened() -> None:
    repository = make_repository()
    analyse(repository, messages([finding("a"), finding("b")]))
    second = analyse(repository, messages([finding("b"), finding("c")]))
    assert states(repository) == {"v1:a": "fixed", "v1:b": "existing", "v1:c": "new"}
    assert second.delta == {**NOTHING, "new": 1, "fixed": 1, "existing": 1}
    third = analyse(repository, messages([finding("a"), finding("c")]))
    assert transitions(third) == [("v1:a", "fixed", "reopened"), ("v1:b", "existing", "fixed")]
    fourth = analyse(repository, messages([finding("a"), finding("c")]))
    assert transitions(fourth) == []
    assert states(repository)["v1:a"] == "existing"


def test_a_moved_finding_keeps_its_identity_and_follows_its_lines() -> None:
    repository = make_repository()
    analyse(repository, messages([finding("a")]))
    known = Finding.objects.get()
    second = analyse(repository, messages([finding("a", start_line=40, end_line=41)]))
    moved = Finding.objects.get()
    assert (moved.pk, moved.start_line, moved.end_line) == (known.pk, 40, 41)
    assert moved.first_seen == known.first_seen
    assert transitions(second) == []


@pytest.mark.parametrize("status", ["failed", "unavailable", "partial"])
def test_an_engine_that_did_not_end_well_closes_nothing(status: Any) -> None:
    repository = make_repository()
    both = [finding("a"), finding("key", engine="secrets", rule_id="aws-key")]
    first = analyse(repository, messages(both))
    engines = {"ruff": "ok", "secrets": status}
    second = analyse(repository, messages([], engines=engines))
    assert second.status == "partial"
    assert states(repository) == {"v1:a": "fixed", "v1:key": "new"}
    third = analyse(repository, messages(both))
    assert third.baseline == first, "a partial analysis is no baseline"
    assert transitions(third) == [("v1:a", "fixed", "reopened")]


def test_an_engine_that_is_no_longer_planned_closes_nothing() -> None:
    repository = make_repository()
    analyse(repository, messages([finding("a")], engines={"ruff": "ok"}))
    analyse(repository, messages([], engines={"secrets": "ok"}))
    assert states(repository) == {"v1:a": "new"}


def test_what_a_partial_analysis_announced_is_not_announced_again() -> None:
    repository = make_repository()
    analyse(repository, messages([]))
    partial = analyse(repository, messages([finding("a")], engines={"ruff": "ok", "secrets": "failed"}))
    assert partial.delta is not None
    assert partial.delta["new"] == 1
    assert analyse(repository, messages([finding("a")])).delta == {**NOTHING, "existing": 1}


def test_an_overtaken_analysis_moves_nothing() -> None:
    """The older commit is read first and ends last: the branch must look like the newer one."""
    repository = make_repository()
    analyse(repository, messages([finding("a")]))
    older, newer = start(repository, tree_ref()), start(repository, tree_ref())
    newer = end(newer, messages([finding("b")]))
    older = end(older, messages([finding("a"), finding("only-there")]))
    assert states(repository) == {"v1:a": "fixed", "v1:b": "new", "v1:only-there": "fixed"}
    assert older.delta is None
    assert older.status == "complete"
    assert transitions(older) == []
    line = BranchLine.objects.get()
    assert (line.latest, line.baseline) == (newer, newer)


def test_going_back_to_an_older_commit_is_a_change_like_any_other() -> None:
    repository = make_repository()
    analyse(repository, messages([finding("a")]), commit="1" * 40)
    analyse(repository, messages([finding("b")]), commit="2" * 40)
    analyse(repository, messages([finding("a")]), commit="3" * 40)
    assert states(repository) == {"v1:a": "reopened", "v1:b": "fixed"}


def test_a_branch_starts_from_what_is_open_on_the_default_branch() -> None:
    repository = make_repository()
    main = analyse(repository, messages([finding("a"), finding("b")]))
    branch = analyse(repository, messages([finding("a"), finding("c")]), ref="topic", asked_for="topic")
    assert states(repository, "topic") == {"v1:a": "existing", "v1:c": "new"}
    assert branch.baseline == main
    assert branch.delta == {**NOTHING, "new": 1, "existing": 1}
    assert states(repository) == {"v1:a": "new", "v1:b": "new"}, "the default branch is untouched"


def test_last_seen_of_a_fixed_finding_is_when_it_was_last_there() -> None:
    repository = make_repository()
    said = messages([finding("a")])
    for _ in range(3):
        last = analyse(repository, said)
    analyse(repository, messages([]))
    gone = Finding.objects.get()
    assert gone.last_seen >= last.started_at
    assert gone.first_seen < gone.last_seen


def test_a_file_that_the_engine_cannot_read_any_more_keeps_its_findings() -> None:
    """A syntax error hides what stands in a file; it mends nothing."""
    repository = make_repository()
    first = [finding("a", path="broken.py"), finding("b", path="other.py")]
    analyse(repository, messages(first))
    broken = messages([], unread=[("ruff", "broken.py", "It is not Python 3.")], engines={"ruff": "ok"})
    second = analyse(repository, broken)
    assert transitions(second) == [("v1:b", "new", "fixed")]
    assert states(repository) == {"v1:a": "new", "v1:b": "fixed"}
    third = analyse(repository, messages([], engines={"ruff": "ok"}))
    assert transitions(third) == [("v1:a", "new", "fixed")]


def test_what_cannot_be_read_was_last_seen_when_it_was_read_last() -> None:
    """Its engine runs on, and sees other files alone."""
    repository = make_repository()
    said = messages([finding("a", path="broken.py"), finding("b", path="other.py")])
    analyse(repository, said)
    last_sight = analyse(repository, said)
    broken = messages([finding("b", path="other.py")], unread=[("ruff", "broken.py", "It is not Python 3.")])
    for _ in range(3):
        blind = analyse(repository, broken)
    assert blind.started_at is not None
    hidden, plain = (shown("v1:a"), shown("v1:b"))
    assert last_sight.started_at <= hidden["last_seen"] < blind.started_at <= plain["last_seen"]
    (row,) = (row for row in findings(last_sight) if row.fingerprint == "v1:a")
    assert row.last_seen == hidden["last_seen"]
    analyse(repository, messages([]))
    assert shown("v1:a")["last_seen"] == hidden["last_seen"], "fixed, and not seen since"


def test_what_can_be_read_again_is_seen_again() -> None:
    repository = make_repository()
    said = messages([finding("a", path="broken.py")])
    analyse(repository, said)
    analyse(
        repository,
        messages([], unread=[("ruff", "broken.py", "It is not Python 3.")], engines={"ruff": "ok"}),
    )
    analyse(repository, said)
    again = analyse(repository, said)
    assert shown("v1:a")["last_seen"] >= again.started_at
    assert states(repository) == {"v1:a": "existing"}


def test_an_earlier_analysis_claims_no_sight_of_what_was_fixed_since() -> None:
    repository = make_repository()
    first = analyse(repository, messages([finding("a")]))
    analyse(repository, messages([]))
    later = analyse(repository, messages([finding("b")]))
    (row,) = findings(first)
    assert first.started_at <= row.last_seen < later.started_at
    alone = Finding.objects.select_related("rule").at_this_moment().filter(fingerprint="v1:a")
    assert seen_rows(first, list(alone))[alone.get().pk].last_seen == row.last_seen


def shown(fingerprint: str) -> dict[str, Any]:
    found = Finding.objects.at_this_moment().select_related("rule", "branch_line", "repository")
    return portfolio_finding(found.get(fingerprint=fingerprint))


def test_what_another_engine_cannot_read_closes_as_ever() -> None:
    repository = make_repository()
    analyse(repository, messages([finding("a", path="broken.py")]))
    other = messages(
        [], unread=[("secrets", "broken.py", "Too long.")], engines={"ruff": "ok", "secrets": "ok"}
    )
    assert transitions(analyse(repository, other)) == [("v1:a", "new", "fixed")]


@pytest.mark.parametrize("name", ["lose", "fix"])
def test_findings_are_not_compared_with_each_file_that_could_not_be_read(name: str) -> None:
    """Eight thousand of the ones and five thousand of the others took a minute."""
    values: dict[str, Any] = {
        "line": 1,
        "results": 1,
        "analysis": 1,
        "engines": ["ruff"],
        "seen": "{}",
        "retired": [],
    }
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN {getattr(statements(by_file=False), name)}", values)
        assert "hashed SubPlan" in "\n".join(line for (line,) in cursor.fetchall())
