"""Publishes what an analysis did: its start and end, findings that came and went, technologies met first."""

from __future__ import annotations

from collections import Counter
from typing import Any

from django.db import connection
from django.db.models import Count

from commandcenter.analysis.findings.lifecycle import Outcome
from commandcenter.analysis.models import Analysis, Cause, FindingState, FindingTransition, Severity
from commandcenter.analysis.results.summary import summary_of
from commandcenter.events.publish import publish

MAX_TECHNOLOGY_EVENTS = 100  # of one analysis; all are on record as seen


def announce(event_type: str, analysis: Analysis) -> None:
    """Publish `analysis.started`, `.completed` or `.failed`, in the caller's transaction."""
    data: dict[str, Any] = {
        "analysis": analysis.pk,
        "job": analysis.job_id,
        "repository": analysis.repository_id,
        "repository_name": analysis.repository.name,
        "status": analysis.status,
        "ref": analysis.ref or None,
        "commit": analysis.commit or None,
        "summary": summary_of(analysis),
    }
    if analysis.error_code:
        data["error"] = {"code": analysis.error_code, "message": analysis.error_message}
    publish(event_type, project=analysis.project_id, subject=("analysis", analysis.pk), data=data)


def announce_changes(analysis: Analysis, outcome: Outcome) -> None:
    """Publish `finding.new` and `finding.fixed`: one event each, with counts and the ids of the worst 100.

    What came or went because a rule or an engine changed is counted apart, as `by_rule`.
    """
    changed = (("finding.new", FindingState.NEW.value), ("finding.fixed", FindingState.FIXED.value))
    for event_type, state in changed:
        if not any(named_state == state for named_state, _ in outcome.named):
            continue
        by_rule = _counts(analysis, outcome, state, Cause.RULE)
        publish(
            event_type,
            project=analysis.project_id,
            subject=("analysis", analysis.pk),
            data={
                "analysis": analysis.pk,
                "repository": analysis.repository_id,
                **_counts(analysis, outcome, state, Cause.CODE),
                **({"by_rule": by_rule} if by_rule["count"] else {}),
            },
        )


def _counts(analysis: Analysis, outcome: Outcome, state: str, reason: Cause) -> dict[str, Any]:
    ids = outcome.named.get((state, reason.value), [])
    counts: Counter[str] = Counter()
    if ids:
        changes = FindingTransition.objects.filter(analysis=analysis, to_state=state, reason=reason)
        by_severity = changes.values_list("finding__severity").annotate(found=Count("pk")).order_by()
        counts.update({Severity(value).label: found for value, found in by_severity})
    return {"count": counts.total(), "by_severity": dict(counts), "findings": ids}


def announce_technologies(analysis: Analysis) -> None:
    """Remember the technologies that the project did not know, and publish `technology.detected` for each."""
    with connection.cursor() as cursor:
        cursor.execute(_FIRST_SEEN, {"analysis": analysis.pk, "project": analysis.project_id,
                                     "results": analysis.result_set_id})  # fmt: skip
        found = sorted(cursor.fetchall())
    for name, domain in found[:MAX_TECHNOLOGY_EVENTS]:
        publish(
            "technology.detected",
            project=analysis.project_id,
            subject=("repository", analysis.repository_id),
            data={
                "repository": analysis.repository_id,
                "analysis": analysis.pk,
                "name": name,
                "domain": domain,
            },
        )


_FIRST_SEEN = """
INSERT INTO analysis_technologysighting (project_id, name, domain, first_analysis_id, first_seen)
SELECT %(project)s, name, domain, %(analysis)s, now() FROM analysis_technologyuse
 WHERE result_set_id = %(results)s ORDER BY name, domain
ON CONFLICT DO NOTHING
RETURNING name, domain
"""
