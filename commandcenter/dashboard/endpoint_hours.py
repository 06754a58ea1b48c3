"""The last 24 hours of endpoints of webhooks: attempts that succeeded and failed by the hour, drawn by the server."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from django.db.models import Q, Sum
from django.utils import timezone

from commandcenter.dashboard.charts import LEAST_POINTS, Series, line_chart
from webhooks.models import AttemptHour, Endpoint
from webhooks.statistics import Statistics, statistics
from webhooks.tallies import SUCCEEDED

HOURS = 24  # and the present one, as far as it is
STEP, BAR = 10, 8  # of an hour's place and its bar, in units of the drawing
HEIGHT = 60
LEAST = 3.0  # of a bar that stands for something: one failure among thousands must be seen


class Hour(NamedTuple):
    """What came of the attempts of one hour."""

    succeeded: int = 0
    failed: int = 0

    @property
    def attempts(self) -> int:
        return self.succeeded + self.failed


@dataclass(frozen=True, slots=True)
class Day:
    """The last hours of one endpoint, oldest first."""

    since: datetime
    hours: Sequence[Hour]

    @property
    def succeeded(self) -> int:
        return sum(each.succeeded for each in self.hours)

    @property
    def attempts(self) -> int:
        return sum(each.attempts for each in self.hours)

    @property
    def label(self) -> str:
        """What the drawing shows, for who cannot see it."""
        return (
            f"Attempts by the hour since {self.since:%Y-%m-%d %H:%M} UTC: "
            f"{self.succeeded:,} succeeded, {self.attempts - self.succeeded:,} failed"
        )

    @property
    def width(self) -> int:
        """Of the drawing."""
        return STEP * len(self.hours)

    @property
    def bars(self) -> list[dict[str, Any]]:
        """The hours with attempts as stacked bars, failures on top."""
        most = max((each.attempts for each in self.hours), default=0)
        return [
            {"title": self._title(place, hour), "pieces": _pieces(place, hour, most)}
            for place, hour in enumerate(self.hours)
            if hour.attempts
        ]

    def _title(self, place: int, hour: Hour) -> str:
        at = self.since + timedelta(hours=place)
        return f"{at:%Y-%m-%d %H:%M} UTC: {hour.succeeded:,} succeeded, {hour.failed:,} failed"


def days_of(endpoints: Collection[int]) -> dict[int, Day]:
    """Return the last hours of each of these endpoints, in one query over their sums by the hour."""
    since = timezone.now().astimezone(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=HOURS)
    rows = (
        AttemptHour.objects.filter(endpoint__in=endpoints, hour__gte=since)
        .values("endpoint", "hour")
        .annotate(succeeded=Sum("attempts", filter=Q(outcome=SUCCEEDED), default=0), every=Sum("attempts"))
        .order_by()
    )
    found: dict[int, dict[datetime, Hour]] = {key: {} for key in endpoints}
    for row in rows:
        hour = Hour(row["succeeded"], row["every"] - row["succeeded"])
        found[row["endpoint"]][row["hour"].astimezone(UTC)] = hour
    places = [since + timedelta(hours=number) for number in range(HOURS + 1)]
    return {key: Day(since, [hours.get(each, Hour()) for each in places]) for key, hours in found.items()}


def charts_of(endpoint: Endpoint) -> dict[str, Any]:
    """Return what the page of an endpoint draws of its last day; it may be half a minute old."""
    found = statistics([endpoint.project_id], endpoint=endpoint.pk)
    hours = [Hour(each["succeeded"], each["failed"]) for each in found["hours"]]
    return {
        "day": Day(found["since"], hours),
        "total": found["total"],
        "latency": _latency(found),
    }


def _latency(found: Statistics) -> dict[str, Any] | None:
    lines = [
        Series(name, [each["latency"][key] for each in found["hours"]], color)  # type: ignore[literal-required]
        for name, key, color in (("half within", "p50_ms", "l2"), ("95 % within", "p95_ms", "l1"))
    ]
    if sum(each["latency"]["p50_ms"] is not None for each in found["hours"]) < LEAST_POINTS:
        return None  # the figures beside say the same
    times = [each["hour"] for each in found["hours"]]
    return line_chart("Time until the answer by the hour", times, lines, unit=" ms", moments="j M H:i")


def _pieces(place: int, hour: Hour, most: int) -> Iterable[dict[str, Any]]:
    heights = {
        name: max(LEAST, HEIGHT * amount / most) if amount else 0.0
        for name, amount in (("completed", hour.succeeded), ("failed", hour.failed))
    }
    shrink = min(1.0, HEIGHT / sum(heights.values()))
    top, pieces = float(HEIGHT), []
    for name, height in heights.items():
        if height:
            top -= height * shrink
            pieces.append(
                {"state": name, "x": place * STEP, "y": f"{top:.2f}", "height": f"{height * shrink:.2f}"}
            )
    return pieces
