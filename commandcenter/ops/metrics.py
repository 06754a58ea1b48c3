"""The metrics that Prometheus scrapes: requests from multi-process files, the domain from SQL.

SQL is right in every process and after any restart; process counters would not be.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from prometheus_client import REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from commandcenter.ops.jobmetrics import JobsCollector, QueuesCollector
from commandcenter.ops.processfiles import ProcessesCollector
from commandcenter.ops.schedulemetrics import SchedulesCollector
from commandcenter.ops.webhookmetrics import WebhooksCollector


def exposition() -> bytes:
    """Return all metrics in Prometheus' text format."""
    registry = CollectorRegistry()
    folder = os.environ.get("PROMETHEUS_MULTIPROC_DIR")
    if folder:
        registry.register(ProcessesCollector(Path(folder)))
    else:
        registry.register(_Process())
    registry.register(JobsCollector())
    registry.register(QueuesCollector())
    registry.register(SchedulesCollector())
    registry.register(WebhooksCollector())
    return generate_latest(registry)


class _Process(Collector):
    """This process' own metrics, where there is only one."""

    def collect(self) -> Iterator[Metric]:
        """Yield what the default registry holds."""
        yield from REGISTRY.collect()
