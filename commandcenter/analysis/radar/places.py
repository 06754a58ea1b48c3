"""Where a technology is in use: the repositories of projects whose default branch has it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from django.db.models import Count, F, Q, QuerySet
from django.db.models.functions import Coalesce

from commandcenter.analysis.models import BranchLine, TechnologyUse
from commandcenter.analysis.radar.uses import MAX_VERSIONS, VersionCount
from commandcenter.engine.rules import technology_names

UNKNOWN = "-"  # where a version is asked for: those of which none is known


def places(projects: Collection[int], name: str, *, version: str | None = None) -> QuerySet[TechnologyUse]:
    """Return the uses of what this name means, of one version where that is given, each with its repository and project.

    Annotated are `repository_id`, `repository_name` and `project_id`.
    """
    lines = BranchLine.objects.filter(is_default=True, repository__project__in=projects)
    sets = lines.values(current_set=Coalesce("baseline__result_set_id", "latest__result_set_id"))
    reported = technology_names.official(name) or name
    found = TechnologyUse.objects.filter(Q(name=reported) | Q(name__iexact=name), result_set__in=sets)
    if version is not None:
        found = found.filter(version=None if version == UNKNOWN else version)
    return found.annotate(
        repository_id=F("result_set__repository_id"),
        repository_name=F("result_set__repository__name"),
        project_id=F("result_set__repository__project_id"),
    )


def usage(page: Sequence[Any]) -> list[dict[str, Any]]:
    """Return uses, annotated as `places` annotates them, with the analysis that saw each and when it ended. One query.

    Shape: [{repository, repository_name, analysis, version, confidence, evidence, seen_at}].
    """
    lines = BranchLine.objects.filter(is_default=True, repository__in=[use.repository_id for use in page])
    seen = {
        repository: (analysis, at)
        for repository, analysis, at in lines.values_list(
            "repository",
            Coalesce("baseline_id", "latest_id"),
            Coalesce("baseline__completed_at", "latest__completed_at"),
        )
    }
    return [
        {
            "repository": use.repository_id,
            "repository_name": use.repository_name,
            "analysis": seen[use.repository_id][0],
            "version": use.version,
            "confidence": use.confidence,
            "evidence": use.evidence,
            "seen_at": seen[use.repository_id][1],
        }
        for use in page
        if use.repository_id in seen  # removed since the page was read
    ]


def spread(found: QuerySet[TechnologyUse]) -> list[VersionCount]:
    """Count the repositories that use each version, the most used first, at most 50 and one more."""
    rows = (
        found.order_by()
        .values("version")
        .annotate(repositories=Count("pk"))
        .order_by("-repositories", "version")
    )
    return [VersionCount(**row) for row in rows[: MAX_VERSIONS + 1]]
