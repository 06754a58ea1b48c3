"""Clocks that are wrong or jump, days without a tick, and time zones whose rules change, under real ticks."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from importlib import resources
from itertools import pairwise
from pathlib import Path
from zoneinfo import TZPATH

import pytest
from celery import current_app
from django.db import connection

from commandcenter.inventory.models import Project
from schedules.clock import database_time
from schedules.models import Firing, FiringStatus, Schedule, Ticker
from schedules.tests.factories import make_due, make_schedule, stood_still
from tests.faults.stage import Stage, job_worker
from tests.faults.ticks import assert_run_once, loop

pytestmark = pytest.mark.process
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
SHIFTED = """
    CREATE SCHEMA shifted;
    CREATE TABLE shifted.shift (seconds integer NOT NULL);
    INSERT INTO shifted.shift VALUES (0);
    CREATE FUNCTION shifted.clock_timestamp() RETURNS timestamptz LANGUAGE sql VOLATILE AS
        $$ SELECT pg_catalog.clock_timestamp() + make_interval(secs => seconds) FROM shifted.shift $$;
    CREATE FUNCTION shifted.statement_timestamp() RETURNS timestamptz LANGUAGE sql STABLE AS
        $$ SELECT pg_catalog.statement_timestamp() + make_interval(secs => seconds) FROM shifted.shift $$;
    CREATE FUNCTION shifted.now() RETURNS timestamptz LANGUAGE sql STABLE AS
        $$ SELECT pg_catalog.now() + make_interval(secs => seconds) FROM shifted.shift $$;
"""


def reconnect(sql: str) -> None:
    """Change what new sessions of the database begin with, and end all that there are: everybody connects again."""
    with connection.cursor() as cursor:
        cursor.execute(sql)
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    connection.close()


@pytest.fixture
def shift(stage: Stage) -> Iterator[Callable[[timedelta], None]]:
    """Return what sets the clock of the stage's database, for every process that asks it: PostgreSQL looks in this
    schema before its own.
    """
    with connection.cursor() as cursor:
        cursor.execute(SHIFTED)
        cursor.execute("SELECT current_database()")
        (name,) = cursor.fetchone()

    def to(by: timedelta) -> None:
        with connection.cursor() as cursor:
            cursor.execute("UPDATE shifted.shift SET seconds = %s", [by.total_seconds()])

    reconnect(f'ALTER DATABASE "{name}" SET search_path = shifted, public, pg_catalog')
    try:
        yield to
    finally:
        reconnect(f'ALTER DATABASE "{name}" RESET search_path')
        with connection.cursor() as cursor:
            cursor.execute("DROP SCHEMA shifted CASCADE")


def next_run(schedule: Schedule) -> datetime:
    """Return when it runs next."""
    found = Schedule.objects.values_list("next_run_at", flat=True).get(pk=schedule.pk)
    assert found is not None
    return found


def test_the_clock_of_the_database_jumps_ahead_and_is_set_back(
    stage: Stage, project: Project, shift: Callable[[timedelta], None]
) -> None:
    """What was passed over is made up for once; afterwards nothing waits until the clock is where it was."""
    real = database_time()
    soon = real + 5 * MINUTE
    schedule = make_schedule(project, frequency="interval", interval_seconds=600, starts_at=soon - 2 * HOUR)
    assert next_run(schedule) == soon
    stage.add(loop("tick"))
    try:
        shift(HOUR)
        (firing,) = assert_run_once(stage, [schedule])
        assert (firing.scheduled_for, firing.merged) == (soon + 50 * MINUTE, 5)
        assert next_run(schedule) == soon + HOUR
        shift(timedelta())
        stage.until(lambda: next_run(schedule) == soon, "the next run of the old time")
        shift(-HOUR)
        stage.until(lambda: next_run(schedule) == soon - HOUR, "the next run of an hour ago")
        assert_run_once(stage, [schedule])
    finally:
        stage.drop("tick")


@pytest.mark.parametrize("hours", [1, -1])
def test_the_clock_of_the_worker_that_ticks_is_wrong(stage: Stage, project: Project, hours: int) -> None:
    """What is due by the database's clock is due, and nothing else is."""
    begun = database_time()
    later = make_schedule(project, frequency="once", run_at=begun + 30 * MINUTE)
    due = make_schedule(project)
    make_due(due)
    stage.add(job_worker("skewed", "export", skew=hours * 3600))
    try:
        # By a connection of its own: the application keeps some from tests that had another broker.
        with current_app.connection_for_write(url=stage.environ["BROKER_URL"]) as line:
            current_app.send_task("schedules.tick", queue="export", expires=2 * 3600, connection=line)
        (firing,) = assert_run_once(stage, [due])
    finally:
        stage.drop("skewed")
    assert begun <= firing.decided_at <= database_time()
    assert not Firing.objects.filter(schedule=later).exists()
    assert next_run(later) > begun


def test_nothing_ticked_for_a_day(stage: Stage, project: Project) -> None:
    """Each policy has what it promises, whatever process ticks first."""
    schedules = {
        policy: stood_still(
            make_schedule(project, misfire_policy=policy, overlap_policy="allow"), timedelta(hours=24)
        )
        for policy in ("fire_once", "fire_all", "skip")
    }
    stage.add(loop("tick"))
    try:
        stage.until(
            lambda: all(next_run(each) > database_time() for each in schedules.values()),
            "the end of the ticks",
        )
        (once,) = assert_run_once(stage, [schedules["fire_once"]])
        every = assert_run_once(stage, [schedules["fire_all"]], runs=24)
    finally:
        stage.drop("tick")
    assert once.merged == 23
    assert [after.scheduled_for - before.scheduled_for for before, after in pairwise(every)] == [HOUR] * 23
    (missed,) = schedules["skip"].firings.all()
    assert (missed.status, missed.job_id, missed.merged) == (FiringStatus.MISSED, None, 23)


def test_the_rules_of_a_time_zone_change(stage: Stage, project: Project, tmp_path: Path) -> None:
    """A process that knows the new ones computes the next runs again: they run at the new times, and once."""
    soon = (database_time() + 90 * MINUTE).replace(second=0, microsecond=0)
    lagos = soon + HOUR  # an hour ahead of UTC all the year
    schedule = make_schedule(project, frequency="daily", timezone="Africa/Lagos", time=lagos.time())
    stood_still(schedule, 3 * HOUR)
    stage.add(loop("old"))
    stage.until(Ticker.objects.exclude(zone_data="").exists, "a tick that knows the old rules")
    stage.drop("old")
    assert next_run(schedule) == soon
    folder = tmp_path / "zones"
    (folder / "Africa").mkdir(parents=True)
    (folder / "Africa" / "Lagos").write_bytes(
        resources.files("tzdata.zoneinfo.Etc").joinpath("GMT-3").read_bytes()
    )  # three hours ahead
    stage.add(loop("new"), PYTHONTZPATH=os.pathsep.join([str(folder), *TZPATH]))
    try:
        (firing,) = assert_run_once(stage, [schedule])
    finally:
        stage.drop("new")
    assert firing.scheduled_for == soon - 2 * HOUR
    assert next_run(schedule) == soon + 22 * HOUR
