"""What became of one run of a schedule."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from schedules.models.schedules import Schedule


class FiringStatus(models.TextChoices):
    """Where a run stands. It succeeded when its job did, not when that was sent."""

    WAITING = "waiting", "Waiting"  # for an earlier run to end
    STARTED = "started", "Started"  # its job has not ended
    SUCCEEDED = "succeeded", "Succeeded"
    FAILED = "failed", "Failed"
    CANCELLED = "cancelled", "Cancelled"
    SKIPPED = "skipped", "Skipped"  # on purpose: overlap, blackout
    MISSED = "missed", "Missed"  # too late, and the policy makes up for nothing
    REFUSED = "refused", "Refused"  # its job could not be made


OPEN = (FiringStatus.WAITING, FiringStatus.STARTED)


class FiringKind(models.TextChoices):
    """Why it ran."""

    SCHEDULED = "scheduled", "Scheduled"
    MANUAL = "manual", "Started by hand"
    BACKFILL = "backfill", "Backfill"


class Firing(models.Model):
    """One run: due at a time, decided at another, with the job that it started."""

    schedule = models.ForeignKey(Schedule, on_delete=models.CASCADE, related_name="firings", db_index=False)
    kind = models.CharField(max_length=9, choices=FiringKind.choices, default=FiringKind.SCHEDULED)
    scheduled_for = models.DateTimeField()  # by the clock, without jitter
    due_at = models.DateTimeField()  # with it
    decided_at = models.DateTimeField()  # by the database's clock
    status = models.CharField(max_length=9, choices=FiringStatus.choices)
    reason = models.CharField(max_length=30, blank=True)  # a code, where it did not run
    detail = models.CharField(max_length=500, blank=True)
    # Further runs that were missed and that this one stands for.
    merged = models.PositiveIntegerField(default=0)
    # No reference: jobs are archived and deleted, and what became of the run stays.
    job_id = models.BigIntegerField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    seconds = models.FloatField(null=True, blank=True)  # that its job ran, from its last start to its end
    overran = models.BooleanField(default=False)  # it took much longer than usual, and that was said

    class Meta:
        constraints = [
            # serves as well: the history of a schedule
            models.UniqueConstraint(fields=["schedule", "scheduled_for", "kind"], name="firing_once"),
            models.CheckConstraint(condition=Q(status__in=FiringStatus.values), name="firing_status_known"),
        ]
        indexes = [
            # serves: GET /schedules/{id}/firings, newest first
            models.Index(fields=["schedule", "-id"], name="firing_recent"),
            # serves: what has not ended, of one schedule and of all
            models.Index(fields=["schedule", "status"], condition=Q(status__in=OPEN), name="firing_open"),
            # serves: the end of a job
            models.Index(fields=["job_id"], condition=Q(status=FiringStatus.STARTED), name="firing_of_job"),
            # serves: pruning by age
            models.Index(fields=["decided_at"], name="firing_decided"),
        ]

    def __str__(self) -> str:
        return f"{self.schedule_id} at {self.scheduled_for:%Y-%m-%d %H:%M:%S} UTC: {self.status}"

    @property
    def late_seconds(self) -> float:
        """How long after it was due it was decided."""
        return (self.decided_at - self.due_at).total_seconds()
