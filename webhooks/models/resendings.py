"""What operators ask to be sent again, more than a request could do."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils import timezone

from commandcenter.accounts.models import User
from webhooks.models.endpoints import SECRETS, Endpoint


class ResendingKind(models.TextChoices):
    """What is sent again."""

    RETRY = "retry", "Retry"  # deliveries that a filter finds
    RECOVERY = "recovery", "Recovery"  # what did not succeed, and then the events that it was not told


class ResendingState(models.TextChoices):
    """Where it stands."""

    WAITING = "waiting", "Waiting"
    RUNNING = "running", "Running"
    COMPLETED = "completed", "Completed"
    CANCELLED = "cancelled", "Cancelled"
    FAILED = "failed", "Failed"


UNDER_WAY = (ResendingState.WAITING, ResendingState.RUNNING)


class ResendingQuerySet(models.QuerySet["Resending"]):
    """Reads of what is sent again."""

    def visible_to(
        self, user: User | AnonymousUser, *, token_projects: list[int] | None = None
    ) -> ResendingQuerySet:
        """Those of endpoints that the user may see."""
        return self.filter(
            endpoint__in=Endpoint.objects.visible_to(user, token_projects=token_projects).values("pk")
        )

    def with_endpoint(self) -> ResendingQuerySet:
        """Read the endpoint along, but not its secrets."""
        return self.select_related("endpoint").defer(*(f"endpoint__{name}" for name in SECRETS))

    def under_way(self) -> ResendingQuerySet:
        """Those that are not over."""
        return self.filter(state__in=UNDER_WAY)


class Resending(models.Model):
    """Deliveries of one endpoint that are sent again, step by step.

    What it may touch is settled when it is asked for: nothing above `last_delivery` and `last_event` is looked at.
    """

    endpoint = models.ForeignKey(
        Endpoint, on_delete=models.CASCADE, related_name="resendings", db_index=False
    )
    kind = models.CharField(max_length=8, choices=ResendingKind.choices)
    statuses = ArrayField(models.CharField(max_length=9))  # of the deliveries; one of them each
    types = ArrayField(models.CharField(max_length=80), default=list)  # of the events; none: all
    since = models.DateTimeField(null=True)
    until = models.DateTimeField(null=True)
    delivery_cursor = models.BigIntegerField(default=0)  # looked at so far
    last_delivery = models.BigIntegerField(default=0)
    event_cursor = models.BigIntegerField(default=0)
    last_event = models.BigIntegerField(default=0)
    sent = models.PositiveIntegerField(default=0)  # deliveries that are due again
    made = models.PositiveIntegerField(default=0)  # deliveries of events that had none
    state = models.CharField(max_length=9, choices=ResendingState.choices, default=ResendingState.WAITING)
    failures = models.PositiveSmallIntegerField(default=0)  # of the step that comes next
    error = models.CharField(max_length=500, blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(default=timezone.now)
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    objects = ResendingQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=ResendingState.values), name="webhook_resending_state_known"
            ),
        ]
        indexes = [
            # serves: what is to be gone on with, and how many an endpoint has
            models.Index(fields=["endpoint"], condition=Q(state__in=UNDER_WAY), name="resending_under_way"),
            # serves: GET /webhooks/resendings?endpoint=, newest first
            models.Index(fields=["endpoint", "-id"], name="resending_recent"),
            # serves: pruning by age
            models.Index(fields=["created_at"], name="resending_created"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk} of endpoint {self.endpoint_id}"
