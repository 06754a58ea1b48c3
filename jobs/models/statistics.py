"""What is left of jobs when they are counted: sums and histograms by project, type and day."""

from __future__ import annotations

from django.db import models

from commandcenter.inventory.models import Project
from jobs.models.jobs import JobType


class Tally(models.Model):
    """Counts of ended jobs. A histogram is {bucket: count} as `jobs.histograms` defines the buckets."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="+", db_index=False)
    job_type = models.CharField(max_length=20, choices=JobType.choices)
    completed = models.BigIntegerField(default=0)
    failed = models.BigIntegerField(default=0)
    cancelled = models.BigIntegerField(default=0)
    losses = models.BigIntegerField(default=0)  # attempts whose worker was lost
    duplicates = models.BigIntegerField(default=0)  # messages dropped until the job was counted
    run_seconds = models.FloatField(default=0)  # of completed jobs, from the start of their last attempt
    wait_seconds = models.FloatField(default=0)  # of jobs that a worker took, see Job.waited_seconds
    run_histogram = models.JSONField(default=dict)
    wait_histogram = models.JSONField(default=dict)

    class Meta:
        abstract = True


class JobDay(Tally):
    """The jobs of one type that ended in a project on one day, in UTC."""

    day = models.DateField()

    class Meta:
        constraints = [
            # serves as well: the days of some projects, and the end of a project
            models.UniqueConstraint(fields=["project", "day", "job_type"], name="jobday_once"),
        ]

    def __str__(self) -> str:
        return f"{self.job_type} jobs of project {self.project_id} on {self.day}"


class JobTotal(Tally):
    """All jobs of one type that have ended in a project: so that "ever" costs no more than a day."""

    class Meta:
        constraints = [
            # serves as well: the totals of some projects, and the end of a project
            models.UniqueConstraint(fields=["project", "job_type"], name="jobtotal_once"),
        ]

    def __str__(self) -> str:
        return f"{self.job_type} jobs of project {self.project_id}"
