"""What operators set to share the workers: how many jobs may run at once, and which queues are paused."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils import timezone


class LimitScope(models.TextChoices):
    """What a limit counts the running jobs of."""

    PROJECT = "project", "Project"
    REPOSITORY = "repository", "Repository"
    JOB_TYPE = "job_type", "Job type"


class JobLimit(models.Model):
    """How many jobs of one project, repository or type may run at once. It takes effect at the next claim."""

    scope = models.CharField(max_length=10, choices=LimitScope.choices)
    # Text and not a foreign key: it may be a job type, and an empty one means each one of the scope.
    target = models.CharField(
        max_length=20,
        blank=True,
        help_text="The id of the project or repository, or the job type; empty for each that has no limit of its own.",
    )
    limit = models.PositiveIntegerField(help_text="How many jobs may run at once.")

    class Meta:
        ordering = ["scope", "target"]
        constraints = [
            # serves as well: the limits that apply to a job, at its claim
            models.UniqueConstraint(fields=["scope", "target"], name="joblimit_one_per_target"),
            models.CheckConstraint(condition=Q(scope__in=LimitScope.values), name="joblimit_scope_known"),
            models.CheckConstraint(condition=Q(limit__gte=1), name="joblimit_at_least_one"),
        ]

    def __str__(self) -> str:
        return f"{self.scope}:{self.target or '*'} = {self.limit}"


class QueueControl(models.Model):
    """A queue that an operator has paused: the row is there as long as the pause lasts."""

    queue = models.CharField(max_length=20, primary_key=True)
    paused_at = models.DateTimeField(default=timezone.now)
    paused_by = models.CharField(max_length=150, blank=True)  # the name, which outlives the user
    reason = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ["queue"]

    def __str__(self) -> str:
        return f"{self.queue} paused"
