"""Judges again what time has overtaken: verdicts older than what is known of packages, than this day, or than a decision.

Of packages and the day only the verdicts of default branches are concerned, and of these only where the policy asks for
what may have changed. They are judged by the policy as it is now. Decisions of people have been judged at once
(`decided`), unless the broker lost the request: what it lost is found here, on whichever branch.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from time import monotonic

from django.core.cache import caches
from django.db import connection
from django.utils import timezone

from commandcenter.analysis.policy.again import SECONDS, judge_one

PAGE = 200
MARK = "analysis.policy.overtaken"  # in the cache: until when matches and decisions were taken into account
# They name the time at which they were made, and others see them when they are committed: so far do looks overlap.
LAG = timedelta(minutes=1)
_EVER = datetime(2000, 1, 1, tzinfo=UTC)


def judge_overtaken(*, seconds: float = SECONDS) -> set[int]:
    """Judge again for about so long; return the repositories that were judged. What is left is found by the next call."""
    until, began = monotonic() + seconds, timezone.now()
    since = caches["default"].get(MARK) or _EVER  # one that was evicted only makes the look longer
    judged: set[int] = set()
    for statement in (_DECIDED, _MATCHED, _IMPORTED, _DAY):
        after = 0
        while True:
            rows = _page(statement, after=after, since=since - LAG, now=began)
            for line, analysis, repository in rows:
                if monotonic() > until:
                    return judged
                judge_one(analysis)
                judged.add(repository)
                after = line
            if len(rows) < PAGE:
                break
    caches["default"].set(MARK, began, timeout=None)
    return judged


def _page(statement: str, *, after: int, since: datetime, now: datetime) -> list[tuple[int, int, int]]:
    values: dict[str, int | datetime] = {
        "after": after,
        "since": since,
        "lag": int(LAG.total_seconds()),
        "day": now.replace(hour=0, minute=0, second=0, microsecond=0),
        "limit": PAGE,
    }
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return list(cursor.fetchall())


_OVERTAKEN = """
SELECT line.id, a.id, a.repository_id
  FROM analysis_policy p
  JOIN inventory_repository r ON r.project_id = p.project_id
  JOIN analysis_branchline line ON line.repository_id = r.id AND line.is_default
  JOIN analysis_analysis a ON a.id = line.latest_id
  JOIN analysis_policyverdict v ON v.analysis_id = a.id
  JOIN analysis_resultset s ON s.id = a.result_set_id
 WHERE p.enabled AND p.conditions @> '[{{"metric": "{metric}", "enabled": true}}]'::jsonb
   AND line.id > %(after)s AND {overtaken}
 ORDER BY line.id LIMIT %(limit)s
"""
_MATCHED = _OVERTAKEN.format(
    metric="vulnerabilities",
    overtaken="""EXISTS (
        SELECT 1 FROM analysis_dependency d JOIN advisories_packageversion known ON known.purl = d.purl
         WHERE d.result_set_id = s.id AND known.matched_at > %(since)s AND known.matched_at > v.evaluated_at - %(lag)s * interval '1 second')""",
)
_IMPORTED = _OVERTAKEN.format(  # packages that no advisory names are not matched again: they are only known now
    metric="vulnerabilities",
    overtaken="""v.results @> '[{"status": "unknown", "condition": {"metric": "vulnerabilities"}}]'::jsonb AND EXISTS (
        SELECT 1 FROM advisories_database known
         WHERE known.imported_at > v.evaluated_at AND s.summary #> '{dependencies,by_ecosystem}' ? known.ecosystem)""",
)
_DAY = _OVERTAKEN.format(metric="gaps", overtaken="v.evaluated_at < %(day)s")
_DECIDED = """
WITH decision AS (
    SELECT finding_id, max(at) AS at FROM analysis_findingaction
     WHERE kind IN ('suppressed', 'reopened', 'expired') AND at > %(since)s GROUP BY finding_id
), concerned AS (
    SELECT f.branch_line_id AS line, d.at FROM decision d JOIN analysis_finding f ON f.id = d.finding_id
    UNION ALL
    SELECT f.branch_line_id, d.at FROM decision d JOIN analysis_finding f ON f.counterpart_id = d.finding_id
), decided AS (
    SELECT line, max(at) AS at FROM concerned GROUP BY line
)
SELECT line.id, a.id, line.repository_id
  FROM decided
  JOIN analysis_branchline line ON line.id = decided.line
  JOIN analysis_analysis a ON a.id = line.latest_id AND a.result_set_id IS NOT NULL
  JOIN analysis_policyverdict v ON v.analysis_id = a.id
 WHERE line.id > %(after)s AND decided.at > v.evaluated_at - %(lag)s * interval '1 second'
 ORDER BY line.id LIMIT %(limit)s
"""
