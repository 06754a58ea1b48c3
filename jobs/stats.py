"""Totals over jobs, each in one statement."""

from __future__ import annotations

from typing import Any, TypedDict

from django.db.models import Aggregate, Avg, Count, DurationField, ExpressionWrapper, F, FloatField, Q
from django.db.models.functions import Extract

from jobs.models import JobQuerySet, JobStatus


class Statistics(TypedDict):
    """Counts, and durations in seconds; null where nothing has ended yet."""

    total_jobs: int
    jobs_by_status: dict[str, int]
    success_rate: float | None
    average_duration_seconds: float | None
    p95_duration_seconds: float | None


class Percentile(Aggregate):
    """PostgreSQL's percentile_cont: the value below which this share of the rows lies."""

    function = "PERCENTILE_CONT"
    name = "percentile"
    output_field = FloatField()
    template = "%(function)s(%(share)s) WITHIN GROUP (ORDER BY %(expressions)s)"

    def __init__(self, expression: Any, *, share: float, **extra: Any) -> None:
        super().__init__(expression, share=float(share), **extra)


def statistics(jobs: JobQuerySet) -> Statistics:
    """Return the totals of these jobs. `success_rate` is completed / (completed + failed), 0 to 1.

    Durations are of completed jobs, from the start of their last attempt.
    """
    taken = Extract(ExpressionWrapper(F("completed_at") - F("started_at"), DurationField()), "epoch")
    completed = Q(status=JobStatus.COMPLETED)
    row = jobs.order_by().aggregate(
        total=Count("pk"),
        average=Avg(taken, filter=completed, output_field=FloatField()),
        p95=Percentile(taken, share=0.95, filter=completed),
        **{f"status_{status}": Count("pk", filter=Q(status=status)) for status in JobStatus.values},
    )
    ended = row["status_completed"] + row["status_failed"]
    return {
        "total_jobs": row["total"],
        "jobs_by_status": {status: row[f"status_{status}"] for status in JobStatus.values},
        "success_rate": row["status_completed"] / ended if ended else None,
        "average_duration_seconds": _seconds(row["average"]),
        "p95_duration_seconds": _seconds(row["p95"]),
    }


def _seconds(value: float | None) -> float | None:
    return None if value is None else round(float(value), 3)
