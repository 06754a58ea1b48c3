"""Events are forgotten by age: routine ones soon, all others late."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import Settings

from commandcenter.events import retention
from commandcenter.events.catalogue import CATALOGUE, ROUTINE
from commandcenter.events.models import Event

pytestmark = pytest.mark.django_db


def _events(**ages: int) -> None:
    for name, days in ages.items():
        kind, _, _ = name.partition("__")
        Event.objects.create(
            type=kind.replace("_", "."), subject_kind="job", created_at=timezone.now() - timedelta(days=days)
        )


def _left() -> list[str]:
    return sorted(Event.objects.values_list("type", flat=True))


def test_routine_events_go_before_those_that_people_ask_about_later(settings: Settings) -> None:
    settings.EVENT_ROUTINE_DAYS, settings.EVENT_RETENTION_DAYS = 30, 400
    _events(
        job_queued=31,
        job_completed=29,
        job_failed=31,
        analysis_completed=31,
        finding_new=401,
        user_created=399,
    )
    assert retention.prune() == 3
    assert _left() == ["job.completed", "job.failed", "user.created"]


def test_routine_events_are_in_the_catalogue_and_name_no_failure() -> None:
    assert set(CATALOGUE) > ROUTINE
    assert not any("fail" in name or "cancel" in name for name in ROUTINE)


def test_many_go_in_steps_and_never_more_than_asked(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.EVENT_ROUTINE_DAYS = 30
    monkeypatch.setattr(retention, "STEP", 7)
    at = timezone.now() - timedelta(days=40)
    kinds = ("job.queued", "job.failed")
    Event.objects.bulk_create(
        Event(type=kinds[number % 2], subject_kind="job", created_at=at + timedelta(seconds=number // 10))
        for number in range(100)
    )
    assert retention.prune(most=20) == 20
    assert retention.prune() == 30
    assert _left() == ["job.failed"] * 50
