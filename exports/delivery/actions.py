"""What is done on GitHub with one analysis. Each action may be done again: what is there already is found or replaced."""

from __future__ import annotations

from typing import Any

from commandcenter.analysis.models import PolicyStatus
from commandcenter.analysis.policy.verdict import verdict_of
from exports.delivery.commenting import comment
from exports.delivery.models import Action
from exports.delivery.scanning import scan
from exports.delivery.subject import Step, Subject

_STATES = {
    PolicyStatus.PASSED: "success",
    PolicyStatus.FAILED: "failure",
    PolicyStatus.UNKNOWN: "pending",
}


def act(action: Action, subject: Subject, step: Step) -> None:
    """Do one action or the rest of it. Raises Refused or Later; `step` keeps what is done."""
    {Action.CODE_SCANNING: scan, Action.STATUS: _judge, Action.COMMENT: comment}[action](subject, step)


def _judge(subject: Subject, step: Step) -> None:
    """Say what the policy says. Nothing is said where no policy judged: a tick would claim that one had passed."""
    verdict = verdict_of(subject.analysis)
    if verdict is None:
        step.facts.update(done=True, skipped="No policy judged this analysis.")
        return
    body = {
        "state": _STATES[PolicyStatus(verdict.status)],
        "target_url": subject.page,
        "description": _described(verdict),
        "context": f"command-center/{subject.analysis.project.slug}",
    }
    sha = subject.commit
    there = subject.github.statuses(sha)
    if not any(all(each.get(key) == value for key, value in body.items()) for each in there):
        subject.github.set_status(sha, body)
    step.facts.update(done=True, state=body["state"], url=subject.github.page_of(sha))


def _described(verdict: Any) -> str:
    failed = sum(row.get("status") == PolicyStatus.FAILED for row in verdict.results)
    unknown = sum(row.get("status") == PolicyStatus.UNKNOWN for row in verdict.results)
    said = f"{verdict.name}: {failed} failed, {unknown} unknown of {len(verdict.results)} conditions"
    return said if len(said) <= 140 else f"{said[:137]}..."
