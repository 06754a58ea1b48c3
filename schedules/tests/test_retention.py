"""Old runs and blackouts are forgotten; the last runs of each schedule stay."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django_celery_beat.models import PeriodicTask
from pytest_django import Settings

from schedules import retention
from schedules.clock import database_time
from schedules.models import Blackout, Firing, FiringStatus, Schedule
from schedules.retention import prune
from schedules.tasks import prune_firings
from schedules.tests.factories import make_schedule

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)


def ran(schedule: Schedule, count: int, *, days_ago: float, status: str = "succeeded") -> list[int]:
    first = database_time() - days_ago * DAY
    made = []
    for number in range(count):
        at = first + number * timedelta(seconds=1)
        firing = Firing.objects.create(
            schedule=schedule, scheduled_for=at, due_at=at, decided_at=at, status=status
        )
        made.append(firing.pk)
    return made


def left(schedule: Schedule) -> list[int]:
    return list(schedule.firings.order_by("pk").values_list("pk", flat=True))


@pytest.mark.parametrize("step", [7, 2_000])
def test_old_runs_go_but_for_the_last_twenty_of_each(step: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "STEP", step)
    busy, idle = make_schedule(), make_schedule()
    old = ran(busy, 25, days_ago=200)
    recent = ran(busy, 12, days_ago=170)
    kept = ran(idle, 20, days_ago=400)
    assert prune() == 17
    assert left(busy) == old[17:] + recent
    assert left(idle) == kept
    assert prune() == 0


def test_what_has_not_ended_stays() -> None:
    schedule = make_schedule()
    (waits,) = ran(schedule, 1, days_ago=300, status=FiringStatus.WAITING)
    (started,) = ran(schedule, 1, days_ago=299, status=FiringStatus.STARTED)
    ran(schedule, 1, days_ago=298)
    recent = ran(schedule, 20, days_ago=1)
    assert prune() == 1
    assert left(schedule) == [waits, started, *recent]


def test_how_long_they_stay_can_be_set(settings: Settings) -> None:
    settings.FIRING_RETENTION_DAYS = 2
    schedule = make_schedule()
    ran(schedule, 5, days_ago=3)
    recent = ran(schedule, 20, days_ago=1)
    prune_firings()
    assert left(schedule) == recent


def test_blackouts_go_a_year_after_their_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "STEP", 2)
    schedule, now = make_schedule(), database_time()
    for days in (366, 367, 400, 364):
        Blackout.objects.create(
            project=schedule.project, starts_at=now - (days + 1) * DAY, ends_at=now - days * DAY
        )
    assert prune() == 3
    assert Blackout.objects.get().ends_at == now - 364 * DAY


def test_beat_asks_for_it() -> None:
    assert PeriodicTask.objects.get(task="schedules.prune").queue == "system"
