"""How schedules fare altogether, and what became of their runs lately.

Whoever may see a hundred thousand schedules asks for figures over all of them: so an answer is kept for half a minute,
and lateness is that of the latest runs.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, TypedDict

from django.core.cache import caches
from django.db import connection
from django.db.models import Count, Q, QuerySet

from schedules.clock import database_time
from schedules.health import HealthStatus, status_at
from schedules.models import Firing, FiringKind, FiringStatus, Schedule

KEPT_SECONDS = 30
PERIODS = {"last_24_hours": timedelta(days=1), "last_7_days": timedelta(days=7)}
LATEST = 10_000  # runs whose lateness is looked at


class Runs(TypedDict):
    """What became of the runs of a period."""

    total: int
    by_status: dict[str, int]
    success_rate: float | None  # of those that succeeded or failed


class Lateness(TypedDict):
    """How long after they were due runs were decided, in seconds; of at most LATEST runs of the last day."""

    runs: int
    mean_seconds: float | None
    p95_seconds: float | None


class Statistics(TypedDict):
    """The answer; `as_of` is when it was counted."""

    as_of: datetime
    total: int
    enabled: int
    paused: int
    by_health: dict[str, int]
    runs: dict[str, Runs]
    lateness: Lateness


_LATENESS = """
    SELECT count(*), avg(late), percentile_disc(0.95) WITHIN GROUP (ORDER BY late) FROM (
        SELECT extract(epoch FROM decided_at - due_at)::float8 AS late
        FROM schedules_firing
        WHERE kind = %(kind)s AND decided_at > %(since)s AND (%(projects)s::bigint[] IS NULL OR schedule_id IN (
            SELECT id FROM schedules_schedule WHERE project_id = ANY(%(projects)s)
        ))
        ORDER BY decided_at DESC
        LIMIT %(most)s
    ) AS latest
"""


def statistics(projects: Sequence[int] | None) -> Statistics:
    """Return the figures of these projects, of all where it is None; they may be half a minute old."""
    named = "all" if projects is None else ",".join(map(str, sorted(projects)))
    key = f"schedules:statistics:{hashlib.sha256(named.encode()).hexdigest()[:32]}"
    found: Statistics | None = caches["default"].get(key)
    if found is None:
        found = _counted(projects)
        caches["default"].set(key, found, timeout=KEPT_SECONDS)
    return found


def _counted(projects: Sequence[int] | None) -> Statistics:
    now = database_time()
    schedules, firings = Schedule.objects.all(), Firing.objects.all()
    if projects is not None:
        schedules = schedules.filter(project__in=projects)
        firings = firings.filter(schedule__project__in=projects)
    by_health = _by_health(schedules, now)
    total, paused = sum(by_health.values()), by_health[HealthStatus.PAUSED]
    return {
        "as_of": now,
        "total": total,
        "enabled": total - paused,
        "paused": paused,
        "by_health": by_health,
        "runs": _runs(firings, now),
        "lateness": _lateness(projects, now),
    }


def _by_health(schedules: QuerySet[Schedule], now: datetime) -> dict[str, int]:
    rows = schedules.order_by().values(health=status_at(now)).annotate(count=Count("pk"))
    counted = {row["health"]: row["count"] for row in rows}
    return {str(each): counted.get(str(each), 0) for each in HealthStatus}


def _runs(firings: QuerySet[Firing], now: datetime) -> dict[str, Runs]:
    """Count the runs of each period by status, in one query."""
    counts = {name: Count("pk", filter=Q(decided_at__gt=now - since)) for name, since in PERIODS.items()}
    longest = max(PERIODS.values())
    rows: Any = list(
        firings.filter(decided_at__gt=now - longest).order_by().values("status").annotate(**counts)
    )
    return {name: _outcomes({row["status"]: row[name] for row in rows}) for name in PERIODS}


def _outcomes(counted: Mapping[str, int]) -> Runs:
    by_status = {str(each): counted.get(each, 0) for each in FiringStatus}
    ended = by_status[FiringStatus.SUCCEEDED] + by_status[FiringStatus.FAILED]
    return {
        "total": sum(by_status.values()),
        "by_status": by_status,
        "success_rate": by_status[FiringStatus.SUCCEEDED] / ended if ended else None,
    }


def _lateness(projects: Sequence[int] | None, now: datetime) -> Lateness:
    asked: dict[str, Any] = {
        "kind": FiringKind.SCHEDULED,
        "since": now - PERIODS["last_24_hours"],
        "projects": None if projects is None else list(projects),
        "most": LATEST,
    }
    with connection.cursor() as cursor:
        cursor.execute(_LATENESS, asked)
        runs, mean, p95 = cursor.fetchone()
    return {"runs": runs, "mean_seconds": mean, "p95_seconds": p95}
