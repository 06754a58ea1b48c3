"""Who may tell us of pushes, and what each of them told."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from commandcenter.accounts.models import User
from commandcenter.core.encryption import EncryptedTextField
from commandcenter.core.models import TimestampedModel
from commandcenter.inventory.models import Project, Repository

INBOUND_SECRETS = ("secret", "previous_secret")


class InboundKind(models.TextChoices):
    """Whose webhooks they are."""

    GITHUB = "github", "GitHub"
    GITLAB = "gitlab", "GitLab"


class InboundSourceQuerySet(models.QuerySet["InboundSource"]):
    """Reads of inbound sources."""

    def visible_to(
        self, user: User | AnonymousUser, *, token_projects: list[int] | None = None
    ) -> InboundSourceQuerySet:
        """Sources of repositories in projects that the user may see."""
        visible = Project.objects.visible_to(user, token_projects=token_projects)
        return self.filter(repository__project__in=visible)

    def with_repository(self) -> InboundSourceQuerySet:
        """Read the repository along, but not its secret."""
        return self.select_related("repository").defer("repository__credential_secret")

    def without_secrets(self) -> InboundSourceQuerySet:
        """Leave the secrets where they lie, encrypted."""
        return self.defer(*INBOUND_SECRETS)


class InboundSource(TimestampedModel):
    """One code host that may tell of pushes to one repository, and the secret by which it is known."""

    repository = models.ForeignKey(
        Repository, on_delete=models.CASCADE, related_name="inbound_sources", db_index=False
    )
    kind = models.CharField(max_length=6, choices=InboundKind.choices)
    # Patterns, see webhooks.inbound.branches; none: the repository's own branch.
    branches = ArrayField(models.CharField(max_length=255), default=list, blank=True)
    enabled = models.BooleanField(default=True)
    secret = EncryptedTextField()
    previous_secret = EncryptedTextField(null=True)  # is taken as well until `previous_until`
    previous_until = models.DateTimeField(null=True)
    last_received_at = models.DateTimeField(null=True, blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )

    objects = InboundSourceQuerySet.as_manager()

    class Meta:
        constraints = [
            # serves as well: the source that a request is for, and those of a repository
            models.UniqueConstraint(fields=["repository", "kind"], name="inbound_source_once"),
            models.CheckConstraint(
                condition=Q(kind__in=InboundKind.values), name="inbound_source_kind_known"
            ),
            models.CheckConstraint(
                condition=Q(previous_secret__isnull=True) | Q(previous_until__isnull=False),
                name="inbound_source_previous_secret_ends",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} for repository {self.repository_id}"

    @property
    def address(self) -> str:
        """What is to be entered at the code host."""
        return f"{settings.PUBLIC_URL}/webhooks/{self.kind}/{self.repository_id}"


class InboundOutcome(models.TextChoices):
    """What came of a delivery that arrived."""

    STARTED = "started", "Analysis queued"
    JOINED = "joined", "Joined a waiting analysis"
    PING = "ping", "Ping answered"
    IGNORED = "ignored", "Ignored"


class InboundDelivery(models.Model):
    """One delivery that arrived with a valid signature, and what came of it; its body is not kept."""

    source = models.ForeignKey(
        InboundSource, on_delete=models.CASCADE, related_name="received", db_index=False
    )
    delivery = models.CharField(max_length=200)  # the id that the code host gave it
    event = models.CharField(max_length=100)
    branch = models.CharField(max_length=255, blank=True)
    commit = models.CharField(max_length=64, blank=True)
    outcome = models.CharField(max_length=7, choices=InboundOutcome.choices)
    reason = models.CharField(max_length=30, blank=True)  # a code, where nothing was started
    detail = models.CharField(max_length=500, blank=True)
    # No reference: jobs are archived and deleted, and what arrived stays.
    job_id = models.BigIntegerField(null=True, blank=True)
    received_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "inbound deliveries"
        constraints = [
            # serves as well: whether a delivery came before
            models.UniqueConstraint(fields=["source", "delivery"], name="inbound_delivery_once"),
            models.CheckConstraint(
                condition=Q(outcome__in=InboundOutcome.values), name="inbound_delivery_outcome_known"
            ),
        ]
        indexes = [
            # serves: GET /webhooks/inbound/{id}/received, latest first
            models.Index(fields=["source", "-id"], name="inbound_delivery_recent"),
            # serves: pruning by age
            models.Index(fields=["received_at"], name="inbound_delivery_received"),
        ]

    def __str__(self) -> str:
        return f"{self.event} {self.delivery}: {self.outcome}"
