"""What a project demands of its analyses."""

from __future__ import annotations

from django.contrib.auth.models import AnonymousUser
from django.db import models
from django.db.models import Q
from django.utils import timezone

from commandcenter.accounts.models import User
from commandcenter.analysis.models.analyses import Analysis
from commandcenter.core.models import TimestampedModel
from commandcenter.inventory.models import Project


class PolicyStatus(models.TextChoices):
    """How an analysis, or one condition, stood against a policy. Unknown: what it asks for was not measured."""

    PASSED = "passed", "Passed"
    FAILED = "failed", "Failed"
    UNKNOWN = "unknown", "Unknown"


class PolicyQuerySet(models.QuerySet["Policy"]):
    """Reads of policies."""

    def visible_to(
        self, user: User | AnonymousUser, *, token_projects: list[int] | None = None
    ) -> PolicyQuerySet:
        """Policies of projects that the user may see."""
        return self.filter(project__in=Project.objects.visible_to(user, token_projects=token_projects))


class Policy(TimestampedModel):
    """The policy of one project: conditions as `commandcenter.analysis.policy.conditions` stores them."""

    project = models.OneToOneField(Project, on_delete=models.CASCADE, related_name="policy")
    name = models.CharField(max_length=200)
    enabled = models.BooleanField(default=True)
    unknown_fails = models.BooleanField(default=False)  # whether an unknown condition fails the analysis
    conditions = models.JSONField(default=list, blank=True)

    objects = PolicyQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "policies"

    def __str__(self) -> str:
        return self.name


class PolicyVerdict(models.Model):
    """How one analysis was judged, with the policy's words of that moment; none where there was no policy.

    `commandcenter.analysis.policy.verdict` alone writes it. `results`: one row per condition, [{condition,
    description, status, value, limit, detail, evidence}]; `value` is null for what is not known.
    """

    analysis = models.OneToOneField(
        Analysis, on_delete=models.CASCADE, primary_key=True, related_name="policy_verdict"
    )
    policy = models.ForeignKey(Policy, null=True, on_delete=models.SET_NULL, related_name="verdicts")
    name = models.CharField(max_length=200)
    unknown_fails = models.BooleanField()
    status = models.CharField(max_length=7, choices=PolicyStatus.choices)
    results = models.JSONField(default=list)
    evaluated_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=PolicyStatus.values), name="policyverdict_status_known"
            ),
        ]
        indexes = [
            # serves: GET /analyses?policy=, newest first
            models.Index(fields=["status", "-analysis"], name="policyverdict_status"),
        ]

    def __str__(self) -> str:
        return f"{self.name}: {self.status}"
