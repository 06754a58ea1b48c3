"""How a schedule fares: one word and a sentence, alike in the list and as a filter."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from commandcenter.accounts.tests.factories import make_user
from jobs.models import JobStatus
from jobs.state import transition
from jobs.tests.factories import make_project
from schedules import keeping
from schedules.clock import database_time
from schedules.health import Health, HealthStatus, health_of, in_health, status_at
from schedules.models import Firing, Schedule
from schedules.tests.factories import make_due, make_schedule
from schedules.ticking.outcomes import settle
from schedules.ticking.tick import tick

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)


def health(schedule: Schedule, *, ahead: timedelta = timedelta(0)) -> Health:
    """Return its health, after a look that filter and expression say the same."""
    schedule.refresh_from_db()
    now = database_time() + ahead
    found = health_of([schedule], now)[schedule.pk]
    assert Schedule.objects.values_list(status_at(now), flat=True).get(pk=schedule.pk) == found.status
    for status in HealthStatus:
        listed = in_health(Schedule.objects.filter(pk=schedule.pk), status, now)
        assert listed.exists() == (status == found.status)
    return found


def run(schedule: Schedule, status: JobStatus | None = JobStatus.COMPLETED, **values: Any) -> Firing:
    """Let one run be started and, unless told otherwise, end."""
    make_due(schedule)
    tick()
    firing = schedule.firings.latest("pk")
    if status is not None:
        transition(firing.job_id or 0, JobStatus.RUNNING, sources={JobStatus.QUEUED}, reason="claimed")
        transition(firing.job_id or 0, status, sources={JobStatus.RUNNING}, reason="ended", job_values=values)
        settle(schedule.pk)
    return firing


def test_a_new_one_has_never_run() -> None:
    assert health(make_schedule()) == Health(
        HealthStatus.NEVER_RUN, "It has not run yet: its first run is still to come."
    )


def test_one_whose_last_run_succeeded_is_healthy() -> None:
    schedule = make_schedule()
    run(schedule, None)
    assert health(schedule) == Health(HealthStatus.HEALTHY, "The first run has not ended yet.")
    settle(schedule.pk)  # changes nothing: it still runs
    assert health(schedule).status == HealthStatus.HEALTHY
    schedule = make_schedule()
    run(schedule)
    assert health(schedule).detail == "The last run succeeded just now."
    assert health(schedule, ahead=timedelta(minutes=30)).detail == "The last run succeeded 30 minutes ago."


def test_one_failed_run_is_enough_to_be_failing_and_one_success_to_be_healthy() -> None:
    schedule = make_schedule()
    run(schedule)
    run(schedule, JobStatus.FAILED, error_code="boom", error_message="It broke.")
    found = health(schedule)
    assert found.status == HealthStatus.FAILING
    assert found.detail.startswith("The last run failed just now: It broke. Mend the cause")
    run(schedule, JobStatus.FAILED, error_code="boom", error_message="It broke.")
    assert "2 runs in a row have failed." in health(schedule).detail
    run(schedule)
    assert health(schedule).status == HealthStatus.HEALTHY


def test_a_skipped_run_says_nothing_about_it() -> None:
    schedule = make_schedule()
    run(schedule, JobStatus.FAILED)
    run(schedule, None)
    make_due(schedule)
    tick()
    assert schedule.firings.latest("pk").status == "skipped"
    assert health(schedule).status == HealthStatus.FAILING


def test_a_run_that_was_given_up_makes_it_failing() -> None:
    schedule = make_schedule(misfire_policy="skip")
    make_due(schedule, late=2 * HOUR + timedelta(minutes=10))
    tick()
    found = health(schedule)
    assert found.status == HealthStatus.FAILING
    assert "given up just now: Nothing ticked in time" in found.detail


def test_one_that_nobody_ticks_is_late_beyond_its_grace_and_two_ticks() -> None:
    schedule = make_schedule(misfire_grace_seconds=60)
    run(schedule)
    make_due(schedule, late=timedelta(seconds=50))
    assert health(schedule).status == HealthStatus.HEALTHY
    make_due(schedule, late=timedelta(minutes=12))
    assert health(schedule) == Health(
        HealthStatus.LATE,
        "It was due 12 minutes ago and nothing has started it: see that beat and a worker of the queue "
        "`system` run.",
    )


def test_one_that_was_made_up_for_is_late_until_a_run_is_in_time() -> None:
    schedule = make_schedule()
    make_due(schedule, late=2 * HOUR + timedelta(minutes=10))
    tick()
    found = health(schedule)
    assert (found.status, found.detail[:34]) == (HealthStatus.LATE, "The last run was 2 hours late: see")
    schedule = make_schedule()
    make_due(schedule, late=2 * HOUR + timedelta(minutes=10))
    tick()
    firing = schedule.firings.get()
    transition(firing.job_id or 0, JobStatus.RUNNING, sources={JobStatus.QUEUED}, reason="claimed")
    transition(firing.job_id or 0, JobStatus.COMPLETED, sources={JobStatus.RUNNING}, reason="ended")
    run(schedule)
    assert health(schedule).status == HealthStatus.HEALTHY


def test_a_paused_one_says_who_paused_it_when_and_why_whatever_else_is_wrong() -> None:
    schedule = make_schedule()
    run(schedule, JobStatus.FAILED)
    keeping.disable(schedule, by=make_user("ada"), reason="Moving house.")
    assert health(schedule, ahead=3 * HOUR) == Health(
        HealthStatus.PAUSED, "Paused by ada 3 hours ago: Moving house. Enable it to let it run again."
    )
    other = make_schedule()
    keeping.disable(other, by=None, reason="3 runs in a row have failed.")
    assert health(other).detail == (
        "Paused just now: 3 runs in a row have failed. Enable it to let it run again."
    )


def test_a_pause_whose_reason_says_what_to_do_says_it_once() -> None:
    schedule = make_schedule()
    reason = "Its repository shop was deleted; choose another one, then enable it."
    keeping.disable(schedule, by=None, reason=reason)
    assert health(schedule).detail == f"Paused just now: {reason}"


def test_one_without_a_run_to_come_says_so() -> None:
    schedule = make_schedule()
    run(schedule)
    Schedule.objects.filter(pk=schedule.pk).update(next_run_at=None, next_scheduled_for=None)
    assert health(schedule).detail == "The last run succeeded just now. No further runs."


def test_a_page_of_them_costs_one_query_at_most(django_assert_num_queries: Any) -> None:
    project, ada = make_project(), make_user("ada")
    made = [make_schedule(project) for _ in range(5)]
    schedules = [keeping.disable(each, by=ada) if number % 2 else each for number, each in enumerate(made)]
    now = database_time()
    with django_assert_num_queries(1):
        assert len(health_of(schedules, now)) == 5
