"""How a repository changed over its analyses, and where a technology is used."""

from __future__ import annotations

from typing import Any

from django.db.models import F, Q
from django.db.models.functions import Coalesce

from commandcenter.analysis.models import Analysis, BranchLine, TechnologyUse
from commandcenter.analysis.summary import summary_of
from commandcenter.engine.rules import technology_names
from commandcenter.inventory.models import Repository, Technology

MAX_POINTS = 100
MAX_USES = 1000


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


def usage(technology: Technology) -> list[dict[str, Any]]:
    """Return where the repositories of the technology's project use it, on their default branches, by name.

    Shape: [{repository, repository_name, analysis, version, confidence, evidence, seen_at}]; names are compared by
    what they mean. At most 1,000 repositories.
    """
    lines = (
        BranchLine.objects.filter(is_default=True, repository__project=technology.project_id)
        .annotate(
            current_id=Coalesce("baseline_id", "latest_id"),
            set_id=Coalesce("baseline__result_set_id", "latest__result_set_id"),
            seen_at=Coalesce("baseline__completed_at", "latest__completed_at"),
            repository_name=F("repository__name"),
        )
        .exclude(set_id=None)
    )
    reported = technology_names.official(technology.name) or technology.name
    uses = {
        use.result_set_id: use
        for use in TechnologyUse.objects.filter(
            Q(name=reported) | Q(name__iexact=technology.name), result_set__in=lines.values("set_id")
        ).order_by("-confidence", "pk")
    }
    places = lines.filter(set_id__in=uses.keys()).order_by("repository_name")[:MAX_USES]
    return [
        {
            "repository": place.repository_id,
            "repository_name": place.repository_name,
            "analysis": place.current_id,
            "version": uses[place.set_id].version,
            "confidence": uses[place.set_id].confidence,
            "evidence": uses[place.set_id].evidence,
            "seen_at": place.seen_at,
        }
        for place in places
    ]
