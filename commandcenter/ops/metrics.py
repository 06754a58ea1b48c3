"""The metrics that Prometheus scrapes: requests from multi-process files, the domain from SQL.

SQL is right in every process and after any restart; process counters would not be.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

from django.db import connection
from prometheus_client import REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from commandcenter.ops.health import queues
from jobs.models import ACTIVE, JobStatus, JobType


class JobsCollector(Collector):
    """Jobs by type and state, and what waits in each queue."""

    def collect(self) -> Iterator[Metric]:
        """Yield one sample for each combination that can exist, also where it is 0."""
        counts = {(job_type, status): 0 for job_type in JobType.values for status in JobStatus.values}
        with connection.cursor() as cursor:
            cursor.execute("SELECT job_type, status, count(*) FROM jobs_job GROUP BY job_type, status")
            counts |= {(row[0], row[1]): row[2] for row in cursor.fetchall()}
        labels = ["job_type", "status"]
        total = GaugeMetricFamily("commandcenter_jobs_total", "Jobs by type and state.", labels=labels)
        active = GaugeMetricFamily("commandcenter_jobs_active", "Jobs that have not ended.", labels=labels)
        for (job_type, status), count in sorted(counts.items()):
            total.add_metric([job_type, status], count)
            if status in ACTIVE:
                active.add_metric([job_type, status], count)
        depth = GaugeMetricFamily("commandcenter_queue_depth", "Jobs that wait in a queue.", labels=["queue"])
        oldest = GaugeMetricFamily(
            "commandcenter_queue_oldest_seconds",
            "Age of the oldest job that could run now.",
            labels=["queue"],
        )
        for queue in queues():
            depth.add_metric([queue["name"]], queue["depth"])
            oldest.add_metric([queue["name"]], queue["oldest_seconds"] or 0.0)
        yield from (total, active, depth, oldest)


def exposition() -> bytes:
    """Return all metrics in Prometheus' text format."""
    registry = CollectorRegistry()
    if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    else:
        registry.register(_Process())
    registry.register(JobsCollector())
    return generate_latest(registry)


class _Process(Collector):
    """This process' own metrics, where there is only one."""

    def collect(self) -> Iterator[Metric]:
        """Yield what the default registry holds."""
        yield from REGISTRY.collect()
