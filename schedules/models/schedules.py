"""A schedule: which job, when, and what to do when a run is late or the one before has not ended."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import Q

from commandcenter.accounts.models import User
from commandcenter.core.models import TimestampedModel
from commandcenter.inventory.models import Project, Repository
from jobs.models import JobType
from schedules.timing.model import Frequency, Gap, Overlap, Timing
from schedules.timing.patterns import LONGEST


class OverlapPolicy(models.TextChoices):
    """What becomes of a run that is due while an earlier one of its schedule has not ended."""

    SKIP = "skip", "Skip the new run"
    QUEUE = "queue", "Let the new run wait"
    CANCEL_RUNNING = "cancel_running", "Cancel the earlier run"
    ALLOW = "allow", "Run both"


class MisfirePolicy(models.TextChoices):
    """What becomes of runs that are later than the grace, because nothing ticked."""

    FIRE_ONCE = "fire_once", "Run once for all of them"
    FIRE_ALL = "fire_all", "Run each of them"
    SKIP = "skip", "Run none of them"


UNSUCCESSFUL = ("failed", "missed", "refused")  # ends of a run after which its schedule is failing
OUTCOME = ("last_outcome", "last_outcome_at", "last_outcome_detail")


class ScheduleQuerySet(models.QuerySet["Schedule"]):
    """Reads of schedules."""

    def visible_to(
        self, user: User | AnonymousUser, *, token_projects: list[int] | None = None
    ) -> ScheduleQuerySet:
        """Schedules of projects that the user may see."""
        return self.filter(project__in=Project.objects.visible_to(user, token_projects=token_projects))


class Schedule(TimestampedModel):
    """When jobs of one kind run by themselves. `schedules.keeping` changes it, `schedules.ticking` moves it on."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="schedules", db_index=False)
    name = models.CharField(max_length=200)
    description = models.TextField(blank=True, max_length=2000)
    repository = models.ForeignKey(
        Repository, null=True, blank=True, on_delete=models.SET_NULL, related_name="schedules"
    )
    tags = models.JSONField(default=list, blank=True)
    job_type = models.CharField(max_length=20, choices=JobType.choices)
    parameters = models.JSONField(default=dict, blank=True)

    frequency = models.CharField(
        max_length=10, choices=[(each.value, each.value.title()) for each in Frequency]
    )
    timezone = models.CharField(max_length=64, default="UTC")
    cron = models.CharField(max_length=LONGEST, blank=True)
    interval_seconds = models.PositiveIntegerField(null=True, blank=True)
    run_at = models.DateTimeField(null=True, blank=True)
    time = models.TimeField(null=True, blank=True)
    weekday = models.PositiveSmallIntegerField(null=True, blank=True)  # ISO 8601: 1 is Monday
    month_day = models.PositiveSmallIntegerField(null=True, blank=True)  # 0 is the last one
    window_start = models.TimeField(null=True, blank=True)
    window_end = models.TimeField(null=True, blank=True)
    starts_at = models.DateTimeField(null=True, blank=True)
    ends_at = models.DateTimeField(null=True, blank=True)
    dst_gap = models.CharField(
        max_length=5, choices=[(each.value, each.value) for each in Gap], default=Gap.RUN
    )
    dst_overlap = models.CharField(
        max_length=5, choices=[(each.value, each.value) for each in Overlap], default=Overlap.FIRST
    )
    jitter_seconds = models.PositiveIntegerField(default=0)

    overlap_policy = models.CharField(
        max_length=14, choices=OverlapPolicy.choices, default=OverlapPolicy.SKIP
    )
    misfire_policy = models.CharField(
        max_length=9, choices=MisfirePolicy.choices, default=MisfirePolicy.FIRE_ONCE
    )
    misfire_grace_seconds = models.PositiveIntegerField(default=300)
    pause_after_failures = models.PositiveSmallIntegerField(null=True, blank=True)  # null: never by itself

    enabled = models.BooleanField(default=True)
    pause_reason = models.CharField(max_length=500, blank=True)
    paused_at = models.DateTimeField(null=True, blank=True)
    paused_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )  # null: by itself, or whoever did it is gone
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )  # on whose behalf it runs

    # The next run is the first one after `counted_from`: of its own times, never of when the last one really began.
    counted_from = models.DateTimeField(editable=False)
    next_scheduled_for = models.DateTimeField(null=True, editable=False)
    next_run_at = models.DateTimeField(null=True, editable=False)  # with the jitter; null: there is none
    last_run_at = models.DateTimeField(null=True, editable=False)
    consecutive_failures = models.PositiveIntegerField(default=0, editable=False)
    # What became of the last run that ended, was given up or could not start ("": none yet), so that the health of
    # a hundred thousand is read, and filtered, without their runs. A skipped run says nothing about it.
    last_outcome = models.CharField(max_length=9, blank=True, default="", db_default="", editable=False)
    last_outcome_at = models.DateTimeField(null=True, editable=False)
    last_outcome_detail = models.CharField(
        max_length=500, blank=True, default="", db_default="", editable=False
    )
    # By how much its last decided run was late, null where that was within the grace; of runs that were due before
    # `missed_told_at` it was said already that they were late.
    last_late_seconds = models.PositiveIntegerField(null=True, editable=False)
    missed_told_at = models.DateTimeField(null=True, editable=False)

    objects = ScheduleQuerySet.as_manager()

    class Meta:
        constraints = [
            # serves as well: schedules of a project
            models.UniqueConstraint(fields=["project", "name"], name="schedule_project_name_unique"),
        ]
        indexes = [
            # serves: the tick's claim, and what is due soon
            models.Index(fields=["next_run_at", "id"], condition=Q(enabled=True), name="schedule_due"),
            # serves: GET /schedules?health=failing
            models.Index(
                fields=["id"],
                condition=Q(enabled=True, last_outcome__in=UNSUCCESSFUL),
                name="schedule_failing",
            ),
            # serves: GET /schedules?tag=
            GinIndex(fields=["tags"], opclasses=["jsonb_path_ops"], name="schedule_tags"),
        ]

    def __str__(self) -> str:
        return self.name

    def note_outcome(self, status: str, at: datetime, detail: str = "") -> None:
        """Note what became of its last run; the caller saves OUTCOME."""
        self.last_outcome, self.last_outcome_at, self.last_outcome_detail = status, at, detail

    @property
    def timing(self) -> Timing:
        """When it fires."""
        return Timing(
            frequency=Frequency(self.frequency),
            timezone=self.timezone,
            cron=self.cron,
            interval_seconds=self.interval_seconds,
            run_at=self.run_at,
            time=self.time,
            weekday=self.weekday,
            month_day=self.month_day,
            window_start=self.window_start,
            window_end=self.window_end,
            starts_at=self.starts_at,
            ends_at=self.ends_at,
            gap=Gap(self.dst_gap),
            overlap=Overlap(self.dst_overlap),
        )
