"""What is left of jobs when they are counted: sums and histograms by project, type and day."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.db import models

from commandcenter.inventory.models import Project
from jobs.models.jobs import JobType
from jobs.statistics.histograms import Histogram, pack, unpack


class Tally(models.Model):
    """Counts of ended jobs. A histogram is {bucket: count} as `jobs.statistics.histograms` defines the buckets."""

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


class HistogramField(models.Field):  # type: ignore[type-arg]
    """A histogram, stored as one number: see `jobs.statistics.histograms.pack`. PostgreSQL's numeric has no limit that matters."""

    def db_type(self, connection: Any) -> str:
        """Return PostgreSQL's type."""
        return "numeric"

    def from_db_value(self, value: Decimal | None, expression: Any, connection: Any) -> Histogram | None:
        """Return {bucket: count}."""
        return None if value is None else unpack(f"{value:f}")

    def get_prep_value(self, value: Histogram | None) -> Decimal | None:
        """Return the number."""
        return None if value is None else Decimal(pack(value))


class JobDay(Tally):
    """The jobs of one type that ended in a project on one day, in UTC."""

    run_histogram = HistogramField(default=dict)
    wait_histogram = HistogramField(default=dict)
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

    run_histogram = HistogramField(default=dict)
    wait_histogram = HistogramField(default=dict)

    class Meta:
        constraints = [
            # serves as well: the totals of some projects, and the end of a project
            models.UniqueConstraint(fields=["project", "job_type"], name="jobtotal_once"),
        ]

    def __str__(self) -> str:
        return f"{self.job_type} jobs of project {self.project_id}"
