"""What is to be told to whom, and every attempt at it."""

from __future__ import annotations

from collections.abc import Collection

from django.contrib.auth.models import AnonymousUser
from django.db import models
from django.db.models import Q
from django.utils import timezone

from commandcenter.accounts.models import User
from webhooks.models.endpoints import SECRETS, Endpoint


class Message(models.Model):
    """The bytes of one event as they are signed and sent, stored once for all endpoints and all attempts."""

    event_id = models.BigIntegerField(primary_key=True)
    uid = models.UUIDField()  # the header webhook-id, stable across attempts and replays
    type = models.CharField(max_length=80)
    body = models.BinaryField()
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        indexes = [
            # serves: pruning by age
            models.Index(fields=["created_at"], name="message_created"),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.uid}"


class DeliveryStatus(models.TextChoices):
    """Where a delivery stands. What is pending for a disabled endpoint is shown as held (see DeliveryQuerySet)."""

    PENDING = "pending", "Pending"  # due at `scheduled_for`
    LEASED = "leased", "In flight"
    SUCCEEDED = "succeeded", "Succeeded"
    EXHAUSTED = "exhausted", "Exhausted"  # no attempt is left
    CANCELLED = "cancelled", "Cancelled"


HELD = "held"
SHOWN = (*DeliveryStatus.values, HELD)
OPEN = (DeliveryStatus.PENDING, DeliveryStatus.LEASED)
ENDED = (DeliveryStatus.SUCCEEDED, DeliveryStatus.EXHAUSTED, DeliveryStatus.CANCELLED)


class DeliveryQuerySet(models.QuerySet["Delivery"]):
    """Reads of deliveries."""

    def visible_to(
        self, user: User | AnonymousUser, *, token_projects: list[int] | None = None
    ) -> DeliveryQuerySet:
        """Deliveries of endpoints that the user may see."""
        return self.filter(
            endpoint__in=Endpoint.objects.visible_to(user, token_projects=token_projects).values("pk")
        )

    def with_endpoint(self) -> DeliveryQuerySet:
        """Read the endpoint along, but not its secrets."""
        return self.select_related("endpoint").defer(*(f"endpoint__{name}" for name in SECRETS))

    def with_message(self) -> DeliveryQuerySet:
        """Read the message along, but not its body."""
        return self.select_related("message").defer("message__body")

    def shown_as(self, statuses: Collection[str]) -> DeliveryQuerySet:
        """Deliveries that are shown with one of these statuses: held is what waits for a disabled endpoint.

        It is in no column, so that switching an endpoint with any number of deliveries changes one row.
        """
        asked = Q(status__in=[each for each in statuses if each not in {HELD, DeliveryStatus.PENDING}])
        if DeliveryStatus.PENDING in statuses:
            asked |= Q(status=DeliveryStatus.PENDING, endpoint__enabled=True)
        if HELD in statuses:
            asked |= Q(status=DeliveryStatus.PENDING, endpoint__enabled=False)
        return self.filter(asked)


class Delivery(models.Model):
    """One message for one endpoint."""

    endpoint = models.ForeignKey(
        Endpoint, on_delete=models.CASCADE, related_name="deliveries", db_index=False
    )
    message = models.ForeignKey(Message, on_delete=models.CASCADE, related_name="deliveries", db_index=False)
    type = models.CharField(max_length=80)  # the message's, for lists
    sequence = models.BigIntegerField(null=True)  # within the endpoint, given when it is first sent
    status = models.CharField(max_length=9, choices=DeliveryStatus.choices, default=DeliveryStatus.PENDING)
    attempts = models.PositiveSmallIntegerField(default=0)
    # What `attempts` was when it was last sent again by hand: retries begin anew there.
    attempts_before = models.PositiveSmallIntegerField(db_default=0)
    scheduled_for = models.DateTimeField(default=timezone.now)  # of the next attempt
    lease_token = models.UUIDField(null=True)
    lease_expires_at = models.DateTimeField(null=True)
    last_status = models.PositiveSmallIntegerField(null=True)  # of HTTP
    last_error = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(null=True)

    objects = DeliveryQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "deliveries"
        constraints = [
            # serves as well: the deliveries of a message
            models.UniqueConstraint(fields=["message", "endpoint"], name="delivery_once"),
            models.CheckConstraint(
                condition=Q(status__in=DeliveryStatus.values), name="webhook_delivery_status_known"
            ),
            models.CheckConstraint(
                condition=Q(status=DeliveryStatus.LEASED, lease_token__isnull=False)
                | (~Q(status=DeliveryStatus.LEASED) & Q(lease_token__isnull=True)),
                name="webhook_delivery_leased_by_token",
            ),
        ]
        indexes = [
            # serves: the claim, a few due ones of each endpoint
            models.Index(
                fields=["endpoint", "scheduled_for", "id"],
                condition=Q(status=DeliveryStatus.PENDING),
                name="webhook_delivery_due",
            ),
            # serves: how many are in flight, and leases that ran out
            models.Index(
                fields=["endpoint", "lease_expires_at"],
                condition=Q(status=DeliveryStatus.LEASED),
                name="webhook_delivery_leased",
            ),
            # serves: GET /webhooks/deliveries, the latest of each endpoint
            models.Index(fields=["endpoint", "-id"], name="webhook_delivery_recent"),
            # serves: the same with ?status=, sending again what a filter finds, how many there are of each, and the claim:
            # the first of an ordered endpoint
            models.Index(fields=["endpoint", "status", "-id"], name="webhook_delivery_status"),
        ]

    def __str__(self) -> str:
        return f"delivery {self.pk} of {self.type}"

    @property
    def shown_status(self) -> str:
        """The status that people are shown; reads the endpoint."""
        if self.status == DeliveryStatus.PENDING and not self.endpoint.enabled:
            return HELD
        return self.status


class Attempt(models.Model):
    """One request and what came back; rows are only ever added."""

    delivery = models.ForeignKey(Delivery, on_delete=models.CASCADE, related_name="tries", db_index=False)
    number = models.PositiveSmallIntegerField()
    started_at = models.DateTimeField()
    duration_ms = models.PositiveIntegerField()
    address = models.CharField(max_length=60, blank=True)  # that was dialled
    tls_peer = models.CharField(max_length=300, blank=True)  # the subject of its certificate
    status = models.PositiveSmallIntegerField(null=True)  # of HTTP; null: no answer
    headers = models.JSONField(default=dict)
    body = models.BinaryField(default=bytes)  # its first 64 KiB
    body_cut = models.BooleanField(default=False)
    error = models.CharField(max_length=40, blank=True)  # a class, see webhooks.tallies.OUTCOMES
    detail = models.CharField(max_length=500, blank=True)

    class Meta:
        constraints = [
            # serves as well: the attempts of a delivery
            models.UniqueConstraint(fields=["delivery", "number"], name="attempt_numbered"),
        ]

    def __str__(self) -> str:
        return f"attempt {self.number} of delivery {self.delivery_id}"
