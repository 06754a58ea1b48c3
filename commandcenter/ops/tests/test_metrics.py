"""Prometheus finds every series, also where nothing has happened yet."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families

from commandcenter.analysis.tests.factories import make_job, make_repository
from commandcenter.events.models import Outbox
from commandcenter.ops.models import QueueCanary
from commandcenter.ops.tasks import canary
from jobs.models import Job, JobStatus, JobType, QueueControl, Worker
from jobs.running.lease import claim
from jobs.state import transition
from jobs.statistics.rollups import count_ended

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


def test_ended_jobs_are_counted_at_once_and_for_good() -> None:
    """With waits and durations as histograms; a project that is deleted takes nothing back."""
    job = make_job(make_repository(), JobStatus.RUNNING)
    Job.objects.filter(pk=job.pk).update(started_at=timezone.now() - timedelta(seconds=3), waited_seconds=0.3)
    transition(job.pk, JobStatus.COMPLETED, sources={JobStatus.RUNNING}, reason="completed")
    analysis = ("job_type", "analysis")
    completed = ("commandcenter_jobs_total", (analysis, ("status", "completed")))

    def check() -> None:
        seen = samples()
        assert seen[completed] == 1
        ran, waited = "commandcenter_job_duration_seconds", "commandcenter_job_wait_seconds"
        assert seen[(f"{ran}_bucket", (analysis, ("le", "2.5")))] == 0
        assert seen[(f"{ran}_bucket", (analysis, ("le", "5.0")))] == 1
        assert seen[(f"{ran}_count", (analysis,))] == 1
        assert 3 <= seen[(f"{ran}_sum", (analysis,))] < 4
        assert seen[(f"{waited}_bucket", (analysis, ("le", "0.1")))] == 0
        assert seen[(f"{waited}_bucket", (analysis, ("le", "0.5")))] == 1
        assert seen[(f"{waited}_sum", (analysis,))] == pytest.approx(0.3)

    check()
    assert count_ended() == 0
    check()
    job.project.delete()
    check()


def test_counters_do_not_fall_when_a_project_goes_whose_jobs_have_just_ended() -> None:
    job = make_job(make_repository(), JobStatus.RUNNING)
    transition(job.pk, JobStatus.FAILED, sources={JobStatus.RUNNING}, reason="failed")
    series = ("commandcenter_jobs_total", (("job_type", "analysis"), ("status", "failed")))
    assert samples()[series] == 1
    job.project.delete()
    assert samples()[series] == 1


def test_every_combination_of_ended_jobs_is_a_sample_from_the_start() -> None:
    seen = samples()
    for job_type in JobType.values:
        label = ("job_type", job_type)
        assert seen[("commandcenter_job_duration_seconds_count", (label,))] == 0
        assert all(
            seen[("commandcenter_jobs_total", (label, ("status", status)))] == 0
            for status in JobStatus.values
        )


def test_suppressed_duplicates_only_rise() -> None:
    series = ("commandcenter_duplicates_suppressed_total", ())
    job = make_job(make_repository(), JobStatus.QUEUED)
    assert samples()[series] == 0
    for rounds in range(1, 4):
        assert claim(job.pk, uuid.uuid4(), worker="w") is None
        assert samples()[series] == rounds
    job.delete()
    assert samples()[series] == 3


def test_queues_workers_canaries_and_the_outbox_are_there() -> None:
    now = timezone.now()
    Worker.objects.create(name="a@b", host="b", pid=1, pool="solo", started_at=now, heartbeat_at=now)
    QueueCanary.objects.create(queue="system", consumed_at=now - timedelta(seconds=20), worker="a@b")
    QueueControl.objects.create(queue="export")
    seen = samples()
    assert seen[("commandcenter_workers", (("state", "live"),))] == 1
    assert seen[("commandcenter_workers", (("state", "lost"),))] == 0
    assert 20 <= seen[("commandcenter_canary_age_seconds", (("queue", "system"),))] < 30
    assert ("commandcenter_canary_age_seconds", (("queue", "export"),)) not in seen
    assert seen[("commandcenter_queue_paused", (("queue", "export"),))] == 1
    assert seen[("commandcenter_outbox_lag_seconds", ())] == 0
    job = make_job(make_repository(), JobStatus.RUNNING)
    transition(job.pk, JobStatus.COMPLETED, sources={JobStatus.RUNNING}, reason="completed")
    Outbox.objects.update(not_before=now - timedelta(seconds=90))
    assert 90 <= samples()[("commandcenter_outbox_lag_seconds", ())] < 100


def test_a_scrape_reads_no_job_that_is_counted(django_assert_max_num_queries) -> None:
    Client().get("/metrics")
    with django_assert_max_num_queries(14), CaptureQueriesContext(connection) as queries:
        Client().get("/metrics")
    about_jobs = [query["sql"] for query in queries if "jobs_job" in query["sql"]]
    assert not [sql for sql in about_jobs if "status" not in sql and "uncounted" not in sql]


def test_tasks_are_counted_by_outcome() -> None:
    before = samples()

    def grown(name: str, **labels: str) -> float:
        series = (name, tuple(sorted({"task": "ops.canary", **labels}.items())))
        return samples()[series] - before.get(series, 0)

    canary.apply(kwargs={"queue": "analysis"})
    assert grown("celery_tasks_total", status="success") == 1
    assert grown("celery_task_runtime_seconds_count") == 1
    assert grown("celery_worker_tasks_active") == 0
    canary.apply(kwargs={"unknown": 1})
    assert grown("celery_tasks_total", status="failure") == 1


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
