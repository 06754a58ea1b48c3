"""Metrics of jobs, queues and workers, from SQL: right in every process and after any restart.

Sums that only rise are read, not jobs, so that a scrape costs the same after a million of them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

from django.db import connection
from django.utils import timezone
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from commandcenter.ops.models import QueueCanary
from jobs.fairness.queues import states
from jobs.fleet.workers import counts_by_state
from jobs.models import ACTIVE, JobStatus, JobType
from jobs.statistics import counts
from jobs.statistics.histograms import GROWTH
from jobs.statistics.tallies import Sum

# Upper bounds in seconds. The stored buckets are finer; each bound is taken at the nearest edge, at most 5 % off.
BOUNDS = (0.01, 0.05, 0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 4 * 3600, 24 * 3600)
_EDGES = [round(math.log(bound * 1000) / math.log(GROWTH)) for bound in BOUNDS]  # buckets below it are within


class JobsCollector(Collector):
    """Jobs by type and state, and how long they waited and ran."""

    def collect(self) -> Iterator[Metric]:
        """Yield one sample for each combination that can exist, also where it is 0."""
        found = counts.reading()
        labels = ["job_type", "status"]
        total = GaugeMetricFamily("commandcenter_jobs_total", "Jobs by type and state.", labels=labels)
        active = GaugeMetricFamily("commandcenter_jobs_active", "Jobs that have not ended.", labels=labels)
        ran = HistogramMetricFamily(
            "commandcenter_job_duration_seconds",
            "How long completed jobs ran, from the start of their last attempt.",
            labels=["job_type"],
        )
        waited = HistogramMetricFamily(
            "commandcenter_job_wait_seconds",
            "How long ended jobs had waited for a worker, from when they were due.",
            labels=["job_type"],
        )
        for job_type in JobType.values:
            ended = found.ended.get(job_type) or Sum()
            for status in JobStatus.values:
                if status in ACTIVE:
                    count = found.active.get((job_type, status), 0)
                    active.add_metric([job_type, status], count)
                else:
                    count = getattr(ended, status)
                total.add_metric([job_type, status], count)
            ran.add_metric([job_type], cumulative(ended.run_histogram), ended.run_seconds)
            waited.add_metric([job_type], cumulative(ended.wait_histogram), ended.wait_seconds)
        duplicates = CounterMetricFamily(
            "commandcenter_duplicates_suppressed", "Messages for a job that had been taken already."
        )
        duplicates.add_metric([], found.duplicates)
        yield from (total, active, ran, waited, duplicates)


class QueuesCollector(Collector):
    """What waits in each queue, who consumes, and when a canary last came through."""

    def collect(self) -> Iterator[Metric]:
        """Yield a sample for each queue and each state of a worker; no canary age where none has come yet."""
        depth = GaugeMetricFamily("commandcenter_queue_depth", "Jobs that wait in a queue.", labels=["queue"])
        oldest = GaugeMetricFamily(
            "commandcenter_queue_oldest_seconds",
            "Age of the oldest job that could run now.",
            labels=["queue"],
        )
        paused = GaugeMetricFamily(
            "commandcenter_queue_paused", "1 while an operator has paused the queue.", labels=["queue"]
        )
        for queue in states():
            depth.add_metric([queue["name"]], queue["depth"])
            oldest.add_metric([queue["name"]], queue["oldest_seconds"] or 0.0)
            paused.add_metric([queue["name"]], 1 if queue["paused"] else 0)
        working = GaugeMetricFamily("commandcenter_workers", "Workers by state.", labels=["state"])
        for state, count in counts_by_state().items():
            working.add_metric([state], count)
        canary = GaugeMetricFamily(
            "commandcenter_canary_age_seconds",
            "Time since a worker consumed the tiny task that is sent to each queue every minute.",
            labels=["queue"],
        )
        now = timezone.now()
        for seen in QueueCanary.objects.order_by("queue"):
            canary.add_metric([seen.queue], max(0.0, (now - seen.consumed_at).total_seconds()))
        lag = GaugeMetricFamily(
            "commandcenter_outbox_lag_seconds", "Age of the oldest event that could be handed on now."
        )
        lag.add_metric([], outbox_lag())
        yield from (depth, oldest, paused, working, canary, lag)


def outbox_lag() -> float:
    """Return for how many seconds the event that is due longest has waited for the relay, 0 when none does."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT extract(epoch FROM clock_timestamp() - min(not_before)) FROM events_outbox "
            "WHERE not_before <= clock_timestamp()"
        )
        (seconds,) = cursor.fetchone()
    return max(0.0, float(seconds or 0.0))


def cumulative(histogram: Mapping[str, int]) -> list[tuple[str, float]]:
    """Return [(upper bound, how many are within)] as Prometheus wants it, the last one for all."""
    counted = sorted((int(bucket), count) for bucket, count in histogram.items())
    rows: list[tuple[str, float]] = []
    within = position = 0
    for bound, edge in zip(BOUNDS, _EDGES, strict=True):
        while position < len(counted) and counted[position][0] < edge:
            within += counted[position][1]
            position += 1
        rows.append((str(float(bound)), within))
    rows.append(("+Inf", within + sum(count for _bucket, count in counted[position:])))
    return rows
