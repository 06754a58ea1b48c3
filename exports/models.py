"""An export asked for in the background: what was asked, and the file that came of it."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import Case, F, Q, Value, When
from django.db.models.functions import Now
from django.utils import timezone

from commandcenter.accounts.models import User
from commandcenter.inventory.models import Project
from exports.delivery.models import DeliveryTarget, ExportDelivery  # noqa: F401  (Django looks for models here)
from jobs.models import Job, JobStatus


class Outcome(models.TextChoices):
    """How an export ended; written once, and kept when its job is archived."""

    COMPLETED = "completed", "Completed"
    FAILED = "failed", "Failed"
    CANCELLED = "cancelled", "Cancelled"


class ExportStatus(models.TextChoices):
    """How an export stands: as its job does until it has ended. Expired: its file may no longer be fetched."""

    PENDING = "pending", "Pending"
    QUEUED = "queued", "Queued"
    RUNNING = "running", "Running"
    COMPLETED = "completed", "Completed"
    FAILED = "failed", "Failed"
    CANCELLED = "cancelled", "Cancelled"
    EXPIRED = "expired", "Expired"


WAITING = (ExportStatus.PENDING, ExportStatus.QUEUED, ExportStatus.RUNNING)


class ExportQuerySet(models.QuerySet["Export"]):
    """Reads of exports."""

    def visible_to(
        self, user: User | AnonymousUser, *, token_projects: list[int] | None = None
    ) -> ExportQuerySet:
        """Exports of projects that the user may see."""
        return self.filter(project__in=Project.objects.visible_to(user, token_projects=token_projects))

    def with_status(self) -> ExportQuerySet:
        """Add `status` (ExportStatus), which is derived and not stored, and load the job that it may come from."""
        status = Case(
            When(outcome=Outcome.COMPLETED, expires_at__lte=Now(), then=Value(ExportStatus.EXPIRED.value)),
            When(~Q(outcome=""), then=F("outcome")),
            When(job=None, then=Value(ExportStatus.FAILED.value)),  # deleted before it ended
            default=F("job__status"),
            output_field=models.CharField(),
        )
        return self.select_related("job").annotate(
            status=status  # type: ignore[no-redef]  # the class declares it, for readers of such rows
        )

    def unsettled(self) -> ExportQuerySet:
        """Exports whose job has ended without a file, and which do not say so yet."""
        ended = Q(job__status__in=[JobStatus.FAILED, JobStatus.CANCELLED]) | Q(job=None)
        return self.filter(ended, outcome="")


class Export(models.Model):
    """One file made of one or more analyses by one job."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="exports", db_index=False)
    job = models.OneToOneField(Job, null=True, on_delete=models.SET_NULL, related_name="export")
    # Ids and no foreign keys: a finished file says what it was made of, also when that has been deleted.
    analyses = ArrayField(models.BigIntegerField())
    portfolio = models.BooleanField(
        default=False, db_default=False
    )  # all repositories of the project, as they stood
    format = models.CharField(max_length=40)
    options = models.JSONField(default=dict, blank=True)
    outcome = models.CharField(max_length=10, choices=Outcome.choices, blank=True)
    artifact = models.CharField(max_length=300, blank=True)  # its name in the default storage
    file_name = models.CharField(max_length=200, blank=True)
    media_type = models.CharField(max_length=100, blank=True)
    bytes = models.BigIntegerField(null=True)
    sha256 = models.CharField(max_length=64, blank=True)
    error_code = models.CharField(max_length=60, blank=True)
    error_message = models.TextField(blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    completed_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True)

    status: str  # only on rows read `with_status`

    objects = ExportQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(outcome__in=["", *Outcome.values]), name="export_outcome_known"
            ),
            models.CheckConstraint(
                condition=Q(outcome=Outcome.COMPLETED, bytes__isnull=False) & ~Q(artifact="") & ~Q(sha256="")
                | ~Q(outcome=Outcome.COMPLETED) & Q(artifact="", bytes__isnull=True),
                name="export_file_when_completed",
            ),
            models.CheckConstraint(
                condition=Q(outcome="", completed_at__isnull=True, expires_at__isnull=True)
                | ~Q(outcome="") & Q(completed_at__isnull=False, expires_at__isnull=False),
                name="export_times_when_ended",
            ),
        ]
        indexes = [
            # serves: GET /exports?project=&status=&format=, newest first; a project has hundreds, so it filters the rest
            models.Index(fields=["project", "-id"], name="export_project_recent"),
            # serves: GET /exports?analysis=
            GinIndex(fields=["analyses"], name="export_analyses"),
            # serves: the end of exports whose time is up, the oldest first
            models.Index(fields=["expires_at"], condition=Q(expires_at__isnull=False), name="export_expires"),
            # serves: settle the exports whose job has ended
            models.Index(fields=["job"], condition=Q(outcome=""), name="export_unsettled"),
        ]

    def __str__(self) -> str:
        return f"export #{self.pk}"
