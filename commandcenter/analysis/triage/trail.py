"""Writes what was decided: a FindingAction for each finding, and one event for each project."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from commandcenter.accounts.models import User
from commandcenter.analysis.models import Finding, FindingAction
from commandcenter.events.publish import publish

MAX_NAMED = 100  # ids in one event; the trail has all of them
_SYSTEM = "system"
_EVENTS = {
    FindingAction.Kind.SUPPRESSED: "finding.suppressed",
    FindingAction.Kind.REOPENED: "finding.unsuppressed",
    FindingAction.Kind.EXPIRED: "finding.suppression_expired",
    FindingAction.Kind.ASSIGNED: "finding.assigned",
    FindingAction.Kind.COMMENTED: "finding.commented",
}


def record(
    kind: FindingAction.Kind,
    findings: Sequence[Finding],
    *,
    by: User | None,
    before: Mapping[int, Any] | None = None,
    after: Mapping[int, Any] | None = None,
    comment: str = "",
    data: Mapping[str, Any] | None = None,
) -> None:
    """Write the trail of one decision. `before` and `after` map ids to values; `data` goes into the event.

    The findings must have been loaded with their repositories.
    """
    if not findings:
        return
    was, is_ = before or {}, after or {}
    FindingAction.objects.bulk_create(
        FindingAction(
            finding=finding,
            kind=kind,
            actor_id=by.pk if by else None,
            actor_name=by.get_username() if by else _SYSTEM,
            before=was.get(finding.pk),
            after=is_.get(finding.pk),
            comment=comment,
        )
        for finding in findings
    )
    projects: dict[int, list[Finding]] = defaultdict(list)
    for finding in findings:
        projects[finding.repository.project_id].append(finding)
    for project, them in sorted(projects.items()):
        one = them[0].pk if len(them) == 1 else None
        publish(
            _EVENTS[kind],
            project=project,
            subject=("finding", one),
            data={
                "action": kind.value,
                "count": len(them),
                "findings": [finding.pk for finding in them[:MAX_NAMED]],
                "repositories": sorted({finding.repository_id for finding in them}),
                **({"comment": comment} if comment else {}),
                **(data or {}),
            },
            before=_one(was, one),
            after=_one(is_, one),
        )


def _one(values: Mapping[int, Any], finding: int | None) -> dict[str, Any] | None:
    value = values.get(finding) if finding else None
    return value if isinstance(value, dict) else None
