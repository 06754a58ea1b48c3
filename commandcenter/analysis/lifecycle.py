"""The life of findings along one branch line: the only writer of Finding.state.

An analysis is compared with the findings of its line, in a few statements whatever their number:

- A fingerprint that the line does not know becomes a `new` finding; one that is `fixed` becomes `reopened`.
- A finding that is open and not seen becomes `fixed`, but only where its engine ran and ended "ok". An engine that
  failed, is missing, lost files or left findings out closes nothing.
- A finding seen again is `existing`. That is its age, not a change: no FindingTransition tells of it, and an identical
  run writes none at all.

The line's row is locked until the caller's transaction ends, and each analysis holds a ticket drawn when its source had
been read. One that ends after an analysis with a later ticket was overtaken: it saw an older state, so it keeps its
results and moves nothing.

A partial analysis moves the findings of the engines that ended "ok" and is not taken as a baseline; what it announced as
new is not announced again by the complete one after it. The first analysis of a branch other than the default one is
compared with the default branch: what is open there is `existing` here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import orjson
from django.db import connection
from django.utils import timezone

from commandcenter.analysis.models import Analysis, AnalysisStatus, BranchLine, ResultSet

MAX_IDS = 100  # of findings named in one event


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an analysis changed. `new_ids` and `fixed_ids` hold at most 100 ids, the worst first."""

    delta: dict[str, int] | None
    baseline_id: int | None
    new_ids: list[int] = field(default_factory=list)
    fixed_ids: list[int] = field(default_factory=list)


def draw_ticket(line: BranchLine) -> int:
    """Return the next number in the order of analyses of this line. Call it as soon as the source has been read."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE analysis_branchline SET tickets = tickets + 1 WHERE id = %s RETURNING tickets", [line.pk]
        )
        row = cursor.fetchone()
    if row is None:
        raise BranchLine.DoesNotExist
    return int(row[0])


def apply(analysis: Analysis, result_set: ResultSet, status: AnalysisStatus) -> Outcome:
    """Compare the results with the line's findings and write what has changed.

    Must run inside the transaction that ends the analysis; `analysis.branch_line` and `.ticket` must be set.
    """
    line = BranchLine.objects.select_for_update(of=("self",)).select_related("latest").get(analyses=analysis)
    baseline_id = line.baseline_id
    origin_id = _default_line(line) if line.latest_id is None else None
    if baseline_id is None and origin_id is not None:
        baseline_id = BranchLine.objects.values_list("baseline_id", flat=True).get(pk=origin_id)
    engines = [report["id"] for report in result_set.engines if report["status"] == "ok"]
    now = timezone.now()  # one moment for all rows
    values: dict[str, Any] = {
        "now": now,
        "analysis": analysis.pk,
        "line": line.pk,
        "origin": origin_id,
        "repository": analysis.repository_id,
        "results": result_set.pk,
        "engines": engines,
        "seen": orjson.dumps(line.engines_seen).decode(),
    }
    if _overtaken(line, analysis):
        with connection.cursor() as cursor:
            cursor.execute(_REMEMBER, values)
        return Outcome(None, None)
    with connection.cursor() as cursor:
        for statement in (_AGE, _REOPEN, _OPEN, _FIX):
            cursor.execute(statement, values)
        cursor.execute(_COUNT, values)
        counts = dict(cursor.fetchall())
        ids = {state: _worst(cursor, analysis, state) for state in ("new", "fixed") if counts.get(state)}
    line.latest = analysis
    if status == AnalysisStatus.COMPLETE:
        line.baseline = analysis
    line.engines_seen = {**line.engines_seen, **dict.fromkeys(engines, now.isoformat())}
    line.save(update_fields=["latest", "baseline", "engines_seen"])
    opened = {state: counts.get(state, 0) for state in ("new", "reopened")}
    delta = {
        **opened,
        "fixed": counts.get("fixed", 0),
        "existing": counts["total"] - sum(opened.values()),
    }
    return Outcome(delta, baseline_id, ids.get("new", []), ids.get("fixed", []))


def _overtaken(line: BranchLine, analysis: Analysis) -> bool:
    newest = line.latest
    return newest is not None and (newest.ticket or 0) > (analysis.ticket or 0)


def _default_line(line: BranchLine) -> int | None:
    """Return the default branch's line when this is another one."""
    if line.is_default:
        return None
    found = BranchLine.objects.filter(repository=line.repository_id, is_default=True)
    return found.values_list("pk", flat=True).first()


def _worst(cursor: Any, analysis: Analysis, state: str) -> list[int]:
    cursor.execute(_WORST, [analysis.pk, state, MAX_IDS])
    return [pk for (pk,) in cursor.fetchall()]


