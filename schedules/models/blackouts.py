"""Periods in which nothing runs by itself."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.db import models
from django.db.models import F, Q

from commandcenter.accounts.models import User
from commandcenter.core.models import TimestampedModel
from commandcenter.inventory.models import Project
from schedules.models.schedules import Schedule


class BlackoutQuerySet(models.QuerySet["Blackout"]):
    """Reads of blackouts."""

    def visible_to(
        self, user: User | AnonymousUser, *, token_projects: list[int] | None = None
    ) -> BlackoutQuerySet:
        """Blackouts of projects that the user may see."""
        return self.filter(project__in=Project.objects.visible_to(user, token_projects=token_projects))


class Blackout(TimestampedModel):
    """A period [starts_at, ends_at) in which one schedule, or every one of a project, skips its runs."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="blackouts", db_index=False)
    schedule = models.ForeignKey(
        Schedule, null=True, blank=True, on_delete=models.CASCADE, related_name="blackouts"
    )  # null: all of the project
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    reason = models.CharField(max_length=500, blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )

    objects = BlackoutQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(ends_at__gt=F("starts_at")), name="blackout_ends_after_start"),
        ]
        indexes = [
            # serves: those of a project that have not ended
            models.Index(fields=["project", "ends_at"], name="blackout_project"),
        ]

    def __str__(self) -> str:
        return f"{self.starts_at:%Y-%m-%d %H:%M} to {self.ends_at:%Y-%m-%d %H:%M} UTC"
