"""The trend of a portfolio: a row of sums for each project and day, written while the day lasts."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, timedelta
from typing import Any

from django.db import connection
from django.db.models import Count, Sum
from django.utils import timezone

from commandcenter.analysis.models import PortfolioDay, Standing
from commandcenter.inventory.models import Repository

KEPT = timedelta(days=1100)  # three years
MAX_DAYS = 366
SUMMED = (
    "repositories", "analysed", "critical", "high", "medium", "low", "info", "suppressed", "lines_of_code",
    "dependencies",
)  # fmt: skip

_RECORD = """
    INSERT INTO analysis_portfolioday (project_id, day, repositories, analysed, critical, high, medium, low, info,
                                       suppressed, lines_of_code, dependencies)
    SELECT r.project_id, %(day)s, count(*), count(s.analysed_at), sum(s.critical), sum(s.high), sum(s.medium),
           sum(s.low), sum(s.info), sum(s.suppressed), sum(s.lines_of_code), sum(s.dependencies)
      FROM inventory_repository r LEFT JOIN analysis_standing s ON s.repository_id = r.id
     WHERE %(project)s::bigint IS NULL OR r.project_id = %(project)s
     GROUP BY r.project_id ORDER BY r.project_id
    ON CONFLICT (project_id, day) DO UPDATE
       SET (repositories, analysed, critical, high, medium, low, info, suppressed, lines_of_code, dependencies)
         = (excluded.repositories, excluded.analysed, excluded.critical, excluded.high, excluded.medium, excluded.low,
            excluded.info, excluded.suppressed, excluded.lines_of_code, excluded.dependencies)
"""


def record(day: date | None = None) -> None:
    """Write how every project stands as the figures of today, and remove days that are too old."""
    today = day or timezone.now().date()
    with connection.cursor() as cursor:
        cursor.execute(_RECORD, {"day": today, "project": None})
    PortfolioDay.objects.filter(day__lt=today - KEPT).delete()


def begin(project_id: int) -> None:
    """Write a project's figures of today where there are none yet, so that its first analysis is not an hour too late."""
    today = timezone.now().date()
    if not PortfolioDay.objects.filter(project=project_id, day=today).exists():
        with connection.cursor() as cursor:
            cursor.execute(_RECORD, {"day": today, "project": project_id})


def now(projects: Collection[int]) -> dict[str, Any]:
    """Return the sums over these projects at this moment, as in a row of `trend`; what nobody measured is None."""
    standings = Standing.objects.filter(repository__project__in=projects)
    sums = {name: Sum(name) for name in SUMMED if name not in {"repositories", "analysed"}}
    return {
        "repositories": Repository.objects.filter(project__in=projects).count(),
        **standings.aggregate(analysed=Count("analysed_at"), **sums),
    }


def trend(projects: Collection[int], *, days: int) -> list[dict[str, Any]]:
    """Return the sums over these projects, a row for each of the last `days` days that has one, the oldest first.

    Shape: [{day, repositories, analysed, critical, high, medium, low, info, suppressed, lines_of_code, dependencies}].
    All but the first three are sums of what was measured, None on a day on which nobody had measured any of it.
    """
    since = timezone.now().date() - timedelta(days=days - 1)
    rows: Any = (
        PortfolioDay.objects.filter(project__in=projects, day__gte=since)
        .values("day")
        .annotate(**{name: Sum(name) for name in SUMMED})
        .order_by("day")
    )
    return list(rows[:MAX_DAYS])
