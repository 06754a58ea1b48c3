"""Analyses, and the branch lines along which they are compared."""

from __future__ import annotations

from django.contrib.auth.models import AnonymousUser
from django.db import models
from django.db.models import Q
from django.utils import timezone

from commandcenter.accounts.models import User
from commandcenter.analysis.models.results import ResultSet
from commandcenter.inventory.models import Project, Repository
from jobs.models import Job


class AnalysisStatus(models.TextChoices):
    """How an analysis stands. Partial: it ended, but an engine failed or was missing."""

    RUNNING = "running", "Running"
    COMPLETE = "complete", "Complete"
    PARTIAL = "partial", "Partial"
    FAILED = "failed", "Failed"
    CANCELLED = "cancelled", "Cancelled"


class BranchLine(models.Model):
    """One branch (or tag, or commit asked for by name) of a repository, as its findings see it.

    The lifecycle locks this row, so that two analyses of one line never interleave.
    """

    repository = models.ForeignKey(Repository, on_delete=models.CASCADE, related_name="branch_lines")
    name = models.CharField(max_length=255, blank=True)  # empty for sources without branches
    is_default = models.BooleanField(default=False)
    tickets = models.PositiveBigIntegerField(default=0)  # drawn so far: the order of analyses on this line
    latest = models.ForeignKey("Analysis", null=True, on_delete=models.SET_NULL, related_name="+")
    baseline = models.ForeignKey("Analysis", null=True, on_delete=models.SET_NULL, related_name="+")
    engines_seen = models.JSONField(default=dict)  # engine -> time of its last good run on this line
    engines_ran = models.JSONField(
        default=dict
    )  # engine -> [version, configuration, result set], when it ran last

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["repository", "name"], name="branchline_repository_name_unique"),
            models.UniqueConstraint(
                fields=["repository"], condition=Q(is_default=True), name="branchline_one_default"
            ),
        ]

    def __str__(self) -> str:
        return self.name or "(no branch)"


class AnalysisQuerySet(models.QuerySet["Analysis"]):
    """Reads of analyses."""

    def visible_to(
        self, user: User | AnonymousUser, *, token_projects: list[int] | None = None
    ) -> AnalysisQuerySet:
        """Analyses of projects that the user may see."""
        return self.filter(project__in=Project.objects.visible_to(user, token_projects=token_projects))

    def ended(self) -> AnalysisQuerySet:
        """Analyses with results: complete or partial."""
        return self.filter(status__in=[AnalysisStatus.COMPLETE, AnalysisStatus.PARTIAL])

    def with_results(self) -> AnalysisQuerySet:
        """Load what an analysis' public shape needs, in one query."""
        return self.select_related("result_set", "branch_line", "policy_verdict")


class Analysis(models.Model):
    """One run of the engines over one ref of a repository, made by one job."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="analyses", db_index=False)
    repository = models.ForeignKey(
        Repository, on_delete=models.CASCADE, related_name="analyses", db_index=False
    )
    job = models.OneToOneField(Job, null=True, on_delete=models.SET_NULL, related_name="analysis")
    branch_line = models.ForeignKey(
        BranchLine, null=True, on_delete=models.SET_NULL, related_name="analyses", db_index=False
    )
    ticket = models.PositiveBigIntegerField(null=True)  # drawn when the source had been read
    result_set = models.ForeignKey(ResultSet, null=True, on_delete=models.RESTRICT, related_name="analyses")
    baseline = models.ForeignKey("self", null=True, on_delete=models.SET_NULL, related_name="+")
    status = models.CharField(max_length=10, choices=AnalysisStatus.choices, default=AnalysisStatus.RUNNING)
    ref = models.CharField(max_length=255, blank=True)  # as it was asked for, or the branch that was found
    commit = models.CharField(max_length=64, blank=True)
    tree = models.CharField(max_length=64, blank=True)
    committed_at = models.DateTimeField(null=True)
    delta = models.JSONField(null=True)
    """{new, new_by_rule, fixed, fixed_by_rule, reopened, existing, suppressed}; null while it runs, and for one that a
    newer analysis overtook."""
    error_code = models.CharField(max_length=60, blank=True)
    error_message = models.TextField(blank=True)
    started_at = models.DateTimeField(default=timezone.now)
    completed_at = models.DateTimeField(null=True)
    settled = models.BooleanField(default=False)  # its end is final and published; see settle.py

    objects = AnalysisQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "analyses"
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=AnalysisStatus.values), name="analysis_status_known"
            ),
            models.CheckConstraint(
                condition=~Q(status__in=[AnalysisStatus.COMPLETE, AnalysisStatus.PARTIAL])
                | Q(result_set__isnull=False, completed_at__isnull=False),
                name="analysis_results_when_ended",
            ),
        ]
        indexes = [
            # serves: GET /analyses?repository=, newest first
            models.Index(fields=["repository", "-id"], name="analysis_repository_recent"),
            # serves: GET /analyses?project=&status=, newest first
            models.Index(fields=["project", "status", "-id"], name="analysis_project_status"),
            # serves: GET /analyses?project=, newest first
            models.Index(fields=["project", "-id"], name="analysis_project_recent"),
            # serves: which analyses of a branch line are kept
            models.Index(fields=["branch_line", "-id"], name="analysis_line_recent"),
            # serves: settle the analyses whose job has ended
            models.Index(fields=["job"], condition=Q(settled=False), name="analysis_unsettled"),
        ]

    def __str__(self) -> str:
        return f"analysis #{self.pk}"

    @property
    def has_results(self) -> bool:
        """True when it ended with results: complete or partial."""
        return self.status in (AnalysisStatus.COMPLETE, AnalysisStatus.PARTIAL)
