"""Metrics of schedules, from SQL: right in every process and after any restart."""

from __future__ import annotations

from collections.abc import Iterator

from django.db.models import Count
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from schedules import tallies
from schedules.clock import database_time
from schedules.health import HealthStatus, status_at
from schedules.models import FiringStatus, Schedule
from schedules.pulse import pulse


class SchedulesCollector(Collector):
    """How late runs are, what became of them, how schedules fare, and whether anybody ticks."""

    def collect(self) -> Iterator[Metric]:
        """Yield each series, also where it is 0; no age of a tick where none has come yet."""
        sums = tallies.read()
        late = HistogramMetricFamily(
            "commandcenter_schedule_lateness_seconds", "How long after they were due runs were decided."
        )
        buckets: list[tuple[str, float]] = [(str(bound), within) for bound, within in sums.within]
        late.add_metric([], [*buckets, ("+Inf", sums.decided)], sums.late_seconds)
        runs = CounterMetricFamily(
            "commandcenter_schedule_firings", "Runs of schedules that came to a status.", labels=["status"]
        )
        for status in FiringStatus.values:
            runs.add_metric([status], sums.states.get(status, 0))
        now = database_time()
        found = Schedule.objects.values_list(status_at(now)).annotate(number=Count("pk"))
        fare = dict(found.order_by())
        schedules = GaugeMetricFamily("commandcenter_schedules", "Schedules by health.", labels=["health"])
        for health in HealthStatus:
            schedules.add_metric([str(health)], fare.get(str(health), 0))
        felt = pulse(now)
        left = GaugeMetricFamily(
            "commandcenter_schedules_overdue", "Schedules overdue by more than their grace, 10001 at most."
        )
        left.add_metric([], felt.overdue)
        age = GaugeMetricFamily(
            "commandcenter_schedule_tick_age_seconds",
            "Time since the last tick that was written down: every 30 seconds, or as one finds work.",
        )
        if felt.seconds is not None:
            age.add_metric([], felt.seconds)
        yield from (late, runs, schedules, left, age)
