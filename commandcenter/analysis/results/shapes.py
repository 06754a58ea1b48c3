"""The public JSON of the analysis app, built from rows; times are left to the renderer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from operator import attrgetter
from typing import Any

from commandcenter.analysis.gaps.rows import CheckRow, GapRow
from commandcenter.analysis.licensing.rows import LicenseRow
from commandcenter.analysis.models import Analysis, Finding
from commandcenter.analysis.packages.exposures import Exposure, exposures
from commandcenter.analysis.policy import verdict
from commandcenter.analysis.results.rows.contributor import ContributorRow
from commandcenter.analysis.results.rows.dependency import DependencyRow
from commandcenter.analysis.results.rows.file import FileRow
from commandcenter.analysis.results.rows.finding import FindingRow, finding_row
from commandcenter.analysis.results.rows.rule import RuleRow
from commandcenter.analysis.results.rows.technology import TechnologyRow
from commandcenter.analysis.results.rows.unread import UnreadRow
from commandcenter.analysis.results.summary import engines_of, summary_of

_NAMES = {
    kind: tuple(field.name for field in fields(kind))
    for kind in (
        RuleRow,
        FindingRow,
        DependencyRow,
        TechnologyRow,
        FileRow,
        ContributorRow,
        GapRow,
        CheckRow,
        LicenseRow,
        UnreadRow,
    )
}
_VALUES = {kind: attrgetter(*names) for kind, names in _NAMES.items()}


def flat(row: object) -> dict[str, Any]:
    """Return one of the typed rows as a dict, in the order of its fields."""
    kind = type(row)
    return dict(zip(_NAMES[kind], _VALUES[kind](row), strict=True))  # type: ignore[index]


def analysis_shapes(analyses: Sequence[Analysis]) -> list[dict[str, Any]]:
    """Return `analysis_shape` of each. Two queries for all of them."""
    known = exposures(analyses)
    return [_analysis_shape(each, known.get(each.result_set_id or 0)) for each in analyses]


def analysis_shape(analysis: Analysis) -> dict[str, Any]:
    """Return CONTRACT's Analysis; it must have been loaded `with_results`. Two queries."""
    return analysis_shapes([analysis])[0]


def _analysis_shape(analysis: Analysis, known: Exposure | None) -> dict[str, Any]:
    failed = bool(analysis.error_code)
    return {
        "id": analysis.pk,
        "project": analysis.project_id,
        "repository": analysis.repository_id,
        "job": analysis.job_id,
        "status": analysis.status,
        "ref": analysis.ref,
        "branch": analysis.branch_line.name if analysis.branch_line else None,
        "commit": analysis.commit or None,
        "tree": analysis.tree or None,
        "committed_at": analysis.committed_at,
        "baseline": analysis.baseline_id,
        "started_at": analysis.started_at,
        "completed_at": analysis.completed_at,
        "error": {"code": analysis.error_code, "message": analysis.error_message} if failed else None,
        "engines": engines_of(analysis),
        "summary": summary_of(analysis, known),
        "policy": verdict.shape(verdict.verdict_of(analysis)),
    }


def portfolio_finding(finding: Finding) -> dict[str, Any]:
    """Return a finding as its branch line sees it now, with its repository; needs rule, branch_line and repository."""
    row = finding_row(finding, state=finding.state, seen=finding.branch_line.engines_seen)
    shape = flat(row)
    del shape["start_column"], shape["end_column"]
    return {
        **shape,
        "project": finding.repository.project_id,
        "repository": finding.repository_id,
        "repository_name": finding.repository.name,
        "branch": finding.branch_line.name,
    }
