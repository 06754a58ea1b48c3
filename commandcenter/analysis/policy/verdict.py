"""Judges one analysis by its project's policy, and tells when a branch begins to violate it."""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from commandcenter.analysis.models import Analysis, Policy, PolicyStatus, PolicyVerdict, ResultSet
from commandcenter.analysis.policy import conditions
from commandcenter.analysis.policy.conditions import Condition, InvalidConditions
from commandcenter.analysis.policy.measures import Measure
from commandcenter.analysis.policy.metrics import measure
from commandcenter.analysis.policy.subject import Subject
from commandcenter.events.publish import publish

MAX_VIOLATIONS = 20  # named in one event


def judge(analysis: Analysis, result_set: ResultSet, *, before: str | None = None) -> PolicyVerdict | None:
    """Judge an analysis that has its results, store the verdict and return it; None where there is no policy.

    Must run inside the transaction that ends the analysis, after the lifecycle. Publishes `policy.violated` when the
    branch did not fail before; `before` says how it stood, the newest earlier verdict of the branch by default.
    """
    policy = _policy_of(analysis.project_id)
    if policy is None or not policy.conditions:
        return None
    subject = Subject(analysis, result_set)
    results = [row for each in policy.conditions if (row := _result(subject, each)) is not None]
    if not results:
        return None
    verdict = PolicyVerdict(
        analysis=analysis,
        policy=policy,
        name=policy.name,
        unknown_fails=policy.unknown_fails,
        status=_overall(results, unknown_fails=policy.unknown_fails),
        results=results,
        evaluated_at=timezone.now(),
    )
    PolicyVerdict.objects.bulk_create(
        [verdict],
        update_conflicts=True,
        unique_fields=["analysis"],
        update_fields=["policy", "name", "unknown_fails", "status", "results", "evaluated_at"],
    )
    if verdict.status == PolicyStatus.FAILED and analysis.delta is not None:  # not one that was overtaken
        _announce(verdict, before=stood_before(analysis) if before is None else before)
    return verdict


def _policy_of(project_id: int) -> Policy | None:
    """Return the project's policy in force, kept from being removed until the transaction ends.

    Not from being changed, and others may keep it too: analyses of one project end side by side.
    """
    found = Policy.objects.raw(
        "SELECT * FROM analysis_policy WHERE project_id = %s AND enabled FOR KEY SHARE", [project_id]
    )
    return next(iter(found), None)


def _result(subject: Subject, stored: dict[str, Any]) -> dict[str, Any] | None:
    """Return the row of one stored condition; None for one that is switched off."""
    try:
        (condition,) = conditions.read([stored])
    except InvalidConditions as error:  # written by another version: it must not cost the analysis
        return {
            "condition": stored,
            "description": "A condition that this version does not know",
            "status": PolicyStatus.UNKNOWN.value,
            "value": None,
            "limit": None,
            "detail": str(error)[:500],
            "evidence": None,
            "pending": False,
        }
    if not condition.enabled:
        return None
    found = measure(subject, condition)
    status = _status(condition, found)
    return {
        "condition": condition.stored(),
        "description": condition.words(),
        "status": status.value,
        "value": found.value,
        "limit": condition.value,
        "detail": found.detail,
        "evidence": found.evidence or None,
        "pending": found.pending and status == PolicyStatus.UNKNOWN,
    }


def _status(condition: Condition, found: Measure) -> PolicyStatus:
    if found.value is None:
        return PolicyStatus.PASSED if found.holds else PolicyStatus.UNKNOWN
    if condition.operator == "at_least":
        return PolicyStatus.PASSED if found.value >= condition.value else PolicyStatus.FAILED
    if found.value > condition.value:
        return PolicyStatus.FAILED
    return PolicyStatus.UNKNOWN if found.at_least else PolicyStatus.PASSED


def _overall(results: list[dict[str, Any]], *, unknown_fails: bool) -> PolicyStatus:
    """Return the worst; what is unknown for a moment only fails nobody."""
    statuses = {row["status"] for row in results}
    if PolicyStatus.FAILED in statuses:
        return PolicyStatus.FAILED
    if PolicyStatus.UNKNOWN in statuses:
        stays = any(row["status"] == PolicyStatus.UNKNOWN and not row["pending"] for row in results)
        return PolicyStatus.FAILED if unknown_fails and stays else PolicyStatus.UNKNOWN
    return PolicyStatus.PASSED


def verdict_of(analysis: Analysis) -> PolicyVerdict | None:
    """Return the verdict of an analysis, read along by `with_results`; None where no policy judged it."""
    found: PolicyVerdict | None = getattr(analysis, "policy_verdict", None)
    return found


def shape(verdict: PolicyVerdict | None) -> dict[str, Any] | None:
    """Return {status, policy, name, unknown_fails, evaluated_at, results}; None without a verdict."""
    if verdict is None:
        return None
    return {
        "status": verdict.status,
        "policy": verdict.policy_id,
        "name": verdict.name,
        "unknown_fails": verdict.unknown_fails,
        "evaluated_at": verdict.evaluated_at,
        "results": verdict.results,
    }


def violations(verdict: PolicyVerdict) -> list[str]:
    """Return a sentence for each condition that fails; for unknown ones too where the policy says that they fail."""
    said = []
    for row in verdict.results:
        if row["status"] == PolicyStatus.FAILED:
            said.append(f"{row['description']}; it is {conditions.number(row['value'])}.")
        elif row["status"] == PolicyStatus.UNKNOWN and verdict.unknown_fails and not row.get("pending"):
            said.append(f"{row['description']}; it is unknown. {row['detail']}".strip())
    return said


def stood_before(analysis: Analysis) -> str:
    """Return how the newest earlier judged analysis of the branch stood; empty where there is none."""
    earlier = PolicyVerdict.objects.filter(
        analysis__branch_line=analysis.branch_line_id, analysis__ticket__lt=analysis.ticket or 0
    )
    return earlier.order_by("-analysis__ticket").values_list("status", flat=True).first() or ""


def _announce(verdict: PolicyVerdict, *, before: str) -> None:
    """Publish `policy.violated` once per change to it."""
    if before == PolicyStatus.FAILED:
        return
    analysis = verdict.analysis
    publish(
        "policy.violated",
        project=analysis.project_id,
        subject=("analysis", analysis.pk),
        data={
            "repository": analysis.repository_id,
            "analysis": analysis.pk,
            "policy": verdict.name,
            "violations": violations(verdict)[:MAX_VIOLATIONS],
        },
    )
