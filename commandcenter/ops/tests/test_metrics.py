"""Prometheus finds every series, also where nothing has happened yet."""

from __future__ import annotations

import pytest
from django.test import Client
from prometheus_client.parser import text_string_to_metric_families

from commandcenter.analysis.tests.factories import make_job, make_repository
from jobs.models import JobStatus

pytestmark = pytest.mark.django_db


def samples() -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    text = Client().get("/metrics").content.decode()
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_jobs_are_counted_by_type_and_state_and_zero_is_a_sample() -> None:
    series = ("commandcenter_jobs_total", (("job_type", "analysis"), ("status", "running")))
    assert samples()[series] == 0
    make_job(make_repository(), JobStatus.RUNNING)
    assert samples()[series] == 1
    assert samples()[("commandcenter_queue_depth", (("queue", "analysis"),))] == 0


def test_without_a_token_only_loopback_may_scrape(settings) -> None:
    settings.METRICS_TOKEN = None
    assert Client().get("/metrics").status_code == 200
    assert Client(REMOTE_ADDR="203.0.113.7").get("/metrics").status_code == 403
    assert Client(HTTP_X_FORWARDED_FOR="203.0.113.7").get("/metrics").status_code == 403


def test_with_a_token_only_who_sends_it_may_scrape(settings) -> None:
    settings.METRICS_TOKEN = "scrape-me"
    assert Client().get("/metrics").status_code == 403
    assert Client(HTTP_AUTHORIZATION="Bearer wrong").get("/metrics").status_code == 403
    assert (
        Client(REMOTE_ADDR="203.0.113.7", HTTP_AUTHORIZATION="Bearer scrape-me").get("/metrics").status_code
        == 200
    )
