"""What a portfolio export holds: how each repository of a project stands, as its latest complete analysis saw it."""

from __future__ import annotations

from typing import Any

from django.db.models import Exists, OuterRef, Subquery

from commandcenter.analysis.models import Analysis, AnalysisStatus, BranchLine
from commandcenter.inventory.models import Repository
from exports.models import Export

MAX_REPOSITORIES = 500  # about four minutes of a worker, and half of what a job may take
MAX_NAMED = 1000  # repositories that were left out and are named in the manifest


def latest_analyses(project_id: int, limit: int | None = None) -> list[int]:
    """Return the latest complete analysis of each repository's default branch, in the order of the repositories' names.

    Of more than `limit` (500) repositories, those that were analysed last. One query.
    """
    complete = Analysis.objects.filter(branch_line=OuterRef("pk"), status=AnalysisStatus.COMPLETE)
    lines = (
        BranchLine.objects.filter(repository__project=project_id, is_default=True)
        .annotate(newest=Subquery(complete.order_by("-pk").values("pk")[:1]))
        .filter(newest__isnull=False)
        .order_by("-newest")
        .values_list("repository__name", "newest")
    )
    return [pk for _name, pk in sorted(lines[: limit or MAX_REPOSITORIES])]


def said(export: Export) -> dict[str, Any]:
    """Return what a manifest says of a portfolio: {project, as_of, limit, left_out: {count, repositories}}."""
    project = export.project
    complete = Analysis.objects.filter(
        repository=OuterRef("pk"),
        branch_line__is_default=True,
        status=AnalysisStatus.COMPLETE,
        completed_at__lte=export.created_at,
    )
    held = Analysis.objects.filter(pk__in=export.analyses).values("repository")
    left = Repository.objects.filter(project=project).exclude(pk__in=held)
    rows = left.annotate(beyond=Exists(complete)).order_by("name").values_list("pk", "name", "beyond")
    return {
        "project": {"id": project.pk, "name": project.name, "slug": project.slug},
        "as_of": export.created_at,
        "limit": MAX_REPOSITORIES,
        "left_out": {
            "count": left.count(),
            "repositories": [
                {"id": pk, "name": name, "reason": "limit" if beyond else "no_complete_analysis"}
                for pk, name, beyond in rows[:MAX_NAMED]
            ],
        },
    }
