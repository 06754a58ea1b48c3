"""Metrics of webhooks, from SQL: right in every process and after any restart."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from webhooks import tallies
from webhooks.pulse import pulse


class WebhooksCollector(Collector):
    """What became of attempts, what is due, and how endpoints fare."""

    def collect(self) -> Iterator[Metric]:
        """Yield each series, also where it is 0; no age of what is due where nothing is."""
        attempts = CounterMetricFamily(
            "commandcenter_webhook_attempts", "Attempts to send webhooks by outcome.", labels=["outcome"]
        )
        for outcome, number in tallies.by_outcome().items():
            attempts.add_metric([outcome], number)
        felt = pulse()
        due = GaugeMetricFamily(
            "commandcenter_webhook_deliveries_due",
            "Deliveries that are due at enabled endpoints whose circuit is closed, 10001 at most.",
        )
        due.add_metric([], felt.due)
        oldest = GaugeMetricFamily(
            "commandcenter_webhook_oldest_due_seconds", "How long the first of them has been due."
        )
        if felt.oldest_seconds is not None:
            oldest.add_metric([], felt.oldest_seconds)
        endpoints = GaugeMetricFamily(
            "commandcenter_webhook_endpoints",
            "Endpoints of webhooks: enabled, enabled with an open circuit, and disabled.",
            labels=["state"],
        )
        endpoints.add_metric(["enabled"], felt.enabled - felt.open_circuits)
        endpoints.add_metric(["circuit_open"], felt.open_circuits)
        endpoints.add_metric(["disabled"], felt.disabled)
        resendings = GaugeMetricFamily(
            "commandcenter_webhook_resendings",
            "Recoveries and retries of many deliveries that are under way.",
        )
        resendings.add_metric([], felt.resendings)
        yield from (attempts, due, oldest, endpoints, resendings)
