"""What lives on from one analysis to the next: findings, their changes, and technologies seen before."""

from __future__ import annotations

from django.contrib.auth.models import AnonymousUser
from django.db import models
from django.db.models import Q
from django.utils import timezone

from commandcenter.accounts.models import User
from commandcenter.analysis.models.analyses import Analysis, BranchLine
from commandcenter.analysis.models.results import Rule, Severity
from commandcenter.inventory.models import Project, Repository


class FindingState(models.TextChoices):
    """The life of a finding on one branch line."""

    NEW = "new", "New"
    EXISTING = "existing", "Existing"
    REOPENED = "reopened", "Reopened"
    FIXED = "fixed", "Fixed"


class FindingQuerySet(models.QuerySet["Finding"]):
    """Reads of findings."""

    def visible_to(
        self, user: User | AnonymousUser, *, token_projects: list[int] | None = None
    ) -> FindingQuerySet:
        """Findings in projects that the user may see."""
        projects = Project.objects.visible_to(user, token_projects=token_projects)
        return self.filter(repository__project__in=projects)

    def open(self) -> FindingQuerySet:
        """Findings that the last analysis which looked for them still saw."""
        return self.exclude(state=FindingState.FIXED)

    def on_default_branches(self) -> FindingQuerySet:
        """Findings of each repository's default branch."""
        return self.filter(branch_line__is_default=True)


class Finding(models.Model):
    """One problem on one branch line, followed by its fingerprint from first to last sight.

    `commandcenter.analysis.lifecycle` alone writes `state`. `last_seen` of an open finding is as old as its last
    change: an unchanged repository writes no rows. Read it through `rows.last_seen`.
    """

    repository = models.ForeignKey(Repository, on_delete=models.CASCADE, related_name="findings")
    branch_line = models.ForeignKey(
        BranchLine, on_delete=models.CASCADE, related_name="findings", db_index=False
    )
    rule = models.ForeignKey(Rule, on_delete=models.PROTECT, related_name="findings")
    fingerprint = models.CharField(max_length=80)
    state = models.CharField(max_length=10, choices=FindingState.choices, default=FindingState.NEW)
    severity = models.SmallIntegerField(choices=Severity.choices)
    message = models.TextField()
    path = models.TextField()
    start_line = models.IntegerField()
    end_line = models.IntegerField()
    inline_suppressed = models.BooleanField(default=False)
    first_seen = models.DateTimeField(default=timezone.now)
    last_seen = models.DateTimeField(default=timezone.now)
    first_analysis = models.ForeignKey(Analysis, null=True, on_delete=models.SET_NULL, related_name="+")

    objects = FindingQuerySet.as_manager()

    class Meta:
        constraints = [
            # serves as well: matching by the lifecycle
            models.UniqueConstraint(
                fields=["branch_line", "fingerprint"], name="finding_line_fingerprint_unique"
            ),
            models.CheckConstraint(condition=Q(state__in=FindingState.values), name="finding_state_known"),
        ]
        indexes = [
            # serves: GET /findings?repository=&state=
            models.Index(fields=["repository", "state", "-id"], name="finding_repository_state"),
            # serves: GET /findings?severity=&state= over the portfolio
            models.Index(fields=["severity", "state", "-id"], name="finding_severity_state"),
        ]

    def __str__(self) -> str:
        return f"{self.path}:{self.start_line}"


class FindingTransition(models.Model):
    """The change of state that one analysis made to one finding."""

    analysis = models.ForeignKey(
        Analysis, on_delete=models.CASCADE, related_name="transitions", db_index=False
    )
    finding = models.ForeignKey(Finding, on_delete=models.CASCADE, related_name="transitions")
    from_state = models.CharField(max_length=10, choices=FindingState.choices, blank=True)
    to_state = models.CharField(max_length=10, choices=FindingState.choices)

    class Meta:
        constraints = [
            # serves as well: what an analysis changed
            models.UniqueConstraint(
                fields=["analysis", "finding"], name="transition_analysis_finding_unique"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.from_state} -> {self.to_state}"


class TechnologySighting(models.Model):
    """The first time that a project met a technology; what makes `technology.detected` an event of its own."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="technology_sightings")
    name = models.CharField(max_length=200)
    domain = models.CharField(max_length=20)
    first_analysis = models.ForeignKey(Analysis, null=True, on_delete=models.SET_NULL, related_name="+")
    first_seen = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["project", "name", "domain"], name="sighting_project_name_unique"
            ),
        ]

    def __str__(self) -> str:
        return self.name
