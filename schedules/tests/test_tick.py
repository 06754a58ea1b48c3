"""The tick: what is due is decided once, and its job made with it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from commandcenter.events.models import Event
from jobs.models import Job, JobStatus
from jobs.state import transition
from jobs.tests.factories import make_project
from schedules.clock import database_time
from schedules.models import Blackout, Firing, FiringStatus, Schedule, Ticker
from schedules.tests.factories import make_due, make_schedule, stood_still
from schedules.ticking.looking import TOLD_EVERY
from schedules.ticking.outcomes import settle
from schedules.ticking.soon import due_within
from schedules.ticking.tick import tick

pytestmark = pytest.mark.django_db

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


def firings(schedule: Schedule) -> list[Firing]:
    return list(schedule.firings.order_by("scheduled_for", "pk"))


def end(job_id: int | None, status: JobStatus = JobStatus.COMPLETED, **values: Any) -> None:
    transition(job_id or 0, JobStatus.RUNNING, sources={JobStatus.QUEUED}, reason="claimed")
    transition(job_id or 0, status, sources={JobStatus.RUNNING}, reason="ended", job_values=values)


def test_what_is_due_starts_its_job_once_and_the_next_run_is_counted_from_its_own_time() -> None:
    schedule = make_schedule()
    due = make_due(schedule)
    assert tick().started == 1
    (firing,) = firings(schedule)
    assert (firing.status, firing.scheduled_for, firing.merged) == (FiringStatus.STARTED, due, 0)
    job = Job.objects.get(pk=firing.job_id or 0)
    assert (job.status, job.origin_kind, job.origin_id) == (JobStatus.QUEUED, "schedule", schedule.pk)
    schedule.refresh_from_db()
    assert schedule.next_run_at == due + HOUR
    assert schedule.last_run_at == firing.decided_at
    fired = Event.objects.get(type="schedule.fired")
    assert fired.data["job"] == job.pk
    assert tick().claimed == 0


def test_nothing_that_is_paused_or_not_due_is_touched() -> None:
    make_schedule()
    paused = make_schedule()
    make_due(paused)
    Schedule.objects.filter(pk=paused.pk).update(enabled=False)
    assert tick().claimed == 0
    assert not Firing.objects.exists()


def test_a_run_that_was_decided_is_not_decided_again() -> None:
    """As when the clock was set back: the schedule stands before a run that it made already."""
    schedule = make_schedule()
    make_due(schedule)
    tick()
    before = Schedule.objects.get(pk=schedule.pk)
    stood_still(schedule, timedelta(seconds=30))
    assert tick().claimed == 1
    assert len(firings(schedule)) == Job.objects.count() == 1
    assert Schedule.objects.get(pk=schedule.pk).next_run_at == before.next_run_at


@pytest.mark.parametrize(
    ("policy", "statuses", "merged"),
    [
        ("fire_once", [FiringStatus.STARTED], [4]),
        ("skip", [FiringStatus.MISSED], [4]),
        ("fire_all", [FiringStatus.STARTED] * 5, [0] * 5),
    ],
)
def test_what_was_missed_for_long_is_as_its_policy_says(
    policy: str, statuses: list[str], merged: list[int]
) -> None:
    schedule = make_schedule(misfire_policy=policy, overlap_policy="allow")
    due = make_due(schedule, late=4 * HOUR + 10 * MINUTE)
    while tick().claimed:
        pass
    found = firings(schedule)
    assert [each.status for each in found] == statuses
    assert [each.merged for each in found] == merged
    schedule.refresh_from_db()
    assert schedule.next_run_at == due + 5 * HOUR
    assert Event.objects.get(type="schedule.missed").data["reason"].startswith("5 runs were late by")


def test_each_outage_is_told_once() -> None:
    schedule = make_schedule(misfire_policy="fire_all", overlap_policy="allow")
    for outages in (1, 2):
        make_due(schedule, late=3 * HOUR - outages * MINUTE)
        while tick().claimed:
            pass
        assert Event.objects.filter(type="schedule.missed").count() == outages
        Schedule.objects.filter(pk=schedule.pk).update(missed_told_at=database_time() - 4 * HOUR)
    make_due(schedule)
    tick()
    assert Event.objects.filter(type="schedule.missed").count() == 2


def test_what_is_late_within_the_grace_runs_as_if_it_were_not() -> None:
    schedule = make_schedule(misfire_policy="skip", misfire_grace_seconds=600)
    make_due(schedule, late=5 * MINUTE)
    assert tick().started == 1
    assert not Event.objects.filter(type="schedule.missed").exists()


@pytest.mark.parametrize("policy", ["skip", "queue", "cancel_running"])
def test_each_missed_run_is_made_up_for_in_its_turn_where_the_policy_is_to_run_all(policy: str) -> None:
    """Whatever becomes of runs that overlap in time: those that were missed overlap only because they were."""
    schedule = make_schedule(misfire_policy="fire_all", overlap_policy=policy)
    make_due(schedule, late=2 * HOUR + 10 * MINUTE)
    while tick().claimed:
        pass
    assert [each.status for each in firings(schedule)] == ["started", "waiting", "waiting"]
    for _ in range(3):
        end(schedule.firings.get(status=FiringStatus.STARTED).job_id)
        settle(schedule.pk)
    assert [each.status for each in firings(schedule)] == ["succeeded"] * 3
    assert Job.objects.count() == 3


def test_one_tick_catches_up_with_a_schedule_that_is_oftener_due_than_anything_ticks() -> None:
    schedule = make_schedule(frequency="interval", interval_seconds=1, overlap_policy="allow")
    stood_still(schedule, timedelta(seconds=20))
    assert tick(seconds=60).started >= 20
    schedule.refresh_from_db()
    assert schedule.next_run_at is not None
    assert schedule.next_run_at > schedule.firings.latest("pk").decided_at


@pytest.mark.parametrize("of_project", [True, False])
def test_a_blackout_skips_and_says_why(of_project: bool) -> None:
    schedule, other = make_schedule(), make_schedule()
    now = database_time()
    Blackout.objects.create(
        project=schedule.project,
        schedule=None if of_project else schedule,
        starts_at=now - HOUR,
        ends_at=now + HOUR,
        reason="Release week",
    )
    make_due(schedule)
    make_due(other)
    assert tick().started == 1
    (firing,) = firings(schedule)
    assert (firing.status, firing.reason, firing.detail) == ("skipped", "blackout", "Release week")
    assert not Event.objects.filter(type="schedule.fired", subject_id=schedule.pk).exists()


def test_overlap_skip_runs_again_when_the_job_has_ended() -> None:
    schedule = make_schedule()
    make_due(schedule)
    tick()
    make_due(schedule)
    tick()
    first, second = firings(schedule)
    assert (second.status, second.reason) == ("skipped", "overlap")
    end(first.job_id)
    make_due(schedule)
    tick()
    assert firings(schedule)[-1].status == FiringStatus.STARTED


def test_overlap_queue_lets_one_run_wait_and_starts_it_after_the_other() -> None:
    schedule = make_schedule(overlap_policy="queue")
    for _ in range(3):
        make_due(schedule)
        tick()
    first, second, third = firings(schedule)
    assert [each.status for each in (first, second, third)] == ["started", "waiting", "skipped"]
    end(first.job_id)
    settle(schedule.pk)
    first, second, third = firings(schedule)
    assert [each.status for each in (first, second, third)] == ["succeeded", "started", "skipped"]
    assert Job.objects.get(pk=second.job_id or 0).status == JobStatus.QUEUED


def test_overlap_cancel_running_replaces_the_job() -> None:
    schedule = make_schedule(overlap_policy="cancel_running")
    for _ in range(2):
        make_due(schedule)
        tick()
    first, second = firings(schedule)
    assert Job.objects.get(pk=first.job_id or 0).status == JobStatus.CANCELLED
    assert Job.objects.get(pk=second.job_id or 0).status == JobStatus.QUEUED


def test_overlap_allow_runs_both() -> None:
    schedule = make_schedule(overlap_policy="allow")
    for _ in range(2):
        make_due(schedule)
        tick()
    assert [each.status for each in firings(schedule)] == ["started", "started"]


def test_a_job_that_cannot_be_made_any_more_pauses_its_schedule_and_no_other() -> None:
    broken, sound = make_schedule(), make_schedule()
    Schedule.objects.filter(pk=broken.pk).update(job_type="import", parameters={"kind": "gone"})
    make_due(broken)
    make_due(sound)
    done = tick()
    assert (done.started, done.refused) == (1, 1)
    (firing,) = firings(broken)
    assert firing.status == FiringStatus.REFUSED
    broken.refresh_from_db()
    assert not broken.enabled
    assert broken.pause_reason == firing.detail
    assert Event.objects.get(type="schedule.disabled").data["reason"] == firing.detail
    make_due(broken)
    assert tick().claimed == 0


def test_a_schedule_whose_zone_is_gone_is_paused_and_the_others_go_on() -> None:
    lost, sound = make_schedule(), make_schedule()
    make_due(lost)
    make_due(sound)
    Schedule.objects.filter(pk=lost.pk).update(
        frequency="daily", time="02:30", timezone="Mars/Olympus", interval_seconds=None
    )
    done = tick()
    assert (done.started, done.refused) == (1, 1)
    lost.refresh_from_db()
    assert not lost.enabled
    assert "Mars/Olympus" in lost.pause_reason


def test_failures_in_a_row_pause_it_where_that_is_asked_for() -> None:
    schedule = make_schedule(pause_after_failures=2)
    for number in (1, 2):
        make_due(schedule)
        tick()
        firing = firings(schedule)[-1]
        end(firing.job_id, JobStatus.FAILED, error_code="boom", error_message="It broke.")
        settle(schedule.pk)
        schedule.refresh_from_db()
        assert (schedule.consecutive_failures, schedule.enabled) == (number, number < 2)
    assert [each.status for each in firings(schedule)] == ["failed", "failed"]
    assert firings(schedule)[-1].detail == "It broke."
    assert schedule.pause_reason == "2 runs in a row have failed."


def test_the_statements_of_a_tick_do_not_grow_with_the_schedules() -> None:
    """Neither those of runs in time, nor those of runs that are late and told as missed."""
    project = make_project()
    tick()
    counts = []
    for late in (timedelta(seconds=1), HOUR):
        for number in (2, 40):
            for _ in range(number):
                make_due(make_schedule(project), late=late)
            with CaptureQueriesContext(connection) as queries:
                assert tick().started == number
            counts.append(len(queries))
    in_time, many_in_time, late_ones, many_late = counts
    assert many_in_time == in_time <= 25
    assert many_late == late_ones


def test_a_tick_that_finds_nothing_asks_once() -> None:
    make_schedule()
    tick()
    with CaptureQueriesContext(connection) as queries:
        assert tick().claimed == 0
    assert len(queries) == 1


def test_a_tick_is_noted_although_nothing_is_due() -> None:
    """But not by each, and whoever looks knows when the last one was."""
    tick()
    first = Ticker.objects.get().ticked_at
    tick()
    assert Ticker.objects.get().ticked_at == first
    Ticker.objects.update(ticked_at=database_time() - TOLD_EVERY)
    tick()
    assert Ticker.objects.get().ticked_at != first


def test_a_tick_knows_what_is_due_before_the_next_one() -> None:
    """One moment a second, however many schedules; paused ones and later ones are none."""
    offsets = (20.0, 20.4, 20.9, 22.5, 90.0)
    paused, *others = [make_schedule() for _ in range(1 + len(offsets))]
    now = database_time()
    for schedule, offset in zip(others, offsets, strict=True):
        Schedule.objects.filter(pk=schedule.pk).update(next_run_at=now + timedelta(seconds=offset))
    Schedule.objects.filter(pk=paused.pk).update(next_run_at=now + timedelta(seconds=21.5), enabled=False)
    first, second = due_within(40.0)
    assert first <= offsets[0]
    assert second - first == pytest.approx(2.5)
