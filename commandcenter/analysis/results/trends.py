"""How a repository changed over its analyses."""

from __future__ import annotations

from typing import Any

from commandcenter.analysis.models import Analysis, BranchLine
from commandcenter.analysis.results.summary import summary_of
from commandcenter.inventory.models import Repository

MAX_POINTS = 100


def trends(repository: Repository, *, branch: str | None = None) -> dict[str, Any]:
    """Return the last 100 analyses with results of a branch (default: the default one), oldest first.

    Shape: {repository, branch, results: [{analysis, at, commit, status, files, lines_of_code, functions, complexity,
    findings, dependencies, technologies}]}. `branch` is null when nothing was analysed.
    """
    lines = BranchLine.objects.filter(repository=repository)
    line = (lines.filter(is_default=True) if branch is None else lines.filter(name=branch)).first()
    ended = Analysis.objects.ended().with_results()
    newest = list(ended.filter(branch_line=line).order_by("-pk")[:MAX_POINTS]) if line else []
    return {
        "repository": repository.pk,
        "branch": line.name if line else None,
        "results": [_point(analysis) for analysis in reversed(newest)],
    }


def _point(analysis: Analysis) -> dict[str, Any]:
    summary = summary_of(analysis) or {}
    return {
        "analysis": analysis.pk,
        "at": analysis.completed_at,
        "commit": analysis.commit,
        "status": analysis.status,
        **{name: summary.get(name) for name in ("files", "lines_of_code", "functions", "technologies")},
        "complexity": summary.get("complexity"),
        "findings": summary.get("findings"),
        "dependencies": (summary.get("dependencies") or {}).get("total"),
    }
