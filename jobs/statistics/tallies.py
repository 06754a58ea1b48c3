"""Adding up ended jobs: the same sum for the stored statistics and for the jobs that they do not hold yet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from jobs.models import JobStatus
from jobs.statistics.histograms import Histogram, add, bucket

# Columns of `jobs_job j` and `jobs_jobrun r`, in the order in which Sum.take reads them after the key.
KEY = "j.project_id, j.job_type, (j.completed_at AT TIME ZONE 'UTC')::date"
FACTS = """j.status,
    CASE WHEN j.status = 'completed' THEN extract(epoch FROM j.completed_at - j.started_at)::float8 END,
    j.waited_seconds, j.losses, r.duplicates"""
COUNTS = ("completed", "failed", "cancelled", "losses", "duplicates", "run_seconds", "wait_seconds")


@dataclass(slots=True)
class Sum:
    """Ended jobs added up. Times are in seconds; a histogram's total is the number of times in its sum."""

    completed: int = 0
    failed: int = 0
    cancelled: int = 0
    losses: int = 0
    duplicates: int = 0
    run_seconds: float = 0.0
    wait_seconds: float = 0.0
    run_histogram: Histogram = field(default_factory=dict)
    wait_histogram: Histogram = field(default_factory=dict)

    def take(
        self,
        status: str,
        run_seconds: float | None,
        waited_seconds: float | None,
        losses: int,
        duplicates: int,
    ) -> None:
        """Add one job."""
        match status:
            case JobStatus.COMPLETED:
                self.completed += 1
            case JobStatus.FAILED:
                self.failed += 1
            case _:
                self.cancelled += 1
        self.losses += losses
        self.duplicates += duplicates
        if run_seconds is not None:
            self.run_seconds += max(0.0, run_seconds)
            add(self.run_histogram, {bucket(run_seconds): 1})
        if waited_seconds is not None:
            self.wait_seconds += waited_seconds
            add(self.wait_histogram, {bucket(waited_seconds): 1})

    def merge(self, other: Any) -> None:
        """Add another sum, or a row of a Tally."""
        for name in COUNTS:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.merge_histograms(other.run_histogram, other.wait_histogram)

    def merge_histograms(self, run: Mapping[str, int], wait: Mapping[str, int]) -> None:
        """Add the counts of two histograms."""
        add(self.run_histogram, run)
        add(self.wait_histogram, wait)
