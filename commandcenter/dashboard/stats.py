"""The figures of the overview, each counted by the database when it is asked."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.db.models import Count, Q
from django.utils import timezone

from commandcenter.analysis.models import (
    Analysis,
    AnalysisStatus,
    BranchLine,
    Finding,
    Severity,
    Standing,
)
from commandcenter.analysis.portfolio.attention import words
from commandcenter.inventory.models import ProjectQuerySet, Repository, Technology
from jobs.models import ACTIVE, Job, JobStatus

WINDOW = timedelta(hours=24)
MOST_REASONS = 3  # that the overview names of a repository
_LOOKS = {  # of the worst reason, as looks.py names them
    "critical_findings": {"severity": "critical"},
    "high_findings": {"severity": "high"},
    "medium_findings": {"severity": "medium"},
    "analysis_failed": {"status": "failed"},
    "incomplete": {"status": "partial"},
    "never_analysed": {"status": "never_run"},
}


def overview(projects: ProjectQuerySet) -> dict[str, Any]:
    """Return counts over these projects.

    Shape: {repositories, analysed_repositories, technologies, open_findings: {severity: n}, jobs: {active, running,
    completed_24h, failed_24h}, analyses: {total, last_24h}}.
    """
    since = timezone.now() - WINDOW
    # Only what is counted: the indexes of active and of ended jobs find it among a million others.
    counted = Q(status__in=ACTIVE) | Q(completed_at__gte=since)
    jobs = Job.objects.filter(counted, project__in=projects).aggregate(
        active=Count("pk", filter=Q(status__in=ACTIVE)),
        running=Count("pk", filter=Q(status=JobStatus.RUNNING)),
        completed_24h=Count("pk", filter=Q(status=JobStatus.COMPLETED, completed_at__gte=since)),
        failed_24h=Count("pk", filter=Q(status=JobStatus.FAILED, completed_at__gte=since)),
    )
    analyses = Analysis.objects.filter(project__in=projects).aggregate(
        total=Count("pk"), last_24h=Count("pk", filter=Q(started_at__gte=since))
    )
    severities = dict(open_findings(projects).values_list("severity").annotate(count=Count("pk")).order_by())
    return {
        "repositories": Repository.objects.filter(project__in=projects).count(),
        "analysed_repositories": BranchLine.objects.filter(
            repository__project__in=projects,
            latest__status__in=[AnalysisStatus.COMPLETE, AnalysisStatus.PARTIAL],
        )
        .values("repository")
        .distinct()
        .count(),
        "technologies": Technology.objects.filter(project__in=projects).count(),
        "open_findings": {label: severities.get(value, 0) for value, label in reversed(Severity.choices)},
        "jobs": jobs,
        "analyses": analyses,
    }


def open_findings(projects: ProjectQuerySet) -> Any:
    """Return the open findings on default branches of these projects that nobody suppressed."""
    found = Finding.objects.filter(repository__project__in=projects)
    return found.on_default_branches().open().unsuppressed()


def attention(projects: ProjectQuerySet, limit: int = 8) -> list[dict[str, Any]]:
    """Return what needs a person now, worst first: {severity or status, title, detail, url_name, pk}.

    Repositories by the points of their standing, then jobs that failed within a day.
    """
    worst = (
        Standing.objects.filter(repository__project__in=projects, attention__gt=0)
        .select_related("repository")
        .defer("repository__credential_secret")
        .order_by("-attention", "-pk")[:limit]
    )
    rows: list[dict[str, Any]] = [
        {
            **_look([reason["code"] for reason in row.reasons]),
            "title": row.repository.name,
            "detail": ", ".join(words(reason) for reason in row.reasons[:MOST_REASONS]),
            "url_name": "dashboard:repository",
            "pk": row.pk,
        }
        for row in worst
    ]
    failed = (
        Job.objects.filter(
            project__in=projects, status=JobStatus.FAILED, completed_at__gte=timezone.now() - WINDOW
        )
        .filter(retries__isnull=True)
        .order_by("-pk")[:limit]
    )
    rows += [
        {
            "status": "failed",
            "title": f"{job.get_job_type_display()} #{job.pk} failed",
            "detail": job.error_message,
            "url_name": "dashboard:job",
            "pk": job.pk,
        }
        for job in failed
    ]
    return rows[:limit]


def _look(codes: Sequence[str]) -> dict[str, str]:
    """Look like the first reason; many findings of severity high do not hide a critical one."""
    return _LOOKS.get("critical_findings" if "critical_findings" in codes else codes[0], {"status": "stale"})
