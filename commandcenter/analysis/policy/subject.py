"""What a policy looks at: one analysis with its results, each number read once for all conditions."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.db import connection
from django.db.models import Count, Min

from commandcenter.analysis.findings.identity import FINDING_OF
from commandcenter.analysis.gaps.outdated import Outdated, outdated_of
from commandcenter.analysis.gaps.reading import checks_of, gaps_of
from commandcenter.analysis.gaps.rows import CheckRow, GapRow
from commandcenter.analysis.models import Analysis, LicenseUse, ResultSet, Severity
from commandcenter.analysis.policy.weaknesses import Weaknesses, weaknesses

# Engines that report facts and no findings: what they missed makes no count of findings too low.
FACT_ENGINES = frozenset(
    {"language", "lines", "functions", "manifests", "technologies", "gaps", "licenses", "history"}
)


@dataclass(frozen=True, slots=True)
class FindingCount:
    """Unsuppressed findings of one engine and severity: all, and those that this analysis brought, by cause."""

    engine: str
    severity: int
    open: int
    new: int
    new_with_rules: int


class Subject:
    """An analysis as a policy sees it. `analysis.branch_line_id`, `.delta` and `.baseline_id` must be set."""

    def __init__(self, analysis: Analysis, result_set: ResultSet) -> None:
        self.analysis = analysis
        self.result_set = result_set

    @property
    def page(self) -> str:
        """Return where people can see the analysis."""
        return f"/analyses/{self.analysis.pk}/"

    @property
    def summary(self) -> dict[str, Any]:
        """Return the engine's totals."""
        return dict(self.result_set.summary)

    @property
    def reports(self) -> list[dict[str, Any]]:
        """Return one report per planned engine."""
        return list(self.result_set.engines)

    def incomplete(self, among: Iterable[str] = ()) -> list[str]:
        """Return the planned engines that did not end well, of all or of those named."""
        names = set(among)
        bad = [each["id"] for each in self.reports if each["status"] not in {"ok", "skipped"}]
        return [engine for engine in bad if not names or engine in names]

    def ran(self, engine: str) -> bool:
        """True when the engine was planned and not skipped."""
        return any(each["id"] == engine and each["status"] != "skipped" for each in self.reports)

    @cached_property
    def findings(self) -> list[FindingCount]:
        """Return the unsuppressed findings, counted, with those that stay open in files that cannot be read. One statement."""
        values = {
            "analysis": self.analysis.pk,
            "line": self.analysis.branch_line_id,
            "ticket": self.analysis.ticket or 0,
            "results": self.result_set.pk,
            "compared": self.analysis.delta is not None,  # one that was overtaken knows of no later analysis
        }
        with connection.cursor() as cursor:
            cursor.execute(_COUNT, values)
            return [FindingCount(*row) for row in cursor.fetchall()]

    @cached_property
    def is_first(self) -> bool:
        """True when no analysis of the branch before this one has results. One statement."""
        before = Analysis.objects.filter(
            branch_line=self.analysis.branch_line_id, ticket__lt=self.analysis.ticket or 0
        )
        return not before.filter(result_set__isnull=False).exists()

    @cached_property
    def weaknesses(self) -> Weaknesses:
        """Return what is known of the dependencies. Three statements."""
        return weaknesses(self.result_set.pk)

    @cached_property
    def licenses(self) -> list[tuple[str | None, int, str]]:
        """Return (SPDX expression, rows, first path) of each licence; None for all that is not known. One statement."""
        uses = LicenseUse.objects.filter(result_set=self.result_set.pk).values_list("spdx")
        return list(uses.annotate(rows=Count("id"), first=Min("path")).order_by("spdx"))

    @cached_property
    def outdated(self) -> Outdated:
        """Return the direct dependencies that are behind."""
        return outdated_of(self.result_set)

    @cached_property
    def checks(self) -> list[CheckRow]:
        """Return the checks of good practice, as they stand today; none where the engine did not run."""
        return checks_of(self.analysis, outdated=self.outdated)

    @cached_property
    def gaps(self) -> list[GapRow]:
        """Return the open gaps, at most 50 of each check, as they stand today."""
        return gaps_of(self.analysis, outdated=self.outdated)

    def count(
        self,
        *,
        severity_at_least: str | None,
        engines: Iterable[str] = (),
        new: bool = False,
        by_rules: bool = False,
    ) -> int:
        """Count unsuppressed findings: open ones, or (`new`) those that this analysis brought."""
        least = Severity[(severity_at_least or "info").upper()].value
        wanted = set(engines)
        which = "open" if not new else "new_with_rules" if by_rules else "new"
        return sum(
            getattr(row, which)
            for row in self.findings
            if row.severity >= least and (not wanted or row.engine in wanted)
        )


_COUNT = f"""
SELECT r.engine, o.severity, count(*),
       count(*) FILTER (WHERE t.to_state IN ('new', 'reopened') AND t.reason = 'code'),
       count(*) FILTER (WHERE t.to_state IN ('new', 'reopened'))
  FROM analysis_occurrence o
  JOIN analysis_rule r ON r.id = o.rule_id
  LEFT JOIN analysis_finding f ON f.id = {FINDING_OF}
  LEFT JOIN analysis_findingtransition t ON t.analysis_id = %(analysis)s AND t.finding_id = f.id
 WHERE o.result_set_id = %(results)s AND NOT o.inline_suppressed
   AND (f.id IS NULL OR f.suppression_kind = '' OR f.suppressed_until <= statement_timestamp())
 GROUP BY r.engine, o.severity
UNION ALL
SELECT r.engine, f.severity, count(*), 0, 0
  FROM analysis_finding f
  JOIN analysis_rule r ON r.id = f.rule_id
 WHERE %(compared)s AND f.branch_line_id = %(line)s AND f.unread AND f.state <> 'fixed' AND NOT f.inline_suppressed
   AND (f.suppression_kind = '' OR f.suppressed_until <= statement_timestamp())
   AND NOT EXISTS (SELECT 1 FROM analysis_occurrence o
                    WHERE o.result_set_id = %(results)s AND o.fingerprint = f.fingerprint)
 GROUP BY r.engine, f.severity
"""  # noqa: S608  (a constant of ours)
