"""Where exports are pushed, and how each push stands."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.db.models.functions import Now
from django.utils import timezone

from commandcenter.accounts.models import User
from commandcenter.core.encryption import EncryptedTextField
from commandcenter.core.models import TimestampedModel
from commandcenter.inventory.models import Project


class TargetKind(models.TextChoices):
    """What takes the exports."""

    GITHUB = "github", "GitHub"
    WEBHOOK = "webhook", "Webhook"


class Action(models.TextChoices):
    """What is done on GitHub, in this order."""

    CODE_SCANNING = "code_scanning", "Upload to code scanning"
    STATUS = "status", "Commit status"
    COMMENT = "comment", "Pull-request comment"


class DeliveryStatus(models.TextChoices):
    """How a delivery stands. Pending: it waits for its export, its turn or another try."""

    PENDING = "pending", "Pending"
    SENDING = "sending", "Sending"
    SUCCEEDED = "succeeded", "Succeeded"
    FAILED = "failed", "Failed"


OPEN = (DeliveryStatus.PENDING, DeliveryStatus.SENDING)
ENDED = (DeliveryStatus.SUCCEEDED, DeliveryStatus.FAILED)


class DeliveryTargetQuerySet(models.QuerySet["DeliveryTarget"]):
    """Reads of targets."""

    def visible_to(
        self, user: User | AnonymousUser, *, token_projects: list[int] | None = None
    ) -> DeliveryTargetQuerySet:
        """Targets of projects that the user may see."""
        return self.filter(project__in=Project.objects.visible_to(user, token_projects=token_projects))


class DeliveryTarget(TimestampedModel):
    """One place that a project's exports may be pushed to."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="delivery_targets")
    name = models.CharField(max_length=100)
    kind = models.CharField(max_length=10, choices=TargetKind.choices)
    url = models.CharField(max_length=500)  # GitHub's API, or the webhook
    repository = models.CharField(max_length=200, blank=True)  # owner/name; empty: from the analysed source
    actions = ArrayField(models.CharField(max_length=20, choices=Action.choices), default=list, blank=True)
    token = EncryptedTextField()  # GitHub's token, or the webhook's whsec_ secret
    enabled = models.BooleanField(default=True)

    objects = DeliveryTargetQuerySet.as_manager()

    class Meta:
        constraints = [
            # serves as well: targets of a project
            models.UniqueConstraint(fields=["project", "name"], name="deliverytarget_project_name_unique"),
            models.CheckConstraint(condition=Q(kind__in=TargetKind.values), name="deliverytarget_kind_known"),
        ]

    def __str__(self) -> str:
        return self.name


class ExportDeliveryQuerySet(models.QuerySet["ExportDelivery"]):
    """Reads of deliveries."""

    def due(self) -> ExportDeliveryQuerySet:
        """Deliveries to make now: their time has come and their target is free, or their worker is gone."""
        busy = ExportDelivery.objects.filter(target=OuterRef("target"), status=DeliveryStatus.SENDING)
        waits = Q(status=DeliveryStatus.PENDING, not_before__lte=Now()) & ~Q(export__outcome="")
        gone = Q(status=DeliveryStatus.SENDING, not_before__lte=Now())
        return self.filter(gone | waits & ~Exists(busy))


class ExportDelivery(models.Model):
    """One export pushed to one target; it goes with its export."""

    export = models.ForeignKey("exports.Export", on_delete=models.CASCADE, related_name="deliveries")
    target = models.ForeignKey(
        DeliveryTarget, on_delete=models.CASCADE, related_name="deliveries", db_index=False
    )
    status = models.CharField(max_length=10, choices=DeliveryStatus.choices, default=DeliveryStatus.PENDING)
    message = models.UUIDField(default=uuid.uuid4, editable=False)  # the webhook-id, one for all tries
    attempts = models.PositiveIntegerField(default=0)  # also the fencing token: who holds the row knows it
    failures = models.PositiveSmallIntegerField(default=0)  # that count towards giving up
    not_before = models.DateTimeField(
        default=timezone.now
    )  # of the next try; while it is sent, the lease's end
    steps = models.JSONField(default=dict, blank=True)  # action -> what came of it
    error_code = models.CharField(max_length=60, blank=True)
    error_message = models.TextField(blank=True)
    external_url = models.CharField(max_length=500, blank=True)
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    completed_at = models.DateTimeField(null=True)

    objects = ExportDeliveryQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "export deliveries"
        constraints = [
            # serves as well: the deliveries of an export
            models.UniqueConstraint(fields=["export", "target"], name="exportdelivery_once"),
            # two at once could both look for a comment, find none, and write one each
            models.UniqueConstraint(
                fields=["target"],
                condition=Q(status=DeliveryStatus.SENDING),
                name="exportdelivery_one_a_target",
            ),
            models.CheckConstraint(
                condition=Q(status__in=DeliveryStatus.values), name="exportdelivery_status_known"
            ),
            models.CheckConstraint(
                condition=Q(status__in=OPEN, completed_at__isnull=True)
                | Q(status__in=ENDED, completed_at__isnull=False),
                name="exportdelivery_completed_when_ended",
            ),
        ]
        indexes = [
            # serves: which deliveries are due
            models.Index(
                fields=["not_before"],
                condition=Q(status__in=OPEN),
                name="exportdelivery_due",
            ),
            # serves: the deliveries that go with a target
            models.Index(fields=["target"], name="exportdelivery_target"),
        ]

    def __str__(self) -> str:
        return f"delivery #{self.pk}"
