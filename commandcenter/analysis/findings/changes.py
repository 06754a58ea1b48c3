"""The statements by which an analysis changes findings, built from the table of states; run by `lifecycle` alone.

Parameters are named; `twins` and `twin_of` pair findings of the default branch with occurrences that continue them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from commandcenter.analysis.findings.identity import FINDING_OF
from commandcenter.analysis.findings.states import (
    KNOWN_ELSEWHERE,
    TRANSITIONS,
    UNKNOWN,
    Event,
    states,
    target,
)
from commandcenter.analysis.models import FindingState


@dataclass(frozen=True, slots=True)
class Statements:
    """One for each thing that can happen to findings. `remember` is for analyses that were overtaken."""

    age: str
    reopen: str
    open: str
    lose: str
    fix: str
    remember: str


@cache
def statements(*, by_file: bool) -> Statements:
    """Return the statements; `by_file` when an engine changed, so that unchanged files tell whose doing it is."""
    came = _reason("o", "%(fresh)s", by_file=by_file)
    went = _reason("f", "%(retired)s", by_file=by_file)
    first = TRANSITIONS[UNKNOWN, Event.SEEN].to.value
    late = TRANSITIONS[UNKNOWN, Event.SEEN_WHEN_OVERTAKEN].to.value
    known = f"d.state <> '{FindingState.FIXED.value}'"
    state = f"CASE WHEN {_UNMET_ENGINE} AND {known} THEN '{KNOWN_ELSEWHERE.to.value}' ELSE '{first}' END"
    return Statements(
        age=_AGE,
        reopen=_REOPEN.format(reason=came),
        open=_OPEN.format(insert=_INSERT.format(state=state, origin=came, unmet=_UNMET), first=first),
        lose=_LOSE,
        fix=_FIX.format(reason=went),
        remember=_INSERT.format(state=f"'{late}'", origin="'code'", unmet=f"{FINDING_OF} IS NULL"),
    )


# An engine that failed in the first analysis of a branch begins there later: what the default branch has is no news then.
_UNMET_ENGINE = "(SELECT r.engine FROM analysis_rule r WHERE r.id = o.rule_id) <> ALL(%(met)s)"


def _list(values: list[str]) -> str:
    return ", ".join(f"'{value}'" for value in values)


def _reason(row: str, rules: str, *, by_file: bool) -> str:
    """Say why the row came or went: by its rule, by an engine that changed over a file that did not, or by the code."""
    same = f" OR {_SAME_FILE.format(row=row)}" if by_file else ""
    return f"CASE WHEN {row}.rule_id = ANY({rules}){same} THEN 'rule' ELSE 'code' END"


_SAME_FILE = """EXISTS (
    SELECT 1 FROM analysis_rule r
      JOIN analysis_analysedfile was ON was.result_set_id = (%(changed)s::jsonb ->> r.engine)::bigint
                                    AND MD5(was.path) = MD5({row}.path)
      JOIN analysis_analysedfile is_ ON is_.result_set_id = %(results)s AND MD5(is_.path) = MD5({row}.path)
                                    AND is_.blob = was.blob
     WHERE r.id = {row}.rule_id)"""

_FROM_SIGHT = """severity = o.severity, message = o.message, path = o.path, start_line = o.start_line,
       end_line = o.end_line, inline_suppressed = o.inline_suppressed, content = COALESCE(o.content, f.content),
       correlation = o.correlation, last_seen = %(now)s, unread = FALSE"""

_SILENT = states(Event.SEEN, recorded=False)
_SEEN_AGAIN = target(Event.SEEN, recorded=False)
_BACK = states(Event.SEEN, recorded=True)
_LEFT = states(Event.UNSEEN_BY_OK_ENGINE, recorded=True)

# Findings seen again: they are older now, and may have moved. Rows that stay as they are are not written.
_AGE = f"""
UPDATE analysis_finding f
   SET state = '{_SEEN_AGAIN}', {_FROM_SIGHT}
  FROM analysis_occurrence o
 WHERE o.result_set_id = %(results)s AND f.branch_line_id = %(line)s AND f.fingerprint = o.fingerprint
   AND f.state IN ({_list(_SILENT)})
   AND (f.state, f.severity, f.message, f.path, f.start_line, f.end_line, f.inline_suppressed, f.content,
        f.correlation, f.unread)
       IS DISTINCT FROM
       ('{_SEEN_AGAIN}', o.severity, o.message, o.path, o.start_line, o.end_line, o.inline_suppressed,
        COALESCE(o.content, f.content), o.correlation, FALSE)