_SEEN_AT = "(SELECT (%(seen)s::jsonb ->> r.engine)::timestamptz FROM analysis_rule r WHERE r.id = f.rule_id)"

# Findings seen again: they are older now, and may have moved. Rows that stay as they are are not written.
_AGE = """
UPDATE analysis_finding f
   SET state = 'existing', severity = o.severity, message = o.message, path = o.path, start_line = o.start_line,
       end_line = o.end_line, inline_suppressed = o.inline_suppressed, last_seen = %(now)s
  FROM analysis_occurrence o
 WHERE o.result_set_id = %(results)s AND f.branch_line_id = %(line)s AND f.fingerprint = o.fingerprint
   AND f.state <> 'fixed'
   AND (f.state, f.severity, f.message, f.path, f.start_line, f.end_line, f.inline_suppressed)
       IS DISTINCT FROM
       ('existing', o.severity, o.message, o.path, o.start_line, o.end_line, o.inline_suppressed)
"""

_REOPEN = """
WITH reopened AS (
    UPDATE analysis_finding f
       SET state = 'reopened', severity = o.severity, message = o.message, path = o.path, start_line = o.start_line,
           end_line = o.end_line, inline_suppressed = o.inline_suppressed, last_seen = %(now)s
      FROM analysis_occurrence o
     WHERE o.result_set_id = %(results)s AND f.branch_line_id = %(line)s AND f.fingerprint = o.fingerprint
       AND f.state = 'fixed'
    RETURNING f.id
)
INSERT INTO analysis_findingtransition (analysis_id, finding_id, from_state, to_state)
SELECT %(analysis)s, id, 'fixed', 'reopened' FROM reopened
"""

_INSERT = """
    INSERT INTO analysis_finding (repository_id, branch_line_id, rule_id, fingerprint, state, severity, message, path,
                                  start_line, end_line, inline_suppressed, first_seen, last_seen, first_analysis_id)
    SELECT %(repository)s, %(line)s, o.rule_id, o.fingerprint, {state}, o.severity, o.message, o.path,
           o.start_line, o.end_line, o.inline_suppressed, %(now)s, %(now)s, %(analysis)s
      FROM analysis_occurrence o
     WHERE o.result_set_id = %(results)s
       AND NOT EXISTS (SELECT 1 FROM analysis_finding f
                        WHERE f.branch_line_id = %(line)s AND f.fingerprint = o.fingerprint)
     ORDER BY o.severity DESC, o.id
"""

_OPEN = f"""
WITH opened AS (
    {
    _INSERT.format(
        state='''
           CASE WHEN EXISTS (SELECT 1 FROM analysis_finding d
                              WHERE d.branch_line_id = %(origin)s AND d.fingerprint = o.fingerprint
                                AND d.state <> 'fixed')
                THEN 'existing' ELSE 'new' END'''
    )
}
    RETURNING id, state
)
INSERT INTO analysis_findingtransition (analysis_id, finding_id, from_state, to_state)
SELECT %(analysis)s, id, '', 'new' FROM opened WHERE state = 'new'
"""  # noqa: S608 (the parts are constants of this module)

# An overtaken analysis gives the findings that only it has seen a row, closed: a newer one does not see them.
_REMEMBER = _INSERT.format(state="'fixed'")

_FIX = f"""
WITH gone AS (
    SELECT f.id, f.state, GREATEST(f.last_seen, {_SEEN_AT}) AS seen_at
      FROM analysis_finding f
      JOIN analysis_rule rule ON rule.id = f.rule_id
     WHERE f.branch_line_id = %(line)s AND f.state <> 'fixed' AND rule.engine = ANY(%(engines)s)
       AND NOT EXISTS (SELECT 1 FROM analysis_occurrence o
                        WHERE o.result_set_id = %(results)s AND o.fingerprint = f.fingerprint)
), fixed AS (
    UPDATE analysis_finding f SET state = 'fixed', last_seen = gone.seen_at FROM gone WHERE f.id = gone.id
)
INSERT INTO analysis_findingtransition (analysis_id, finding_id, from_state, to_state)
SELECT %(analysis)s, id, state, 'fixed' FROM gone
"""  # noqa: S608 (the parts are constants of this module)

_COUNT = """
SELECT to_state, count(*) FROM analysis_findingtransition WHERE analysis_id = %(analysis)s GROUP BY to_state
UNION ALL
SELECT 'total', count(*) FROM analysis_occurrence WHERE result_set_id = %(results)s
"""

_WORST = """
SELECT f.id FROM analysis_findingtransition t JOIN analysis_finding f ON f.id = t.finding_id
 WHERE t.analysis_id = %s AND t.to_state = %s ORDER BY f.severity DESC, f.id LIMIT %s
"""
