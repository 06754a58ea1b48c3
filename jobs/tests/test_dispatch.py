"""Hints and the sweeper: what the broker loses is sent again, and nothing is sent twice for nothing."""

from __future__ import annotations

import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any, cast

import pytest
from celery import current_app
from django.db import connection
from django.db.models.functions import Now
from pytest_django import Settings

from jobs import broker as broker_module
from jobs.batch.awaiting import sweep_batches
from jobs.fairness.waiting import waiting_reason
from jobs.models import Job
from jobs.recovery import reaper
from jobs.recovery.sweeper import Swept, sweep
from jobs.tests.conftest import COMMITTED, messages, purge
from jobs.tests.factories import make_job

pytestmark = COMMITTED

Move = Callable[[int | None], None]


@pytest.fixture
def silent_port() -> Iterator[int]:
    """Return the port of a server that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0), backlog=50) as server:
        yield server.getsockname()[1]


@pytest.fixture
def broker_at(monkeypatch: pytest.MonkeyPatch) -> Iterator[Move]:
    """Return a function that moves the broker to another port."""
    conf: Any = current_app.conf
    original = conf.broker_url

    def move(port: int | None) -> None:
        conf.broker_url = original if port is None else f"redis://127.0.0.1:{port}/0"
        fresh = broker_module.Broker()
        for module in ("jobs.dispatch.broker", "jobs.recovery.sweeper.broker"):
            monkeypatch.setattr(module, fresh)

    yield move
    conf.broker_url = original


def unused_port() -> int:
    """Return a port where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


def age(job: Job, seconds: int) -> None:
    """Let the job's hint look as if it had been sent so long ago."""
    Job.objects.filter(pk=job.pk).update(published_at=Now() - timedelta(seconds=seconds))


def test_a_job_made_while_the_broker_is_down_is_queued_and_sent_later(broker_at: Move) -> None:
    broker_at(unused_port())
    before = broker_module.failures._value.get()
    job = make_job()
    job.refresh_from_db()
    assert (job.status, job.published_at) == ("queued", None)
    assert broker_module.failures._value.get() > before
    reason = waiting_reason(job)
    assert reason
    assert reason["code"] == "broker_unreachable"
    assert sweep().unsent == 1
    broker_at(None)
    assert sweep().sent == 1
    assert messages() == [[job.pk, str(job.dispatch_id)]]
    job.refresh_from_db()
    assert job.published_at


def test_what_a_sweep_could_not_send_is_sent_by_the_next_one(broker_at: Move) -> None:
    jobs = [make_job() for _ in range(3)]
    purge()
    Job.objects.update(published_at=None)
    broker_at(unused_port())
    assert sweep().unsent == 3
    reason = waiting_reason(Job.objects.get(pk=jobs[-1].pk))
    assert reason
    assert reason["code"] == "broker_unreachable"
    broker_at(None)
    assert sweep().sent == 3


def test_a_broker_that_never_answers_costs_about_a_second_and_then_nothing(
    broker_at: Move, silent_port: int
) -> None:
    broker_at(silent_port)
    started = time.monotonic()
    make_job()
    first = time.monotonic() - started
    started = time.monotonic()
    make_job()
    second = time.monotonic() - started
    assert first < 3
    assert second < 0.8
    assert Job.objects.filter(status="queued", published_at=None).count() == 2


def test_a_dead_connection_to_the_broker_is_replaced_at_once() -> None:
    make_job()
    assert broker_module.broker._present()
    with current_app.connection_for_write() as other:
        cast("Any", other.default_channel).client.client_kill_filter(skipme=True, _type="normal")
    job = make_job()
    assert len(messages()) == 2
    job.refresh_from_db()
    assert job.published_at


def test_a_lost_message_is_sent_again_after_its_time() -> None:
    job = make_job()
    purge()
    assert sweep().sent == 0
    age(job, 11)
    assert sweep().sent == 1
    assert messages() == [[job.pk, str(job.dispatch_id)]]


def test_a_long_queue_is_not_made_longer() -> None:
    jobs = [make_job() for _ in range(3)]
    for job in jobs:
        age(job, 3600)
    assert sweep().sent == 0
    assert len(messages()) == 3


def test_only_as_many_are_repeated_as_are_missing() -> None:
    jobs = [make_job() for _ in range(3)]
    purge()
    for seconds, job in zip((60, 50, 40), jobs, strict=True):
        age(job, seconds)
    broker_module.broker.send(
        job_id=jobs[0].pk, job_type="analysis", queue="default", dispatch_id=str(jobs[0].dispatch_id)
    )
    assert sweep().sent == 2
    assert sweep().sent == 0


def test_a_delayed_job_is_sent_when_it_is_due() -> None:
    job = make_job(delay_seconds=60)
    assert sweep().sent == 0
    Job.objects.filter(pk=job.pk).update(not_before=Now() - timedelta(seconds=1))
    assert sweep().sent == 1
    assert messages() == [[job.pk, str(job.dispatch_id)]]


def test_where_nothing_waits_a_sweep_asks_five_questions(django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(5):
        reaper.reap()
        sweep_batches()
        assert sweep() == Swept(0, 0, 0)


def test_two_sweepers_do_not_send_the_same_message() -> None:
    jobs = [make_job() for _ in range(20)]
    purge()
    Job.objects.update(published_at=None)
    barrier = threading.Barrier(2)

    def run() -> None:
        try:
            barrier.wait(10)
            sweep()
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(argument[0] for argument in messages()) == sorted(job.pk for job in jobs)


def test_messages_carry_the_time_limits_of_their_type(settings: Settings) -> None:
    settings.JOB_TIME_LIMITS = {"analysis": (7, 9)}
    make_job()
    with current_app.connection_for_write() as conn, cast("Any", conn.channel()) as channel:
        message = channel.basic_get("default", no_ack=True)
    assert message.headers["timelimit"] == [9, 7]
    assert message.headers["task"] == "jobs.execute"


def test_a_message_that_is_not_ours_is_dropped() -> None:
    from jobs.tasks import execute

    job = make_job()
    execute.apply(args=(job.pk, "not-a-uuid")).get()
    execute.apply(args=(job.pk, str(uuid.uuid4()))).get()
    job.refresh_from_db()
    assert job.status == "queued"
