"""Health says what works, quickly, and to whom it may."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from django_celery_beat.models import PeriodicTask

from commandcenter.accounts.tests.factories import api, make_token, make_user
from commandcenter.analysis.tests.factories import make_job, make_repository
from commandcenter.ops.models import QueueCanary
from commandcenter.ops.tasks import canary
from jobs.models import JobRun, JobStatus, Worker
from schedules.models import Ticker
from schedules.tests.factories import make_due, make_schedule
from schedules.ticking.tick import tick

pytestmark = pytest.mark.django_db


def test_the_process_answers_without_asking_anything(django_assert_num_queries) -> None:
    with django_assert_num_queries(0):
        assert Client().get("/health").json() == {"status": "ok"}


def test_ready_names_each_part() -> None:
    response = Client().get("/health/ready")
    assert response.status_code == 200
    assert [check["name"] for check in response.json()["checks"]] == [
        "database",
        "broker",
        "cache",
        "migrations",
    ]


@pytest.mark.parametrize("part", ["broker", "cache"])
def test_a_server_that_is_away_makes_it_503_and_is_named(settings, part: str) -> None:
    setattr(settings, f"{part.upper()}_URL", "redis://127.0.0.1:9/0")
    response = Client().get("/health/ready")
    assert response.status_code == 503
    assert {check["name"]: check["status"] for check in response.json()["checks"]}[part] == "failed"


def test_details_are_for_those_who_are_signed_in() -> None:
    assert Client().get("/health/detailed").status_code == 401
    _token, text = make_token(make_user(), scope="read")
    response = api(token=text).get("/health/detailed")
    assert response.status_code == 200
    assert {queue["name"] for queue in response.json()["queues"]} == {
        "analysis",
        "export",
        "webhooks",
        "default",
        "system",
    }


def test_a_queue_that_nobody_consumes_is_found_by_its_canary() -> None:
    client = api(make_user())
    status = lambda: {row["name"]: row["status"] for row in client.get("/health/detailed").json()["services"]}  # noqa: E731
    assert status()["worker of analysis"] == "unknown"
    canary.apply(kwargs={"queue": "analysis"})
    assert status()["worker of analysis"] == "ok"
    QueueCanary.objects.update(consumed_at=timezone.now() - timedelta(minutes=5))
    assert status()["worker of analysis"] == "failed"
    assert client.get("/health/detailed").status_code == 503


def test_beat_is_told_from_workers() -> None:
    client = api(make_user())

    def beat() -> str:
        services = client.get("/health/detailed").json()["services"]
        return str(next(row["status"] for row in services if row["name"] == "beat"))

    now, sent = timezone.now(), PeriodicTask.objects.filter(task="ops.canary")
    assert beat() == "unknown"
    sent.update(last_run_at=now - timedelta(minutes=4))
    assert beat() == "ok", "it sends, though no worker consumes"
    sent.update(last_run_at=now - timedelta(minutes=6))
    assert beat() == "failed"
    canary.apply(kwargs={"queue": "analysis"})
    assert beat() == "ok", "it has not written down yet what it sent"
    QueueCanary.objects.update(consumed_at=now - timedelta(minutes=3))
    assert beat() == "failed"


def test_details_name_the_workers_and_count_what_they_run() -> None:
    now = timezone.now()
    Worker.objects.create(
        name="analysis@host",
        host="host",
        pid=7,
        queues=["analysis"],
        pool="prefork",
        started_at=now,
        heartbeat_at=now,
    )
    job = make_job(make_repository(), JobStatus.RUNNING)
    JobRun.objects.filter(job=job).update(worker="analysis@host:9")
    assert api(make_user()).get("/health/detailed").json()["workers"] == [
        {"name": "analysis@host", "state": "live", "queues": ["analysis"], "running": 1}
    ]


def test_schedules_are_ok_while_somebody_ticks_and_nothing_is_overdue(settings) -> None:
    settings.JOB_HANDLERS = {**settings.JOB_HANDLERS, "analysis": "jobs.tests.handlers.ScriptHandler"}
    _token, text = make_token(make_user(), scope="read")
    client = api(token=text)

    def schedules() -> tuple[str, str]:
        services = client.get("/health/detailed").json()["services"]
        found = next(row for row in services if row["name"] == "schedules")
        return found["status"], found["detail"]

    assert schedules()[0] == "unknown"
    tick()
    status, detail = schedules()
    assert status == "ok"
    assert re.fullmatch(r"last tick \d{1,2} s ago", detail)
    schedule = make_schedule(make_repository().project)
    make_due(schedule, late=timedelta(minutes=10))
    status, detail = schedules()
    assert status == "failed"
    assert re.match(r"1 overdue by more than their grace, last tick \d{1,2} s ago:", detail)
    tick()
    assert schedules()[0] == "ok"
    Ticker.objects.update(ticked_at=timezone.now() - timedelta(minutes=5))
    assert schedules()[1].startswith("No tick for 300 s, 0 overdue")
