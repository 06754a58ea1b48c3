"""The findings of an analysis, as that analysis saw them, and what people decided about each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, NamedTuple

from commandcenter.analysis.findings.identity import with_findings
from commandcenter.analysis.models import (
    Analysis,
    Finding,
    FindingState,
    FindingTransition,
    Occurrence,
    Rule,
    Severity,
)
from commandcenter.analysis.results.rows.paging import pages
from commandcenter.analysis.results.rows.seen import seen_pages

_SEVERITY = {severity.value: severity.label for severity in Severity}


class Decision(NamedTuple):
    """What people decided about a finding; `here` is false for what was decided on the default branch."""

    kind: str
    reason: str
    by: int | None
    at: datetime | None
    until: datetime | None
    here: bool
    expired: bool | None


@dataclass(frozen=True, slots=True)
class FindingRow:
    """A finding as one analysis saw it. `state` is relative to that analysis; for a fixed one the place is the last."""

    id: int
    fingerprint: str
    rule_id: str
    engine: str
    severity: str
    message: str
    path: str
    start_line: int
    end_line: int
    start_column: int | None
    end_column: int | None
    state: str
    suppression: dict[str, Any] | None
    first_seen: datetime
    last_seen: datetime
    origin: str
    assignee: int | None


def findings(analysis: Analysis) -> Iterator[FindingRow]:
    """Yield the findings of an analysis, worst first, then those that it closed."""
    yield from _seen(analysis)
    gone = FindingTransition.objects.filter(analysis=analysis, to_state=FindingState.FIXED)
    for page in pages(gone):
        closed = Finding.objects.select_related("rule").at_this_moment()
        them = closed.in_bulk([t.finding_id for t in page])
        yield from (finding_row(them[t.finding_id], state=FindingState.FIXED, seen=None) for t in page)


def _seen(analysis: Analysis) -> Iterator[FindingRow]:
    """Yield what the analysis saw: a query a page, for exports go through tens of thousands."""
    seen = analysis.branch_line.engines_seen if analysis.branch_line else {}
    ran = {engine: datetime.fromisoformat(at) for engine, at in seen.items()}
    rules: dict[int, tuple[str, str]] = {}
    for page in seen_pages(analysis, _SEEN):
        if unknown := {row[1] for row in page} - rules.keys():
            named = Rule.objects.filter(pk__in=unknown).values_list("pk", "rule_id", "engine")
            rules |= {pk: (rule_id, engine) for pk, rule_id, engine in named}
        for row in page:
            (
                _,
                rule,
                severity,
                pk,
                fingerprint,
                state,
                message,
                path,
                first_line,
                end_line,
                column,
                end,
                inline,
                first,
                last,
                origin,
                assignee,
                *decision,
                ended,
            ) = row
            rule_id, engine = rules[rule]
            at = _moment(last)
            yield FindingRow(
                pk, fingerprint, rule_id, engine, _SEVERITY[severity], message, path, first_line, end_line, column, end,
                state, suppression_of(inline, Decision(*decision)) if inline or decision[0] else None, _moment(first),
                at if ended else max(at, ran.get(engine, at)), origin, assignee,
            )  # fmt: skip


@lru_cache(maxsize=1024)  # an analysis gives all that it finds the same time
def _moment(microseconds: int) -> datetime:
    return _EPOCH + timedelta(microseconds=microseconds)


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# Times as numbers, for making them of text takes longer than all the rest.
_SEEN = """
SELECT o.id, o.rule_id, o.severity, f.id, o.fingerprint, COALESCE(t.to_state, 'existing'), o.message, o.path,
       o.start_line, o.end_line, o.start_column, o.end_column, o.inline_suppressed,
       (EXTRACT(epoch FROM f.first_seen) * 1000000)::bigint, (EXTRACT(epoch FROM f.last_seen) * 1000000)::bigint, f.origin, f.assignee_id,
       f.suppression_kind, f.suppression_reason, f.suppressed_by_id, f.suppressed_at, f.suppressed_until, f.decided,
       f.suppressed_until <= statement_timestamp(), f.unread OR f.state = 'fixed'
  FROM analysis_occurrence o
  JOIN analysis_finding f ON {finding}
  LEFT JOIN analysis_findingtransition t ON t.analysis_id = %(analysis)s AND t.finding_id = f.id
 WHERE o.result_set_id = %(results)s AND o.severity = %(severity)s AND o.id > %(after)s
 ORDER BY o.id LIMIT %(limit)s
