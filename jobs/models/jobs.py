"""A job, the narrow row that beats while it runs, and what happened to it."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.db import models
from django.db.models import Q
from django.utils import timezone

from commandcenter.accounts.models import User
from commandcenter.inventory.models import Project, Repository


class JobStatus(models.TextChoices):
    """The states of a job. `jobs.state` alone writes them, along TRANSITIONS."""

    PENDING = "pending", "Pending"  # created, not yet dispatched
    QUEUED = "queued", "Queued"  # waits for a worker, or for `not_before`
    RUNNING = "running", "Running"  # a worker holds the lease
    COMPLETED = "completed", "Completed"
    FAILED = "failed", "Failed"
    CANCELLED = "cancelled", "Cancelled"


TERMINAL = (JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.CANCELLED)
ACTIVE = (JobStatus.PENDING, JobStatus.QUEUED, JobStatus.RUNNING)
FOREGROUND = "foreground"  # the queue of jobs that a command runs by itself; no worker consumes it


class JobType(models.TextChoices):
    """What a job does. Which types can run here is said by settings.JOB_HANDLERS."""

    ANALYSIS = "analysis", "Analysis"
    EXPORT = "export", "Export"
    IMPORT = "import", "Import"
    BATCH_ANALYSIS = "batch_analysis", "Batch analysis"
    BATCH_EXPORT = "batch_export", "Batch export"


class OriginKind(models.TextChoices):
    """What asked for a job; data, not a foreign key, for the asker may be an app above this one."""

    API = "api", "API"
    PAGE = "page", "Page"
    SCHEDULE = "schedule", "Schedule"
    BATCH = "batch", "Batch"
    WEBHOOK = "webhook", "Webhook"
    COMMAND = "command", "Command line"


class JobQuerySet(models.QuerySet["Job"]):
    """Reads of jobs."""

    def visible_to(
        self, user: User | AnonymousUser, *, token_projects: list[int] | None = None
    ) -> JobQuerySet:
        """Jobs of projects that the user may see."""
        return self.filter(project__in=Project.objects.visible_to(user, token_projects=token_projects))

    def active(self) -> JobQuerySet:
        """Jobs that have not ended."""
        return self.filter(status__in=ACTIVE)

    def for_project(self, project: Project | int) -> JobQuerySet:
        """Jobs of one project."""
        return self.filter(project=project)


class Job(models.Model):
    """One piece of background work and its outcome. The row is the result; no message carries it."""

    # Its own indexes below begin with the project, and those of the other references leave out what has none.
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="jobs", db_index=False)
    job_type = models.CharField(max_length=20, choices=JobType.choices)
    status = models.CharField(max_length=10, choices=JobStatus.choices, default=JobStatus.PENDING)
    parameters = models.JSONField(default=dict, blank=True)
    result = models.JSONField(null=True, blank=True)
    error_code = models.CharField(max_length=60, blank=True)
    error_message = models.TextField(blank=True)
    tags = models.JSONField(default=dict, blank=True)
    queue = models.CharField(max_length=20)  # one of settings.QUEUES, or FOREGROUND
    attempt = models.PositiveIntegerField(default=0)  # claims so far, the running one included
    max_attempts = models.PositiveIntegerField(default=3)
    failures = models.PositiveIntegerField(default=0)  # attempts that ended in a failure of the work
    losses = models.PositiveIntegerField(default=0)  # attempts whose worker was lost
    dispatch_id = models.UUIDField(null=True, editable=False)  # which message may claim it
    celery_task_id = models.CharField(max_length=64, blank=True)
    not_before = models.DateTimeField(null=True, blank=True)
    parent = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.CASCADE, related_name="children", db_index=False
    )
    retry_of = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.SET_NULL, related_name="retries", db_index=False
    )
    # What the job works on, where it is one repository: for limits, and for the repository's own list of jobs.
    repository = models.ForeignKey(
        Repository, null=True, blank=True, on_delete=models.SET_NULL, related_name="jobs", db_index=False
    )
    exclusive_key = models.CharField(
        max_length=120, blank=True
    )  # of jobs with the same one, one runs at a time
    join_key = models.CharField(max_length=64, blank=True)  # of active jobs with the same one, there is one
    held_by = models.CharField(max_length=140, blank=True)  # the limit or pause for which a queued job waits
    # Which part of its parent's batch it does; without a parent, the message of beat's that asked for it.
    child_key = models.CharField(max_length=80, blank=True)
    awaits_children = models.BooleanField(
        default=False
    )  # runs without a worker until its children have ended
    origin_kind = models.CharField(max_length=10, choices=OriginKind.choices, default=OriginKind.API)
    origin_id = models.BigIntegerField(null=True, blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    queued_at = models.DateTimeField(null=True, blank=True)
    published_at = models.DateTimeField(null=True, blank=True)  # the last hint sent to the broker
    started_at = models.DateTimeField(null=True, blank=True)  # of the last attempt
    # From when it was queued, or due if that was later, until its first attempt began; null before, and without a queue.
    waited_seconds = models.FloatField(null=True, blank=True, editable=False)
    completed_at = models.DateTimeField(null=True, blank=True)

    joined = False  # of the instance that a request got which joined a job instead of making one

    objects = JobQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(status__in=JobStatus.values), name="job_status_known"),
            models.CheckConstraint(
                condition=Q(status__in=TERMINAL, completed_at__isnull=False)
                | Q(status__in=ACTIVE, completed_at__isnull=True),
                name="job_completed_at_when_terminal",
            ),
            models.UniqueConstraint(
                fields=["exclusive_key"],
                condition=Q(status=JobStatus.RUNNING) & ~Q(exclusive_key=""),
                name="job_exclusive_runs_alone",
            ),
            models.UniqueConstraint(
                fields=["join_key"],
                condition=Q(status__in=(JobStatus.QUEUED, JobStatus.RUNNING)) & ~Q(join_key=""),
                name="job_joined_is_one",
            ),
            # serves as well: the part of a batch that a second attempt finds made already
            models.UniqueConstraint(
                fields=["parent", "child_key"], condition=~Q(child_key=""), name="job_child_made_once"
            ),
            # serves as well: the job that a message has made already
            models.UniqueConstraint(
                fields=["child_key"], condition=Q(parent=None) & ~Q(child_key=""), name="job_message_once"
            ),
        ]
        indexes = [
            # Lists run by (created_at, id), newest first; each index for them ends in both, so that a page is read from
            # where the cursor stands and ends a range of created_at as well. jobs/lists/arms.py chooses.
            # serves: GET /jobs
            models.Index(fields=["-created_at", "-id"], name="job_recent"),
            # serves: GET /jobs?status= and ?job_type= over all projects, a read for each pair
            models.Index(fields=["status", "job_type", "-created_at", "-id"], name="job_status_recent"),
            # serves: GET /jobs?project=, and what one sees who is in some projects only
            models.Index(fields=["project", "-created_at", "-id"], name="job_project_recent"),
            # serves: GET /jobs?project=&status= and ?project=&job_type=
            models.Index(
                fields=["project", "status", "job_type", "-created_at", "-id"], name="job_project_status"
            ),
            # serves: the sweeper and the reaper, and GET /jobs/active
            models.Index(
                fields=["status", "published_at"], condition=Q(status__in=ACTIVE), name="job_active"
            ),
            # serves: the position in the queue, and the sweeper
            models.Index(
                fields=["queue", "queued_at", "id"],
                condition=Q(status=JobStatus.QUEUED),
                name="job_queue_order",
            ),
            # serves: the children of a batch
            models.Index(fields=["parent", "status"], condition=Q(parent__isnull=False), name="job_parent"),
            # serves: GET /jobs?parent=
            models.Index(
                fields=["parent", "-created_at", "-id"],
                include=["project", "status", "job_type"],
                condition=Q(parent__isnull=False),
                name="job_parent_recent",
            ),
            # serves: GET /jobs?retry_of=, and the end of the reference when that job is deleted
            models.Index(
                fields=["retry_of", "-created_at", "-id"],
                condition=Q(retry_of__isnull=False),
                name="job_retry_of",
            ),
            # serves: GET /jobs?repository=, and the end of the reference when it is deleted
            models.Index(
                fields=["repository", "-created_at", "-id"],
                include=["project", "status", "job_type"],
                condition=Q(repository__isnull=False),
                name="job_repository",
            ),
            # serves: letting go what waits for a limit or a pause, oldest first
            models.Index(
                fields=["held_by", "queued_at", "id"],
                condition=Q(status=JobStatus.QUEUED) & ~Q(held_by=""),
                name="job_held",
            ),
            # serves: batches whose children may all have ended
            models.Index(fields=["id"], condition=Q(awaits_children=True), name="job_awaits_children"),
            # serves: the removal of old logs and the archive, in the order of the ends
            models.Index(
                fields=["completed_at", "id"], condition=Q(completed_at__isnull=False), name="job_ended"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.job_type} #{self.pk}"

    @property
    def is_terminal(self) -> bool:
        """True when the job has ended and will not change again."""
        return self.status in TERMINAL


class JobRun(models.Model):
    """What changes while a job runs: lease, heartbeat, progress and the last event number.

    Narrow and half empty on purpose (fillfactor 50, set by migration), so that beating updates in place.
    """

    job = models.OneToOneField(Job, on_delete=models.CASCADE, primary_key=True, related_name="run")
    fencing_token = models.BigIntegerField(default=0)  # rises with each claim and each end of one
    lease_expires_at = models.DateTimeField(null=True)  # null: nobody holds it
    heartbeat_at = models.DateTimeField(null=True)
    deadline_at = models.DateTimeField(null=True)  # the hard time limit of the running attempt
    # Here and not on Job, so that asking never waits for the transaction in which a job completes.
    cancel_requested_at = models.DateTimeField(null=True)
    worker = models.CharField(max_length=120, blank=True)
    last_seq = models.BigIntegerField(default=0)
    progress = models.PositiveSmallIntegerField(default=0)
    current_step = models.CharField(max_length=200, blank=True)
    log_bytes = models.PositiveIntegerField(default=0)  # of log events, capped per job
    log_lines_cut = models.PositiveIntegerField(default=0)  # beyond the cap
    duplicates = models.PositiveIntegerField(default=0)  # messages that came again and were dropped
    # Set in the transaction that ends the job, cleared in the one that counts it: none is missed, none counted twice.
    uncounted = models.BooleanField(default=False, db_default=False)
    events_pruned_at = models.DateTimeField(null=True)  # when old log and progress events were removed

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(progress__lte=100), name="jobrun_progress_0_to_100"),
        ]
        indexes = [
            # serves: the statistics; heartbeats do not touch the column, and so still update in place
            models.Index(fields=["job"], condition=Q(uncounted=True), name="jobrun_uncounted"),
        ]
        # Without an index on lease_expires_at: the reaper starts from job_active, which is small,
        # and an index here would make each heartbeat write to it.

    def __str__(self) -> str:
        return f"run of job {self.job_id}"


class JobEventType(models.TextChoices):
    """What a job event says; the same words as on the socket."""

    STATE = "state", "State"
    PROGRESS = "progress", "Progress"
    LOG = "log", "Log"


class JobEvent(models.Model):
    """One numbered line of a job's history. Numbers start at 1 and have no gap."""

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="events", db_index=False)
    seq = models.BigIntegerField()
    type = models.CharField(max_length=10, choices=JobEventType.choices)
    data = models.JSONField(default=dict)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            # serves as well: GET /jobs/{id}/events?after=, the removal of old logs, and the end of a job
            models.UniqueConstraint(fields=["job", "seq"], name="jobevent_job_seq_unique"),
        ]

    def __str__(self) -> str:
        return f"job {self.job_id} #{self.seq} {self.type}"
