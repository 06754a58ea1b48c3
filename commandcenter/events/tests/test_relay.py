"""The relay: each event to every subscriber exactly once in effect, late ones and failures included."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator
from datetime import timedelta
from importlib import import_module
from typing import Any

import pytest
from django.apps import apps
from django.core.checks import run_checks
from django.db import connection, transaction
from django.utils import timezone

from commandcenter.events import tasks
from commandcenter.events.catalogue import CATALOGUE
from commandcenter.events.models import Event, Outbox
from commandcenter.events.publish import publish
from commandcenter.events.relay import relay
from commandcenter.events.tests import subscribers
from commandcenter.inventory.models import Project

WRITE = "commandcenter.events.tests.subscribers.write"
FAIL = "commandcenter.events.tests.subscribers.fail_for_some"


def say(count: int = 1) -> list[Event]:
    example = CATALOGUE["job.queued"].example
    with transaction.atomic():
        return [publish("job.queued", project=None, subject=("job", 41), data=example) for _ in range(count)]


@pytest.fixture(autouse=True)
def _clean(settings: Any) -> Iterator[None]:
    settings.EVENT_SUBSCRIBERS = [WRITE, FAIL]
    subscribers.FAILING.clear()
    yield
    subscribers.FAILING.clear()


@pytest.mark.django_db
def test_events_are_handed_over_and_stay() -> None:
    events = say(3)
    assert relay(2) == 2
    assert relay(2) == 1
    assert relay(2) == 0
    assert not Outbox.objects.exists()
    assert Event.objects.count() == 3
    assert set(Project.objects.values_list("slug", flat=True)) == {f"trace-{event.pk}" for event in events}


@pytest.mark.django_db
def test_one_failure_rolls_back_its_event_alone_and_is_tried_again() -> None:
    good, bad, last = say(3)
    subscribers.FAILING.add(bad.pk)
    relay()
    assert set(Project.objects.values_list("slug", flat=True)) == {f"trace-{good.pk}", f"trace-{last.pk}"}
    row = Outbox.objects.get()
    assert (row.event_id, row.attempts) == (bad.pk, 1)
    assert "The receiver is away." in row.last_error
    assert row.not_before > timezone.now()
    assert relay() == 0, "it waits"
    subscribers.FAILING.clear()
    Outbox.objects.update(not_before=timezone.now())
    relay()
    assert not Outbox.objects.exists()
    assert Project.objects.filter(slug=f"trace-{bad.pk}").exists()


@pytest.mark.django_db
def test_delay_grows_to_an_hour_and_no_further() -> None:
    (event,) = say()
    subscribers.FAILING.add(event.pk)
    delays = []
    for _ in range(14):
        Outbox.objects.update(not_before=timezone.now() - timedelta(seconds=1))
        relay()
        delays.append((Outbox.objects.get().not_before - timezone.now()).total_seconds())
    assert delays[0] < 6
    assert 3500 < delays[-1] <= 3600
    assert all(later >= earlier - 1 for earlier, later in itertools.pairwise(delays))


@pytest.mark.django_db(transaction=True)
def test_relays_side_by_side_deliver_once_each() -> None:
    say(60)

    def work() -> None:
        try:
            while relay(7):
                pass
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    tasks.relay()
    assert Project.objects.filter(slug__startswith="trace-").count() == 60
    assert not Outbox.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_event_that_commits_late_is_not_passed_over() -> None:
    """An event with a lower id than one already relayed is relayed when its transaction commits."""
    began, proceed = threading.Event(), threading.Event()

    def slow() -> None:
        try:
            with transaction.atomic():
                say()
                began.set()
                proceed.wait(timeout=30)
        finally:
            connection.close()

    thread = threading.Thread(target=slow)
    thread.start()
    assert began.wait(timeout=30)
    say()
    assert relay() == 1
    proceed.set()
    thread.join(timeout=30)
    assert relay() == 1
    first, second = Event.objects.order_by("pk")
    assert first.pk < second.pk


def test_subscriber_that_cannot_be_imported_is_told_at_start(settings: Any) -> None:
    settings.EVENT_SUBSCRIBERS = ["commandcenter.events.nowhere.on_event", "commandcenter.events.tasks.BATCH"]
    ids = {error.id for error in run_checks() if str(error.id).startswith("commandcenter.events")}
    assert ids == {"commandcenter.events.E001", "commandcenter.events.E002"}


@pytest.mark.django_db
def test_periodic_tasks_are_seeded_on_the_system_queue() -> None:
    from django_celery_beat.models import PeriodicTask

    from commandcenter.celery import app

    app.loader.import_default_modules()
    for label in ("events", "accounts"):  # a transactional test before this one may have emptied the table
        import_module(f"commandcenter.{label}.migrations.0002_periodic_tasks").seed(apps, None)
    ours = PeriodicTask.objects.filter(task__regex=r"^commandcenter\.(events|core|accounts)\.")
    assert ours.filter(task="commandcenter.events.tasks.relay", interval__every=5).exists()
    assert ours.count() == 4
    for each in ours:
        assert each.queue == "system"
        assert each.task in app.tasks
