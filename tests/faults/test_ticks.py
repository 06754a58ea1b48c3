"""Ticks of schedules that are killed, that run at once, and whose database goes away: each run has one job, and it runs."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from datetime import timedelta

import pytest
import redis
from django.db import connection, transaction
from django.db.models import F
from django_celery_beat.models import IntervalSchedule, PeriodicTask

from commandcenter.inventory.models import Project
from jobs.models import Job
from schedules.clock import database_time
from schedules.models import Firing, Schedule
from schedules.ticking.tick import BATCH
from tests.faults.rows import forget, stopped
from tests.faults.stage import WORKERS, Stage, alive
from tests.faults.ticks import (
    BEFORE_COMMIT,
    IN_COMMIT,
    assert_run_once,
    at_the_gate,
    gate,
    loop,
    make_many_due,
)

pytestmark = pytest.mark.process


def sessions() -> int:
    """Return how many commands are connected with the database."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'commandcenter-command'"
        )
        return int(cursor.fetchone()[0])


@pytest.mark.parametrize(
    "committed", [False, True], ids=["right before its commit", "right after its commit"]
)
def test_a_tick_is_killed(stage: Stage, project: Project, committed: bool) -> None:
    """Nothing of it stays, or all of it: jobs whose messages nobody sent are sent by the sweeper."""
    schedules = make_many_due(project, 3)
    try:
        with gate(IN_COMMIT if committed else BEFORE_COMMIT):
            stage.add(loop("tick"))
            stage.until(lambda: at_the_gate() == 1, "a tick at the gate")
            pid = stage.leader("tick")
            stage.keeping = False
            os.kill(pid, signal.SIGKILL)
            stage.until(lambda: not alive(pid), "its end")
        stage.until(lambda: sessions() == 0, "the end of its session")
        assert Firing.objects.count() == Job.objects.count() == (len(schedules) if committed else 0)
        stage.keeping = True
        assert_run_once(stage, schedules)
    finally:
        stage.drop("tick")


def test_four_ticks_at_once(stage: Stage, project: Project) -> None:
    """They share what is due between them, and none of it is done twice or left."""
    schedules = make_many_due(project, 3 * BATCH + 10)
    names = [f"tick-{number}" for number in range(4)]
    try:
        with stopped(stage, *WORKERS):  # that hundreds of jobs run is nothing new
            with gate(BEFORE_COMMIT):
                for name in names:
                    stage.add(loop(name))
                stage.until(lambda: at_the_gate() == len(names), "four ticks at the gate")
            due = Schedule.objects.filter(next_run_at__lte=database_time())
            stage.until(lambda: not due.exists(), "the end of all ticks")
            ids = sorted(each.pk for each in schedules)
            assert sorted(Firing.objects.values_list("schedule_id", flat=True)) == ids
            assert sorted(Job.objects.values_list("origin_id", flat=True)) == ids
            jobs = set(Job.objects.values_list("pk", flat=True))
            assert set(Firing.objects.values_list("job_id", flat=True)) == jobs
            forget()
    finally:
        for name in names:
            stage.drop(name)


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGQUIT], ids=["fast", "immediate"])
def test_the_database_is_restarted_in_the_middle_of_a_tick(
    stage: Stage, project: Project, signum: signal.Signals
) -> None:
    """The process goes on, and does what it could not end."""
    schedules = make_many_due(project, 5)
    try:
        with gate(BEFORE_COMMIT):
            stage.add(loop("tick"))
            stage.until(lambda: at_the_gate() == 1, "a tick at the gate")
            leader = stage.leader("tick")
            connection.close()
            stage.end_server("postgres", signum)
            stage.start_server("postgres")
        assert_run_once(stage, schedules)
        assert stage.leader("tick") == leader
    finally:
        stage.drop("tick")


def senders(stage: Stage) -> set[int]:
    """Return the pids of the processes whose ticks wait in the broker."""
    with redis.Redis.from_url(stage.environ["BROKER_URL"], socket_timeout=5) as client:
        found = [json.loads(message)["headers"] for message in client.lrange("system", 0, -1)]
    origins = [each["origin"] for each in found if each["task"] == "schedules.tick"]
    return {int(origin.partition("@")[0].removeprefix("gen")) for origin in origins}


@pytest.fixture
def two_beats(stage: Stage) -> Iterator[None]:
    """Let two beats send a tick every second each, to two workers."""
    entry = PeriodicTask.objects.get(task="schedules.tick")
    usual = entry.interval
    entry.interval, _ = IntervalSchedule.objects.get_or_create(every=1, period=IntervalSchedule.SECONDS)
    entry.enabled = True
    entry.save()  # beats look whether something was saved
    stage.drop("system")
    stage.start("beat-two")
    try:
        leaders = {stage.leader(name) for name in ("beat", "beat-two")}
        stage.until(lambda: senders(stage) == leaders, "a tick of each beat")
        stage.start("system", "system-two")
        yield
    finally:
        entry.enabled, entry.interval = False, usual
        entry.save()
        stage.drop("beat-two")
        if "system-two" in stage.parts:
            stage.drop("system-two")
        else:
            stage.start("system")


@pytest.mark.usefixtures("two_beats")
def test_two_beats_at_once(stage: Stage, project: Project) -> None:
    """They send twice as many ticks, and each due run has one job all the same."""
    with transaction.atomic():
        schedules = make_many_due(project, 10)
        last = F("starts_at") + timedelta(seconds=5)
        Schedule.objects.update(interval_seconds=2, ends_at=last, overlap_policy="allow")
    assert_run_once(stage, schedules, runs=3)
