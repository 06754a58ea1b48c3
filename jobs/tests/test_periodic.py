"""What beat is told at installation."""

from __future__ import annotations

from importlib import import_module

import pytest
from django.apps import apps
from django_celery_beat.models import PeriodicTask


@pytest.mark.django_db
def test_beat_sends_the_sweep_every_two_seconds_and_an_operators_entry_stands() -> None:
    seed = import_module("jobs.migrations.0003_periodic").seed
    PeriodicTask.objects.filter(name="jobs.sweep").delete()
    seed(apps, None)
    entry = PeriodicTask.objects.get(name="jobs.sweep")
    assert (entry.task, entry.queue, entry.expire_seconds) == ("jobs.sweep", "system", 10)
    assert (entry.interval.every, entry.interval.period) == (2, "seconds")
    PeriodicTask.objects.filter(pk=entry.pk).update(enabled=False)
    seed(apps, None)
    assert not PeriodicTask.objects.get(name="jobs.sweep").enabled
