"""Leases and fencing tokens: who lost a job can no longer write, and who is gone loses it."""

from __future__ import annotations

import threading
from contextlib import suppress
from datetime import timedelta

import pytest
from django.db import connection
from django.db.models.functions import Now
from pytest_django import Settings

from jobs.exceptions import LeaseLost
from jobs.models import Job, JobRun
from jobs.recovery.reaper import reap
from jobs.running import lease
from jobs.running.attempt import Attempt
from jobs.running.execution import execute
from jobs.tests import handlers
from jobs.tests.conftest import COMMITTED, messages, purge
from jobs.tests.factories import make_job

pytestmark = COMMITTED


def claimed(job: Job) -> Attempt:
    """Claim the job as a worker would and return its attempt, without anybody who beats for it."""
    job.refresh_from_db()
    assert job.dispatch_id
    taken = lease.claim(job.pk, job.dispatch_id, worker="one@host:1")
    assert taken
    return Attempt(taken)


def expire(job: Job) -> None:
    """Let the lease run out."""
    JobRun.objects.filter(job=job).update(lease_expires_at=Now() - timedelta(seconds=1))


def fresh(job: Job) -> Job:
    """Return the job as it stands."""
    return Job.objects.select_related("run").get(pk=job.pk)


def test_a_job_with_a_live_lease_is_left_alone() -> None:
    job = make_job()
    claimed(job)
    assert reap() == 0
    assert fresh(job).status == "running"


def test_an_expired_lease_sends_the_job_back_with_a_new_message() -> None:
    job = make_job()
    first = job.dispatch_id
    purge()
    claimed(job)
    expire(job)
    assert reap() == 1
    back = fresh(job)
    assert (back.status, back.losses, back.failures, back.attempt) == ("queued", 1, 0, 1)
    assert back.dispatch_id != first
    assert messages() == [[job.pk, str(back.dispatch_id)]]
    event = back.events.get(data__reason="worker_lost")
    assert event.data["worker_lost"] == "one@host:1"


def test_a_missing_lease_counts_as_expired() -> None:
    job = make_job()
    claimed(job)
    JobRun.objects.filter(job=job).update(lease_expires_at=None)
    assert reap() == 1


def test_a_stale_attempt_can_write_nothing() -> None:
    """Neither events, nor a heartbeat, nor a result, whether or not another has taken the job."""
    job = make_job()
    stale = claimed(job)
    expire(job)
    reap()
    for _ in range(2):
        before = fresh(job)
        stale.log("info", "too late")
        with pytest.raises(LeaseLost):
            stale.flush()
        with pytest.raises(LeaseLost):
            lease.renew(job.pk, stale.token)
        with pytest.raises(LeaseLost), stale.commit({"n": 1}):
            pytest.fail("the block must not run")
        with suppress(LeaseLost):
            assert stale.requeue(reason="test") is None
        after = fresh(job)
        assert (after.status, after.run.last_seq, after.result) == (before.status, before.run.last_seq, None)
        if before.status == "queued":
            claimed(job)


def test_a_job_that_cannot_be_dealt_with_does_not_keep_the_others_from_it() -> None:
    broken, sound = make_job(), make_job()
    for job in (broken, sound):
        claimed(job)
        expire(job)
    Job.objects.filter(pk=broken.pk).update(losses=2**31 - 1)  # one more does not fit
    assert reap() == 1
    assert (fresh(broken).status, fresh(sound).status) == ("running", "queued")


def test_a_renewed_lease_saves_the_job_between_look_and_reap() -> None:
    job = make_job()
    attempt = claimed(job)
    expire(job)
    lease.renew(job.pk, attempt.token)
    assert reap() == 0


def test_the_tenth_lost_worker_ends_the_job(settings: Settings) -> None:
    settings.JOB_MAX_LOSSES = 3
    job = make_job()
    for _ in range(3):
        claimed(job)
        expire(job)
        reap()
    ended = fresh(job)
    assert (ended.status, ended.error_code, ended.losses, ended.attempt) == ("failed", "worker_lost", 3, 3)
    assert ended.events.filter(data__to="failed").count() == 1


def test_past_its_hard_limit_a_job_fails_even_while_its_worker_beats() -> None:
    job = make_job()
    attempt = claimed(job)
    JobRun.objects.filter(job=job).update(deadline_at=Now() - timedelta(seconds=10))
    lease.renew(job.pk, attempt.token)
    assert reap() == 1
    assert (fresh(job).status, fresh(job).error_code) == ("failed", "time_limit")


def test_a_lost_job_whose_cancellation_was_asked_for_is_cancelled() -> None:
    job = make_job()
    claimed(job)
    JobRun.objects.filter(job=job).update(cancel_requested_at=Now())
    assert reap() == 0
    expire(job)
    assert reap() == 1
    assert fresh(job).status == "cancelled"


def test_two_reapers_count_a_loss_once() -> None:
    job = make_job()
    claimed(job)
    expire(job)
    barrier = threading.Barrier(2)

    def run() -> None:
        try:
            barrier.wait(10)
            reap()
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert (fresh(job).losses, fresh(job).events.filter(data__reason="worker_lost").count()) == (1, 1)


def test_a_job_that_a_command_left_queued_ends() -> None:
    job = make_job(queue="foreground")
    assert reap() == 0
    Job.objects.filter(pk=job.pk).update(queued_at=Now() - timedelta(minutes=5))
    assert reap() == 1
    assert (fresh(job).status, fresh(job).error_code) == ("failed", "worker_lost")


def test_the_heartbeat_keeps_a_long_job(settings: Settings, eventually) -> None:
    """It also beats while the handler holds its last transaction open."""
    settings.JOB_HEARTBEAT_SECONDS = 1
    settings.JOB_LEASE_SECONDS = 3
    job = make_job(None, {"gate": "long"})
    thread = in_thread(job)
    assert handlers.entered["long"].wait(10)
    first = fresh(job).run.lease_expires_at
    assert first
    eventually(lambda: (fresh(job).run.lease_expires_at or first) > first)
    assert reap() == 0
    handlers.gates["long"].set()
    thread.join(20)
    assert fresh(job).status == "completed"


def test_a_job_taken_away_while_it_runs_calls_its_kill_hooks_and_writes_nothing(eventually) -> None:
    job = make_job(None, {"wait": "taken"})
    thread = in_thread(job)
    assert handlers.entered["taken"].wait(10)
    JobRun.objects.filter(job=job).update(lease_expires_at=Now() - timedelta(hours=1))
    assert reap() == 1
    thread.join(20)
    assert not thread.is_alive()
    assert (fresh(job).status, fresh(job).losses) == ("queued", 1)


def in_thread(job: Job) -> threading.Thread:
    """Execute the job in a thread of its own and return it."""

    def run() -> None:
        try:
            assert job.dispatch_id
            execute(job.pk, job.dispatch_id)
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    return thread
