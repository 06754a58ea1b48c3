"""What beat is told at installation."""

from __future__ import annotations

from importlib import import_module

import pytest
from django.apps import apps
from django_celery_beat.models import PeriodicTask

from jobs import tasks


@pytest.mark.django_db
def test_beat_sends_the_sweep_every_two_seconds_and_an_operators_entry_stands() -> None:
    seed = import_module("jobs.migrations.0003_periodic").seed
    PeriodicTask.objects.filter(name="jobs.sweep").delete()
    seed(apps, None)
    import_module("jobs.migrations.0011_sweeps_do_not_expire").keep(apps, None)
    entry = PeriodicTask.objects.get(name="jobs.sweep")
    assert (entry.task, entry.queue, entry.expire_seconds) == ("jobs.sweep", "system", None)
    assert (entry.interval.every, entry.interval.period) == (2, "seconds")
    PeriodicTask.objects.filter(pk=entry.pk).update(enabled=False)
    seed(apps, None)
    assert not PeriodicTask.objects.get(name="jobs.sweep").enabled


@pytest.mark.django_db
def test_beat_sends_the_tasks_of_history_and_an_operators_entry_stands() -> None:
    seed = import_module("jobs.migrations.0008_history_tasks").seed
    names = ["jobs.archive", "jobs.count", "jobs.prune_logs"]
    PeriodicTask.objects.filter(name__in=names).delete()
    seed(apps, None)
    found = PeriodicTask.objects.filter(name__in=names).order_by("name")
    assert [(entry.task, entry.queue) for entry in found] == [
        ("jobs.archive", "default"),
        ("jobs.count", "system"),
        ("jobs.prune_logs", "system"),
    ]
    assert {entry.task for entry in found} == {
        task.name for task in (tasks.archive_old, tasks.count, tasks.prune_logs)
    }
    PeriodicTask.objects.filter(name="jobs.archive").update(enabled=False)
    seed(apps, None)
    assert not PeriodicTask.objects.get(name="jobs.archive").enabled
