"""Give findings to someone who looks after them, or to nobody."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import connection, transaction

from commandcenter.accounts.models import User
from commandcenter.analysis.models import Finding, FindingAction
from commandcenter.analysis.triage.outcome import Outcome, Skipped
from commandcenter.analysis.triage.taking import take
from commandcenter.analysis.triage.trail import record
from commandcenter.inventory.models import Project


def assign(finding_ids: Iterable[int], *, by: User, assignee: User | None, comment: str = "") -> Outcome:
    """Assign the findings; None takes them from whoever has them. Skips: `assignee_cannot_see`.

    A finding that has this assignee already is done, and leaves no trace.
    """
    with transaction.atomic():
        findings = take(finding_ids)
        seen = _projects(assignee, {finding.repository.project_id for finding in findings})
        able = [finding for finding in findings if finding.repository.project_id in seen]
        new = assignee.pk if assignee else None
        chosen = [finding for finding in able if finding.assignee_id != new]
        ids = [finding.pk for finding in chosen]
        before = {finding.pk: {"assignee": finding.assignee_id} for finding in chosen}
        Finding.objects.filter(pk__in=[finding.pk for finding in able]).update(
            assignee=assignee, assigned=True
        )
        with connection.cursor() as cursor:
            cursor.execute(_HAND_DOWN, [ids])
        record(
            FindingAction.Kind.ASSIGNED,
            chosen,
            by=by,
            before=before,
            after={pk: {"assignee": new} for pk in ids},
            comment=comment,
            data={"assignee": new},
        )
    skipped = [
        Skipped(finding.pk, "assignee_cannot_see")
        for finding in findings
        if finding.repository.project_id not in seen
    ]
    return Outcome([finding.pk for finding in able], skipped)


def _projects(assignee: User | None, projects: set[int]) -> set[int]:
    """Return those of the projects that the assignee may see; nobody may be given any."""
    if assignee is None:
        return projects
    return set(Project.objects.visible_to(assignee).filter(pk__in=projects).values_list("pk", flat=True))


_HAND_DOWN = """
UPDATE analysis_finding b SET assignee_id = d.assignee_id FROM analysis_finding d
 WHERE d.id = ANY(%s) AND b.counterpart_id = d.id AND NOT b.assigned
"""
