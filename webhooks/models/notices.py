"""What people are told of an endpoint that fails."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils import timezone

from webhooks.models.endpoints import Endpoint


class NoticeKind(models.TextChoices):
    """What a notice says."""

    FAILING = "failing", "It only fails"
    LAST_DAY = "last_day", "It is given up tomorrow"
    DISABLED = "disabled", "It was disabled"


class Notice(models.Model):
    """One moment of an endpoint that people hear of: a row is made once, its mail is sent once."""

    endpoint = models.ForeignKey(Endpoint, on_delete=models.CASCADE, related_name="notices", db_index=False)
    kind = models.CharField(max_length=8, choices=NoticeKind.choices)
    since = models.DateTimeField()  # the endpoint's failing_since, or its disabled_at
    created_at = models.DateTimeField(default=timezone.now)
    mailed_at = models.DateTimeField(null=True)
    tries = models.PositiveSmallIntegerField(default=0)  # to mail it
    not_before = models.DateTimeField(default=timezone.now)  # of the next try
    error = models.CharField(max_length=300, blank=True)  # of the last one

    class Meta:
        constraints = [
            # serves as well: the notices of an endpoint
            models.UniqueConstraint(fields=["endpoint", "kind", "since"], name="webhook_notice_once"),
            models.CheckConstraint(condition=Q(kind__in=NoticeKind.values), name="webhook_notice_kind_known"),
        ]
        indexes = [
            # serves: what is still to be mailed
            models.Index(
                fields=["not_before"], condition=Q(mailed_at__isnull=True), name="webhook_notice_unmailed"
            ),
            # serves: pruning by age
            models.Index(fields=["created_at"], name="webhook_notice_created"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} of endpoint {self.endpoint_id}"
