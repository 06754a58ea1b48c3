"""Schedules on the stage: processes that tick, a gate at which a tick waits, and what must hold of all runs."""

from __future__ import annotations

import signal
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from django.db import connection

from commandcenter.embedded.processes import Process, manage
from commandcenter.inventory.models import Project
from schedules.models import Firing, FiringStatus, Schedule
from schedules.tests.factories import make_due, make_schedule
from tests.faults.sound import assert_sound
from tests.faults.stage import Stage

GATE = 0x6A7E  # an advisory lock: whoever holds it keeps ticks waiting
# In the transaction and before COMMIT, or inside of COMMIT: nobody hears of that any more, and it is committed.
BEFORE_COMMIT = """
    CREATE TRIGGER fault_gate AFTER UPDATE ON schedules_schedule FOR EACH STATEMENT EXECUTE FUNCTION fault_gate()
"""
IN_COMMIT = """
    CREATE CONSTRAINT TRIGGER fault_gate AFTER UPDATE ON schedules_schedule DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION fault_gate()
"""


def loop(name: str) -> Process:
    """Return a process that ticks ten times a second without Celery."""
    return Process(
        name=name,
        kind="command",
        argv=manage("schedule_tick", "--loop", "--every", "0.1"),
        stop_signal=signal.SIGTERM,
        orphan_signal=signal.SIGKILL,
    )


def make_many_due(project: Project, count: int) -> list[Schedule]:
    """Return schedules that are due: copies of one that was made through the real path."""
    first = make_schedule(project)
    make_due(first)
    first.refresh_from_db()
    values = {field.attname: getattr(first, field.attname) for field in Schedule._meta.concrete_fields}
    copies = [Schedule(**values | {"id": None, "name": f"Copy {number}"}) for number in range(1, count)]
    return [first, *Schedule.objects.bulk_create(copies)]


@contextmanager
def gate(trigger: str) -> Iterator[None]:
    """Let every tick that moves schedules on wait at a point until the block is left."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"""CREATE OR REPLACE FUNCTION fault_gate() RETURNS trigger LANGUAGE plpgsql AS
                $$ BEGIN PERFORM pg_advisory_xact_lock_shared({GATE}); RETURN NULL; END $$"""
        )
        cursor.execute(trigger)
        cursor.execute("SELECT pg_advisory_lock(%s)", [GATE])
    try:
        yield
    finally:
        with (
            connection.cursor() as cursor
        ):  # a new session, where the server was restarted: the lock is gone then
            cursor.execute("SELECT pg_advisory_unlock_all()")
            cursor.execute("DROP TRIGGER fault_gate ON schedules_schedule")


def at_the_gate() -> int:
    """Return how many ticks wait there."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = %s AND NOT granted", [GATE]
        )
        return int(cursor.fetchone()[0])


def assert_run_once(stage: Stage, schedules: Sequence[Schedule], runs: int = 1) -> list[Firing]:
    """Wait until so many runs of each schedule have ended; each has a job of its own that has run."""
    ids = [each.pk for each in schedules]
    ended = Firing.objects.filter(schedule__in=ids, status=FiringStatus.SUCCEEDED)
    stage.until(lambda: ended.count() >= runs * len(ids), "the end of all runs")
    jobs = [job for job in assert_sound(stage) if job.origin_id in ids]
    firings = list(Firing.objects.filter(schedule__in=ids).order_by("pk"))
    assert Counter(each.schedule_id for each in firings) == Counter(dict.fromkeys(ids, runs))
    assert {each.status for each in firings} == {FiringStatus.SUCCEEDED}
    assert sorted(each.job_id or 0 for each in firings) == sorted(job.pk for job in jobs)
    assert {(job.status, job.attempt) for job in jobs} == {("completed", 1)}
    return firings
