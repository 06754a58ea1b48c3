"""Who is told: an address of another system, and how it fares."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from commandcenter.accounts.models import User
from commandcenter.core.encryption import EncryptedTextField
from commandcenter.core.models import TimestampedModel
from commandcenter.inventory.models import Project
from webhooks.deciding.countdown import given_up_at

SECRETS = ("secret", "previous_secret", "headers")


class EndpointQuerySet(models.QuerySet["Endpoint"]):
    """Reads of endpoints."""

    def visible_to(
        self, user: User | AnonymousUser, *, token_projects: list[int] | None = None
    ) -> EndpointQuerySet:
        """Endpoints of projects that the user may see."""
        return self.filter(project__in=Project.objects.visible_to(user, token_projects=token_projects))

    def without_secrets(self) -> EndpointQuerySet:
        """Leave the secrets where they lie, encrypted."""
        return self.defer(*SECRETS)


class Endpoint(TimestampedModel):
    """One address of one project, and which events it is told."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="endpoints")
    url = models.CharField(max_length=2000)
    description = models.CharField(max_length=200, blank=True)
    events = ArrayField(models.CharField(max_length=80))  # patterns, see webhooks.deciding.patterns
    conditions = models.JSONField(default=dict, blank=True)  # see webhooks.deciding.conditions
    headers = EncryptedTextField(null=True)  # a JSON object: their values may be secrets
    header_names = ArrayField(models.CharField(max_length=100), default=list, blank=True)  # to be shown
    rate_limit = models.PositiveIntegerField(null=True, blank=True)  # deliveries a minute; null: as they come
    ordered = models.BooleanField(default=False)  # one at a time, each after the one before has ended
    timeout_seconds = models.PositiveSmallIntegerField(default=15)  # of an attempt, all in all
    enabled = models.BooleanField(default=True)
    disabled_reason = models.CharField(max_length=500, blank=True)
    disabled_at = models.DateTimeField(null=True, blank=True)
    secret = EncryptedTextField()
    previous_secret = EncryptedTextField(null=True)  # signs as well until `previous_until`
    previous_until = models.DateTimeField(null=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )

    objects = EndpointQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(previous_secret__isnull=True) | Q(previous_until__isnull=False),
                name="webhook_endpoint_previous_secret_ends",
            ),
        ]

    def __str__(self) -> str:
        return self.description or self.url


class EndpointRun(models.Model):
    """What changes with each delivery: narrow, so that sending never rewrites the wide row nor waits for its editors."""

    endpoint = models.OneToOneField(Endpoint, on_delete=models.CASCADE, primary_key=True, related_name="run")
    last_sequence = models.BigIntegerField(default=0)  # given to deliveries when they are first sent
    served_at = models.DateTimeField(null=True)  # the least recently served comes first
    not_before = models.DateTimeField(null=True)  # its rate limit lets nothing go before
    failing_since = models.DateTimeField(null=True)  # failures only since then
    # The circuit breaker, see webhooks.deciding.breaker.
    circuit_since = models.DateTimeField(null=True)
    circuit_attempts = models.PositiveIntegerField(default=0)
    circuit_failures = models.PositiveIntegerField(default=0)
    circuit_opened_at = models.DateTimeField(null=True)
    circuit_probes = models.PositiveIntegerField(default=0)
    probe_at = models.DateTimeField(null=True)  # nothing goes before; null: the circuit is closed

    class Meta:
        indexes = [
            # serves: the claim, which takes the least recently served first
            models.Index(F("served_at").asc(nulls_first=True), "endpoint", name="endpointrun_served"),
            # serves: the notices of endpoints that only fail
            models.Index(
                fields=["failing_since"], condition=Q(failing_since__isnull=False), name="endpointrun_failing"
            ),
        ]

    def __str__(self) -> str:
        return f"run of endpoint {self.endpoint_id}"

    @property
    def given_up_at(self) -> datetime | None:
        """From when on another failure disables the endpoint; None while it does not only fail."""
        return None if self.failing_since is None else given_up_at(self.failing_since)
