"""Judges again what people decided about: a suppression, its end or its expiry may change a verdict.

The event of the decision has a worker do it; the relay gives the event again when the broker does not take the request.
"""

from __future__ import annotations

from collections.abc import Sequence
from time import monotonic
from typing import Any

from django.db.models import Q, QuerySet

from commandcenter.analysis.models import BranchLine, Finding
from commandcenter.analysis.policy.again import PAGE, SECONDS, judge_one, send_task
from commandcenter.analysis.portfolio import standings

TASK = "commandcenter.analysis.tasks.judge_decided"
FOLLOWED = frozenset({"finding.suppressed", "finding.unsuppressed", "finding.suppression_expired"})


def on_event(event: Any) -> None:
    """Take a committed event: ask a worker to judge what it is about. Named in settings.EVENT_SUBSCRIBERS."""
    if event.type not in FOLLOWED:
        return
    repositories, findings = event.data["repositories"], event.data["findings"]
    if event.data["count"] > len(findings):
        findings = []  # it does not name them all
    if _judged_lines(repositories, findings).exists():
        send(repositories, findings, 0)


def send(repositories: Sequence[int], findings: Sequence[int], after: int) -> None:
    """Send the task that judges the branch lines with ids above `after`. Raises CannotSend."""
    send_task(TASK, list(repositories), list(findings), after)


def judge_decided(
    repositories: Sequence[int], findings: Sequence[int], after: int, *, seconds: float = SECONDS
) -> int | None:
    """Judge the latest analyses of the branches that have these findings, or that follow them; all without findings.

    Return None when all are done, else the id after which to go on. Doing it twice changes nothing.
    """
    end = monotonic() + seconds
    lines = _judged_lines(repositories, findings).order_by("pk")
    while True:
        page = list(lines.filter(pk__gt=after).values_list("pk", "latest_id", "repository_id")[:PAGE])
        judged = []
        for line, analysis, repository in page:
            judge_one(analysis)
            judged.append(repository)
            after = line
            if monotonic() > end:
                break
        standings.refresh_some(set(judged))
        if len(judged) < len(page):
            return after
        if len(page) < PAGE:
            return None


def _judged_lines(repositories: Sequence[int], findings: Sequence[int]) -> QuerySet[BranchLine]:
    lines = BranchLine.objects.filter(repository__in=repositories, latest__policy_verdict__isnull=False)
    if not findings:
        return lines
    concerned = Finding.objects.filter(Q(pk__in=findings) | Q(counterpart__in=findings))
    return lines.filter(pk__in=concerned.values("branch_line"))
