"""What the platform has done since its beginning, whatever became of the jobs: for counters that only rise."""

from __future__ import annotations

from django.db import models

from jobs.models.statistics import Tally


class JobTypeTotal(Tally):
    """All jobs of one type that have ended, those of deleted projects among them: one row a type."""

    project = None  # type: ignore[assignment]  # Django leaves an inherited field out so

    class Meta:
        constraints = [models.UniqueConstraint(fields=["job_type"], name="jobtypetotal_once")]

    def __str__(self) -> str:
        return f"all {self.job_type} jobs"


class PlatformCount(models.Model):
    """How often something happened. Rows are raised by one and never lowered."""

    name = models.CharField(max_length=60, primary_key=True)
    value = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.name}: {self.value}"