"""  # noqa: S608 (the parts are constants of this module)

_REOPEN = f"""
WITH reopened AS (
    UPDATE analysis_finding f
       SET state = '{target(Event.SEEN, recorded=True)}', origin = {{reason}}, {_FROM_SIGHT}
      FROM analysis_occurrence o
     WHERE o.result_set_id = %(results)s AND f.branch_line_id = %(line)s AND f.fingerprint = o.fingerprint
       AND f.state IN ({_list(_BACK)})
    RETURNING f.id, f.state, f.origin
)
INSERT INTO analysis_findingtransition (analysis_id, finding_id, from_state, to_state, reason)
SELECT %(analysis)s, id, '{_BACK[0]}', state, origin FROM reopened
"""  # noqa: S608 (the parts are constants of this module)

_UNMET = """NOT EXISTS (SELECT 1 FROM analysis_finding h
                        WHERE h.branch_line_id = %(line)s AND h.fingerprint = o.fingerprint)"""

_INSERT = """
    INSERT INTO analysis_finding (repository_id, branch_line_id, rule_id, fingerprint, state, severity, message, path,
                                  start_line, end_line, inline_suppressed, content, correlation, first_seen, last_seen,
                                  first_analysis_id, origin, counterpart_id, suppression_kind, suppression_reason,
                                  suppressed_by_id, suppressed_at, suppressed_until, decided, assignee_id, assigned)
    SELECT %(repository)s, %(line)s, o.rule_id, o.fingerprint, {state}, o.severity, o.message, o.path,
           o.start_line, o.end_line, o.inline_suppressed, o.content, o.correlation, %(now)s, %(now)s,
           %(analysis)s, {origin}, d.id, COALESCE(d.suppression_kind, ''), COALESCE(d.suppression_reason, ''),
           d.suppressed_by_id, d.suppressed_at, d.suppressed_until, FALSE, d.assignee_id, FALSE
      FROM analysis_occurrence o
      LEFT JOIN unnest(%(twins)s::bigint[], %(twin_of)s::bigint[]) AS twin (finding, occurrence)
             ON twin.occurrence = o.id
      LEFT JOIN analysis_finding d
             ON d.id = COALESCE(twin.finding, (SELECT h.id FROM analysis_finding h
                                                WHERE h.branch_line_id = %(default)s
                                                  AND h.fingerprint = o.fingerprint))
     WHERE o.result_set_id = %(results)s AND {unmet}
     ORDER BY o.severity DESC, o.id
"""

_OPEN = """
WITH opened AS ({insert}    RETURNING id, state, origin
)
INSERT INTO analysis_findingtransition (analysis_id, finding_id, from_state, to_state, reason)
SELECT %(analysis)s, id, '', state, origin FROM opened WHERE state = '{first}'
"""

_SEEN_AT = "(SELECT (%(seen)s::jsonb ->> r.engine)::timestamptz FROM analysis_rule r WHERE r.id = f.rule_id)"

_SEEN_NOW = """EXISTS (
    SELECT 1 FROM analysis_occurrence o WHERE o.result_set_id = %(results)s AND o.fingerprint = f.fingerprint)"""
# IS TRUE keeps it from becoming a join, which would go through all unread files for each finding: so it is looked up by hash.
_UNREAD = """((rule.engine, f.path) IN (
    SELECT u.engine, u.path FROM analysis_unreadfile u WHERE u.result_set_id = %(results)s)) IS TRUE"""

# Open findings in files that their engine could not read: they stay as they are, and are as old as their last sight.
_LOSE = f"""
UPDATE analysis_finding f SET unread = TRUE, last_seen = GREATEST(f.last_seen, {_SEEN_AT})
  FROM analysis_rule rule
 WHERE rule.id = f.rule_id AND f.branch_line_id = %(line)s AND f.state IN ({_list(_LEFT)}) AND NOT f.unread
   AND rule.engine = ANY(%(engines)s) AND {_UNREAD} AND NOT {_SEEN_NOW}
"""  # noqa: S608 (the parts are constants of this module)

_FIX = f"""
WITH gone AS (
    SELECT f.id, f.state, {{reason}} AS reason, GREATEST(f.last_seen, CASE WHEN NOT f.unread THEN {_SEEN_AT} END) AS seen_at
      FROM analysis_finding f
      JOIN analysis_rule rule ON rule.id = f.rule_id
     WHERE f.branch_line_id = %(line)s AND f.state IN ({_list(_LEFT)}) AND rule.engine = ANY(%(engines)s)
       AND NOT {_SEEN_NOW} AND NOT {_UNREAD}
), fixed AS (
    UPDATE analysis_finding f SET state = '{target(Event.UNSEEN_BY_OK_ENGINE, recorded=True)}', last_seen = gone.seen_at, unread = FALSE
      FROM gone WHERE f.id = gone.id
)
INSERT INTO analysis_findingtransition (analysis_id, finding_id, from_state, to_state, reason)
SELECT %(analysis)s, id, state, '{target(Event.UNSEEN_BY_OK_ENGINE, recorded=True)}', reason FROM gone
"""  # noqa: S608 (the parts are constants of this module)

# What the default branch has met just now may be known on others already: its decisions are to hold there.
LINK = """
UPDATE analysis_finding b SET counterpart_id = d.id
  FROM analysis_branchline l, analysis_finding d
 WHERE l.repository_id = %(repository)s AND l.id <> %(line)s AND b.branch_line_id = l.id AND b.counterpart_id IS NULL
   AND d.branch_line_id = %(line)s AND d.fingerprint = b.fingerprint AND d.first_analysis_id = %(analysis)s
"""

COUNT = """
SELECT to_state, reason, count(*) FROM analysis_findingtransition WHERE analysis_id = %(analysis)s
 GROUP BY to_state, reason
UNION ALL
SELECT 'total', '', count(*) FROM analysis_occurrence WHERE result_set_id = %(results)s
UNION ALL
SELECT 'suppressed', '', count(*) FROM analysis_finding
 WHERE branch_line_id = %(line)s AND suppression_kind <> '' AND state <> 'fixed' AND NOT inline_suppressed
   AND (suppressed_until IS NULL OR suppressed_until > statement_timestamp())
"""

WORST = """
SELECT f.id FROM analysis_findingtransition t JOIN analysis_finding f ON f.id = t.finding_id
 WHERE t.analysis_id = %s AND t.to_state = %s AND t.reason = %s ORDER BY f.severity DESC, f.id LIMIT %s
"""
