"""How analyses are judged: per metric, per change, and never by what is not known."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from commandcenter.analysis.models import Analysis, Finding, Policy, PolicyVerdict
from commandcenter.analysis.policy import again, flows
from commandcenter.analysis.policy.verdict import verdict_of, violations
from commandcenter.analysis.tests.factories import (
    analyse,
    end,
    file_row,
    finding,
    make_repository,
    messages,
    start,
    tree_ref,
)
from commandcenter.events.models import Event

pytestmark = pytest.mark.django_db

NO_CRITICAL = {"metric": "findings", "severity_at_least": "critical", "at_most": 0}
NO_NEW_HIGH = {"metric": "new_findings", "severity_at_least": "high", "at_most": 0}
NO_VULNERABILITY = {"metric": "vulnerabilities", "severity_at_least": "critical", "at_most": 0}


@pytest.fixture
def repository() -> Any:
    return make_repository()


def demand(repository: Any, *conditions: dict[str, Any], **fields: Any) -> Policy:
    return flows.create_policy(
        by=None, project=repository.project, name="default", conditions=list(conditions), **fields
    )


def verdict(analysis: Analysis) -> PolicyVerdict:
    found = verdict_of(Analysis.objects.with_results().get(pk=analysis.pk))
    assert found is not None
    return found


def statuses(analysis: Analysis) -> list[str]:
    return [row["status"] for row in verdict(analysis).results]


def violated() -> list[int | None]:
    return list(
        Event.objects.filter(type="policy.violated").order_by("pk").values_list("subject_id", flat=True)
    )


def test_without_a_policy_nothing_is_judged(repository: Any) -> None:
    analysis = analyse(repository, messages([finding("a", severity="critical")]))
    assert verdict_of(analysis) is None
    assert violated() == []


@pytest.mark.parametrize("fields", [{"enabled": False}, {}])
def test_a_disabled_policy_and_one_without_enabled_conditions_judge_nothing(
    repository: Any, fields: dict[str, Any]
) -> None:
    demand(repository, {**NO_CRITICAL, "enabled": not fields and False}, **fields)
    analysis = analyse(repository, messages([finding("a", severity="critical")]))
    assert verdict_of(analysis) is None


def test_a_limit_on_open_findings_counts_the_severities_from_it_on(repository: Any) -> None:
    demand(repository, NO_CRITICAL, {"metric": "findings", "severity_at_least": "high", "at_most": 1})
    first = analyse(repository, messages([finding("a"), finding("b", severity="low")]))
    assert (verdict(first).status, statuses(first)) == ("passed", ["passed", "passed"])
    second = analyse(repository, messages([finding("a"), finding("c", severity="critical")]))
    assert statuses(second) == ["failed", "failed"]
    row = verdict(second).results[0]
    assert (row["value"], row["limit"], row["evidence"]) == (
        1,
        0,
        f"/analyses/{second.pk}/findings/?severity=critical",
    )
    assert violations(verdict(second)) == [
        "Open findings of severity critical: at most 0; it is 1.",
        "Open findings of severity high or above: at most 1; it is 2.",
    ]


def test_suppressed_findings_do_not_count(repository: Any) -> None:
    demand(repository, NO_CRITICAL)
    inline = analyse(repository, messages([finding("a", severity="critical", inline_suppressed=True)]))
    assert verdict(inline).status == "passed"
    analyse(repository, messages([finding("b", severity="critical")]))
    Finding.objects.filter(fingerprint="v1:b").update(suppression_kind="accepted_risk")
    decided = analyse(repository, messages([finding("b", severity="critical")]))
    assert verdict(decided).status == "passed"
    Finding.objects.filter(fingerprint="v1:b").update(suppressed_until="2020-01-01T00:00:00Z")
    expired = analyse(repository, messages([finding("b", severity="critical")]))
    assert verdict(expired).status == "failed"


def test_new_findings_are_those_since_the_baseline(repository: Any) -> None:
    demand(repository, NO_NEW_HIGH)
    first = analyse(repository, messages([finding("a")]))
    assert (verdict(first).status, verdict(first).results[0]["value"]) == ("passed", None)
    same = analyse(repository, messages([finding("a")]))
    assert (verdict(same).status, verdict(same).results[0]["value"]) == ("passed", 0)
    more = analyse(repository, messages([finding("a"), finding("b"), finding("c", severity="low")]))
    assert (verdict(more).status, verdict(more).results[0]["value"]) == ("failed", 1)
    back = analyse(repository, messages([finding("a"), finding("b"), finding("c", severity="low")]))
    assert verdict(back).status == "passed"


def test_a_finding_that_comes_again_counts_as_new(repository: Any) -> None:
    demand(repository, NO_NEW_HIGH)
    analyse(repository, messages([finding("a")]))
    analyse(repository, messages([]))
    assert verdict(analyse(repository, messages([finding("a")]))).status == "failed"


def test_what_no_database_knows_is_unknown_and_fails_only_where_the_policy_says_so(repository: Any) -> None:
    policy = demand(repository, NO_VULNERABILITY, NO_CRITICAL)
    analysis = analyse(repository, messages([]))
    assert (verdict(analysis).status, statuses(analysis)) == ("unknown", ["unknown", "passed"])
    assert verdict(analysis).results[0]["value"] is None
    flows.update_policy(policy, by=None, unknown_fails=True)
    strict = analyse(repository, messages([]))
    assert (verdict(strict).status, statuses(strict)) == ("failed", ["unknown", "passed"])
    assert len(violations(verdict(strict))) == 1


def test_a_failed_engine_makes_a_passed_limit_unknown_and_leaves_a_broken_one_broken(repository: Any) -> None:
    demand(
        repository,
        NO_CRITICAL,
        {"metric": "secrets", "at_most": 0},
        {"metric": "incomplete_engines", "at_most": 0},
    )
    lost = {"manifests": "ok", "ruff": "failed", "secrets": "ok"}
    assert statuses(analyse(repository, messages([], engines=lost))) == ["unknown", "passed", "failed"]
    critical = finding("a", severity="critical", engine="secrets", rule_id="key")
    assert statuses(analyse(repository, messages([critical], engines=lost))) == ["failed", "failed", "failed"]
    facts = {"manifests": "failed", "ruff": "ok", "secrets": "ok"}
    assert statuses(analyse(repository, messages([], engines=facts))) == ["passed", "passed", "failed"]


def test_an_engine_that_did_not_run_is_unknown(repository: Any) -> None:
    demand(
        repository,
        {"metric": "secrets", "at_most": 0},
        {"metric": "findings", "engines": ["zizmor"], "at_most": 0},
    )
    assert statuses(analyse(repository, messages([], engines={"ruff": "ok"}))) == ["unknown", "unknown"]


def test_one_of_the_engines_that_are_named_and_did_not_run_may_have_found_more(repository: Any) -> None:
    demand(repository, {"metric": "findings", "engines": ["ruff", "zizmor"], "at_most": 0})
    clean = analyse(repository, messages([], engines={"ruff": "ok"}))
    assert statuses(clean) == ["unknown"]
    assert verdict(clean).results[0]["detail"] == "No such engine ran: zizmor."
    assert statuses(analyse(repository, messages([finding("a")], engines={"ruff": "ok"}))) == ["failed"]
    assert statuses(analyse(repository, messages([], engines={"ruff": "ok", "zizmor": "ok"}))) == ["passed"]


def test_a_file_that_cannot_be_read_any_more_passes_no_gate(repository: Any) -> None:
    """Else a syntax error would be the way to get rid of findings."""
    demand(repository, {"metric": "findings", "at_most": 0}, NO_NEW_HIGH)
    analyse(repository, messages([finding("a", path="bad.py"), finding("b", path="bad.py")]))
    broken = messages([], unread=[("ruff", "bad.py", "It is not Python 3.")], engines={"ruff": "ok"})
    for _ in range(2):
        assert [row["value"] for row in verdict(analyse(repository, broken)).results] == [2, 0]
    Finding.objects.filter(fingerprint="v1:a").update(suppression_kind="accepted_risk")
    assert [row["value"] for row in verdict(analyse(repository, broken)).results] == [1, 0]
    mended = analyse(repository, messages([], engines={"ruff": "ok"}))
    assert verdict(mended).status == "passed"


def test_what_a_partial_analysis_found_is_compared_with_although_it_is_no_baseline(repository: Any) -> None:
    demand(repository, NO_NEW_HIGH)
    engines = {"ruff": "ok", "zizmor": "failed"}
    first = analyse(repository, messages([finding("a")], engines=engines))
    assert (verdict(first).status, verdict(first).results[0]["value"]) == ("passed", None)
    second = analyse(repository, messages([finding("a"), finding("b")], engines=engines))
    assert (second.baseline_id, verdict(second).status, verdict(second).results[0]["value"]) == (
        None,
        "failed",
        1,
    )


def test_complexity_and_bus_factor_are_read_from_the_summary(repository: Any) -> None:
    demand(
        repository,
        {"metric": "complexity", "at_most": 3},
        {"metric": "complexity", "measure": "mean", "at_most": 2},
        {"metric": "bus_factor", "at_least": 2},
    )
    analysis = analyse(repository, messages([], files=[file_row("a.py")]))
    assert statuses(analysis) == ["passed", "failed", "failed"]
    assert [row["value"] for row in verdict(analysis).results] == [3, 2.5, 1]


def test_the_violation_is_told_once_per_change_to_it(repository: Any) -> None:
    demand(repository, NO_CRITICAL)
    bad = [finding("a", severity="critical")]
    first = analyse(repository, messages(bad))
    analyse(repository, messages(bad))
    analyse(repository, messages([]))
    again_ = analyse(repository, messages(bad))
    assert violated() == [first.pk, again_.pk]
    data = Event.objects.filter(type="policy.violated").first().data
    assert data["policy"] == "default"
    assert data["violations"] == ["Open findings of severity critical: at most 0; it is 1."]


def test_an_overtaken_analysis_tells_nothing(repository: Any) -> None:
    demand(repository, NO_CRITICAL, NO_NEW_HIGH)
    old, new = start(repository, tree_ref()), start(repository, tree_ref())
    end(new, messages([]))
    end(old, messages([finding("a", severity="critical")]))
    assert statuses(old)[0] == "failed"
    assert violated() == []


def test_editing_a_policy_leaves_verdicts_and_judging_again_replaces_the_latest(repository: Any) -> None:
    policy = demand(repository, {**NO_CRITICAL, "at_most": 1})
    bad = [finding("a", severity="critical")]
    older, latest = analyse(repository, messages(bad)), analyse(repository, messages(bad))
    flows.update_policy(policy, by=None, conditions=[NO_CRITICAL])
    assert (verdict(older).status, verdict(latest).status) == ("passed", "passed")
    assert again.judge_again(policy.project_id, 0) is None
    assert (verdict(older).status, verdict(latest).status) == ("passed", "failed")
    again.judge_again(policy.project_id, 0)
    assert violated() == [latest.pk]
    flows.update_policy(policy, by=None, enabled=False)
    again.judge_again(policy.project_id, 0)
    assert set(PolicyVerdict.objects.values_list("analysis", flat=True)) == {older.pk}


def test_judging_again_stops_in_time_and_goes_on_where_it_was(repository: Any) -> None:
    policy = demand(repository, NO_CRITICAL)
    repositories = [repository, *(make_repository(repository.project) for _ in range(2))]
    for each in repositories:
        analyse(each, messages([]))
    PolicyVerdict.objects.all().delete()
    after, rounds = 0, 0
    while (rest := again.judge_again(policy.project_id, after, seconds=0.0)) is not None:
        assert rest > after
        after, rounds = rest, rounds + 1
    assert rounds == 2, "the third call judges the last one and is done"
    assert PolicyVerdict.objects.count() == 3


def test_judging_takes_a_handful_of_statements_whatever_the_number_of_findings(repository: Any) -> None:
    def measured(count: int, *conditions: dict[str, Any]) -> int:
        each = make_repository()
        if conditions:
            demand(each, *conditions)
        analyse(each, messages([finding(f"f{n}") for n in range(3)]))
        analysis = start(each, tree_ref())
        said = messages([finding(f"f{n}") for n in range(count)])
        with CaptureQueriesContext(connection) as queries:
            end(analysis, said)
        return len(queries)

    conditions = [NO_CRITICAL, NO_NEW_HIGH, NO_VULNERABILITY, {"metric": "complexity", "at_most": 99}]
    bare, judged = measured(5, {**NO_CRITICAL, "enabled": False}), measured(5, *conditions)
    assert (
        judged - bare <= 7
    )  # the counts, three of packages, the verdict, how the branch stood, and the event
    assert measured(60, *conditions) == judged


def test_a_condition_of_another_version_is_unknown_and_costs_no_analysis(repository: Any) -> None:
    policy = demand(repository, NO_CRITICAL)
    Policy.objects.filter(pk=policy.pk).update(conditions=[{"metric": "from_the_future", "value": 1}])
    assert statuses(analyse(repository, messages([]))) == ["unknown"]
