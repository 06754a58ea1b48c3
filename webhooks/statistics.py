"""How deliveries fare: attempts, success and latency, altogether, by endpoint, by type and by the hour.

They are read from sums by the hour, never from attempts; whoever may see thousands of endpoints asks for figures over
all of them, so that an answer is kept for half a minute.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, TypedDict

from django.core.cache import caches
from django.db import connection
from django.utils import timezone

from jobs.statistics.histograms import Histogram, add, quantile, unpack
from webhooks.models import HELD, SHOWN, DeliveryStatus, Endpoint
from webhooks.tallies import MEASURED, SUCCEEDED

KEPT_SECONDS = 30
HOUR = timedelta(hours=1)
USUAL, LONGEST = timedelta(days=1), timedelta(days=31)
MOST_ENDPOINTS = 100  # that are shown by themselves
MOST_COUNTED = 10_000  # deliveries of a status


class Latency(TypedDict):
    """Percentiles in whole milliseconds, at most 5 % off; None where nothing was measured."""

    p50_ms: int | None
    p95_ms: int | None


class Figures(TypedDict):
    """What came of attempts. `failures`: how many of each class; `success_rate`: None without any attempt."""

    attempts: int
    succeeded: int
    failed: int
    failures: dict[str, int]
    success_rate: float | None
    latency: Latency


class EndpointFigures(Figures):
    """Those of one endpoint."""

    endpoint: int


class TypeFigures(Figures):
    """Those of events of one type."""

    type: str


class HourFigures(Figures):
    """Those of one hour."""

    hour: datetime


class Statistics(TypedDict):
    """The answer. `deliveries`: how many are shown with each status now, MOST_COUNTED + 1 where there are more."""

    as_of: datetime
    since: datetime
    total: Figures
    deliveries: dict[str, int]
    by_endpoint: list[EndpointFigures]
    by_type: list[TypeFigures]
    hours: list[HourFigures]


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked for: endpoints by id, None for all; types of events, none for all; since when."""

    endpoints: Sequence[int] | None
    types: Collection[str]
    since: datetime

    @property
    def key(self) -> str:
        """Name it in the cache."""
        endpoints = None if self.endpoints is None else sorted(self.endpoints)
        text = repr((endpoints, sorted(self.types), self.since.isoformat()))
        return f"webhooks:statistics:{hashlib.sha256(text.encode()).hexdigest()[:32]}"

    @property
    def values(self) -> dict[str, Any]:
        """Return the parameters of a query."""
        return {
            "endpoints": None if self.endpoints is None else list(self.endpoints),
            "types": list(self.types) or None,
            "since": self.since,
        }


@dataclass(slots=True)
class _Sum:
    outcomes: dict[str, int] = field(default_factory=dict)
    latency: Histogram = field(default_factory=dict)

    @property
    def attempts(self) -> int:
        return sum(self.outcomes.values())


_SUMS = """
    SELECT endpoint_id, type, hour, outcome, sum(attempts)::bigint, sum(latency)::text
    FROM webhooks_attempthour
    WHERE hour >= %(since)s
      AND (%(endpoints)s::bigint[] IS NULL OR endpoint_id = ANY(%(endpoints)s))
      AND (%(types)s::text[] IS NULL OR type = ANY(%(types)s))
    GROUP BY GROUPING SETS ((outcome), (endpoint_id, outcome), (type, outcome), (hour, outcome))
"""
# Each status is counted for itself, from one index, and no further than the limit.
_STATUSES = """
    SELECT s.status, s.enabled, (
        SELECT count(*) FROM (
            SELECT 1 FROM webhooks_endpoint e CROSS JOIN LATERAL (
                SELECT 1 FROM webhooks_delivery d WHERE d.endpoint_id = e.id AND d.status = s.status
                LIMIT %(most)s
            ) few
            WHERE (%(endpoints)s::bigint[] IS NULL OR e.id = ANY(%(endpoints)s))
              AND (s.enabled IS NULL OR e.enabled = s.enabled)
            LIMIT %(most)s
        ) counted
    )
    FROM (VALUES ('pending', true), ('pending', false), ('leased', NULL), ('succeeded', NULL), ('exhausted', NULL),
        ('cancelled', NULL)) AS s(status, enabled)
"""