"""


def seen_rows(analysis: Analysis, findings_: Sequence[Finding]) -> dict[int, FindingRow]:
    """Return by id those of these findings that the analysis saw, where it saw them. Two queries.

    The findings must have been loaded with their rules, `.at_this_moment()`.
    """
    lives = {finding.pk: finding for finding in findings_}
    occurrences = with_findings(analysis, Occurrence.objects.filter(result_set=analysis.result_set_id))
    changes = changes_of(analysis, lives)
    seen = analysis.branch_line.engines_seen if analysis.branch_line else {}
    made = {}
    for occurrence in occurrences.filter(finding_id__in=list(lives)):
        finding = lives[occurrence.finding_id]
        rule = finding.rule
        made[finding.pk] = FindingRow(
            finding.pk, occurrence.fingerprint, rule.rule_id, rule.engine, _SEVERITY[occurrence.severity],
            occurrence.message, occurrence.path, occurrence.start_line, occurrence.end_line,
            occurrence.start_column, occurrence.end_column, changes.get(finding.pk, FindingState.EXISTING.value),
            _decision(finding, inline=occurrence.inline_suppressed), finding.first_seen,
            last_seen(finding, seen.get(rule.engine)), finding.origin, finding.assignee_id,
        )  # fmt: skip
    return made


def changes_of(analysis: Analysis, finding_ids: Iterable[int]) -> dict[int, str]:
    """Return finding id -> the state that this analysis gave it, for those that it changed."""
    rows = FindingTransition.objects.filter(analysis=analysis, finding__in=list(finding_ids))
    return dict(rows.values_list("finding_id", "to_state"))


def finding_row(finding: Finding, *, state: str, seen: Mapping[str, str] | None) -> FindingRow:
    """Return a finding with its own last place. `seen` is its line's `engines_seen`, None where it is not asked for.

    The finding must have been loaded with its rule, `.at_this_moment()`.
    """
    rule = finding.rule
    return FindingRow(
        finding.pk, finding.fingerprint, rule.rule_id, rule.engine, _SEVERITY[finding.severity], finding.message,
        finding.path, finding.start_line, finding.end_line, None, None, str(state),
        _decision(finding, inline=finding.inline_suppressed), finding.first_seen,
        last_seen(finding, (seen or {}).get(rule.engine)), finding.origin, finding.assignee_id,
    )  # fmt: skip


def last_seen(finding: Finding, engine_ran: str | None) -> datetime:
    """Return when a finding was last seen: an open one that can be seen, when its engine last ran well on the line."""
    if engine_ran is None or finding.unread or finding.state == FindingState.FIXED:
        return finding.last_seen
    return max(finding.last_seen, datetime.fromisoformat(engine_ran))


def _decision(finding: Finding, *, inline: bool) -> dict[str, Any] | None:
    decision = Decision(
        finding.suppression_kind, finding.suppression_reason, finding.suppressed_by_id, finding.suppressed_at,
        finding.suppressed_until, finding.decided, finding.expired,  # type: ignore[attr-defined]  # annotated
    )  # fmt: skip
    return suppression_of(inline, decision)


def suppression_of(inline: bool, decision: Decision) -> dict[str, Any] | None:
    """Return what silences a finding: a decision in force, or a comment in the code (kind `inline`).

    `inherited` is true for a decision that was made on the default branch and holds here.
    """
    if not decision.kind or decision.expired:
        return {"kind": "inline"} if inline else None
    return {
        "kind": decision.kind,
        "reason": decision.reason,
        "by": decision.by,
        "at": decision.at,
        "expires_at": decision.until,
        "inherited": not decision.here,
    }
