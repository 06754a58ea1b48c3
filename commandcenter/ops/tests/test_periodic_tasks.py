"""What beat is told at installation: tasks that exist, on queues that are consumed, described for the admin."""

from __future__ import annotations

from importlib import import_module

import pytest
from celery import current_app
from django.apps import apps
from django.conf import settings
from django_celery_beat.models import PeriodicTask

from jobs.fairness.queues import SYSTEM

pytestmark = pytest.mark.django_db
SHORT = 60  # seconds: the worker of this queue runs one task at a time, the reaper and the tick among them
BOUNDS_ITSELF = "commandcenter.events.tasks.relay"


def test_every_entry_names_a_task_that_exists_and_a_queue_and_says_what_it_does() -> None:
    current_app.loader.import_default_modules()
    entries = list(PeriodicTask.objects.all())
    assert len(entries) > 20
    for entry in entries:
        assert entry.enabled, entry.name
        assert entry.task in current_app.tasks, entry.name
        assert entry.queue in settings.QUEUES, entry.name
        assert entry.description.endswith("."), entry.name


def test_nothing_long_shares_a_queue_with_the_reaper() -> None:
    current_app.loader.import_default_modules()
    found = PeriodicTask.objects.filter(queue=SYSTEM).exclude(task=BOUNDS_ITSELF)
    assert found.filter(task="jobs.sweep").exists()
    for entry in found:
        assert (current_app.tasks[entry.task].time_limit or 601) <= SHORT, entry.name


def test_what_an_operator_has_changed_stands() -> None:
    name = "Events: forget old events"
    PeriodicTask.objects.filter(name=name).update(description="Ours.", queue="export")
    migration = import_module("commandcenter.ops.migrations.0002_periodic_tasks_are_described")
    migration.describe(apps, None)
    migration.move(apps, None)
    entry = PeriodicTask.objects.get(name=name)
    assert (entry.description, entry.queue) == ("Ours.", "export")