def statistics(
    projects: Sequence[int] | None,
    *,
    endpoint: int | None = None,
    types: Collection[str] = (),
    since: datetime | None = None,
) -> Statistics:
    """Return the figures of these projects' endpoints, of all where it is None; they may be half a minute old.

    `since` goes back to the full hour, and no further than LONGEST; without it, a day.
    """
    now = timezone.now()
    since = (
        max(since or now - USUAL, now - LONGEST).astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    )
    question = Question(_endpoints(projects, endpoint), types, since)
    found: Statistics | None = caches["default"].get(question.key)
    if found is None:
        found = _counted(question, now)
        caches["default"].set(question.key, found, timeout=KEPT_SECONDS)
    return found


def _endpoints(projects: Sequence[int] | None, endpoint: int | None) -> list[int] | None:
    if projects is None and endpoint is None:
        return None
    asked = Endpoint.objects.all()
    if projects is not None:
        asked = asked.filter(project__in=projects)
    if endpoint is not None:
        asked = asked.filter(pk=endpoint)
    return list(asked.values_list("pk", flat=True))


def _counted(question: Question, now: datetime) -> Statistics:
    total, endpoints, types, hours = _sums(question)
    busiest = sorted(endpoints.items(), key=lambda pair: (-pair[1].attempts, pair[0]))[:MOST_ENDPOINTS]
    return {
        "as_of": now,
        "since": question.since,
        "total": _figures(total),
        "deliveries": _statuses(question),
        "by_endpoint": [{"endpoint": key, **_figures(found)} for key, found in busiest],
        "by_type": [{"type": key, **_figures(found)} for key, found in sorted(types.items())],
        "hours": [
            {"hour": hour, **_figures(hours.get(hour, _Sum()))} for hour in _hours(question.since, now)
        ],
    }


def _sums(question: Question) -> tuple[_Sum, dict[int, _Sum], dict[str, _Sum], dict[datetime, _Sum]]:
    total = _Sum()
    endpoints: dict[int, _Sum] = {}
    types: dict[str, _Sum] = {}
    hours: dict[datetime, _Sum] = {}
    with connection.cursor() as cursor:
        cursor.execute(_SUMS, question.values)
        for endpoint, type_, hour, outcome, attempts, latency in cursor:
            if endpoint is not None:
                into = endpoints.setdefault(endpoint, _Sum())
            elif type_ is not None:
                into = types.setdefault(type_, _Sum())
            elif hour is not None:
                into = hours.setdefault(hour, _Sum())
            else:
                into = total
            into.outcomes[outcome] = attempts
            if outcome in MEASURED:
                add(into.latency, unpack(latency))
    return total, endpoints, types, hours


def _statuses(question: Question) -> dict[str, int]:
    found = dict.fromkeys(SHOWN, 0)
    with connection.cursor() as cursor:
        cursor.execute(_STATUSES, {**question.values, "most": MOST_COUNTED + 1})
        for status, enabled, count in cursor:
            found[HELD if status == DeliveryStatus.PENDING and not enabled else status] = count
    return found


def _hours(since: datetime, until: datetime) -> Iterator[datetime]:
    while since <= until:
        yield since
        since += HOUR


def _figures(found: _Sum) -> Figures:
    attempts, succeeded = found.attempts, found.outcomes.get(SUCCEEDED, 0)
    failures: Iterable[tuple[str, int]] = sorted(found.outcomes.items(), key=lambda pair: (-pair[1], pair[0]))
    return {
        "attempts": attempts,
        "succeeded": succeeded,
        "failed": attempts - succeeded,
        "failures": {outcome: number for outcome, number in failures if outcome != SUCCEEDED},
        "success_rate": succeeded / attempts if attempts else None,
        "latency": {"p50_ms": _quantile(found.latency, 0.5), "p95_ms": _quantile(found.latency, 0.95)},
    }


def _quantile(latency: Histogram, share: float) -> int | None:
    seconds = quantile(latency, share)
    return None if seconds is None else round(seconds * 1000)
