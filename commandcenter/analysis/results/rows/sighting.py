"""The findings of an analysis as reports of findings need them: where and what, without dates and people.

It asks for half of what `rows.finding` does, for exports go through tens of thousands.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime
from typing import NamedTuple

from commandcenter.analysis.models import Analysis, Finding, FindingState, FindingTransition
from commandcenter.analysis.results.rows.paging import pages
from commandcenter.analysis.results.rows.seen import seen_pages


class Sighting(NamedTuple):
    """A finding where one analysis saw it; for a fixed one the place is the last.

    `rule` is the id of the row, `severity` a value of `Severity`. `decision` is None, `inline` (a comment in the code)
    or the kind of a decision in force, with its `reason` and its end `until`.
    """

    id: int
    fingerprint: str
    rule: int
    severity: int
    message: str
    path: str
    start_line: int
    end_line: int
    start_column: int | None
    end_column: int | None
    state: str
    decision: str | None
    reason: str | None
    until: datetime | None


INLINE = "inline"


def sightings(analysis: Analysis, rules: Collection[int]) -> Iterator[Sighting]:
    """Yield what the analysis saw by these rules, worst first: a query a page."""
    if not rules:
        return
    for page in seen_pages(analysis, _SEEN, rules=list(rules)):
        yield from (Sighting._make(row[1:]) for row in page)


_SEEN = """
SELECT o.id, f.id, o.fingerprint, o.rule_id, o.severity, o.message, o.path, o.start_line, o.end_line, o.start_column,
       o.end_column, COALESCE(t.to_state, 'existing'),
       CASE WHEN d.holds THEN f.suppression_kind WHEN o.inline_suppressed THEN 'inline' END,
       CASE WHEN d.holds THEN f.suppression_reason END, CASE WHEN d.holds THEN f.suppressed_until END
  FROM analysis_occurrence o
  JOIN analysis_finding f ON {finding}
 CROSS JOIN LATERAL (SELECT f.suppression_kind <> '' AND
       COALESCE(f.suppressed_until > statement_timestamp(), true) AS holds) d
  LEFT JOIN analysis_findingtransition t ON t.analysis_id = %(analysis)s AND t.finding_id = f.id
 WHERE o.result_set_id = %(results)s AND o.severity = %(severity)s AND o.rule_id = ANY(%(rules)s) AND o.id > %(after)s
 ORDER BY o.id LIMIT %(limit)s
"""


def closed(analysis: Analysis, rules: Collection[int]) -> Iterator[Sighting]:
    """Yield the findings by these rules that the analysis closed, in the order in which it did."""
    gone = FindingTransition.objects.filter(
        analysis=analysis, to_state=FindingState.FIXED, finding__rule__in=list(rules)
    )
    for page in pages(gone):
        them = Finding.objects.at_this_moment().in_bulk([change.finding_id for change in page])
        yield from (_closed(them[change.finding_id]) for change in page)


def _closed(finding: Finding) -> Sighting:
    holds = bool(finding.suppression_kind) and not finding.expired  # type: ignore[attr-defined]  # annotated
    return Sighting(
        finding.pk, finding.fingerprint, finding.rule_id, finding.severity, finding.message, finding.path,
        finding.start_line, finding.end_line, None, None, FindingState.FIXED.value,
        finding.suppression_kind if holds else INLINE if finding.inline_suppressed else None,
        finding.suppression_reason if holds else None, finding.suppressed_until if holds else None,
    )  # fmt: skip
