"""publish(): in the caller's transaction or not at all, and live on commit."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from channels.layers import get_channel_layer
from django.db import connection, transaction

from commandcenter.core.actor import acting_as
from commandcenter.events.catalogue import CATALOGUE, InvalidEvent
from commandcenter.events.models import Event, Outbox
from commandcenter.events.publish import Happening, OutsideTransaction, publish, publish_many

DATA = CATALOGUE["repository.created"].example


def say(project: int | None = 5) -> Event:
    return publish("repository.created", project=project, subject=("repository", 3), data=DATA)


@pytest.mark.django_db
def test_event_and_outbox_row_are_written_together() -> None:
    with acting_as(name="tester", request_id="r-9", address="198.51.100.1"):
        event = say()
    assert Outbox.objects.get().event_id == event.pk
    stored = Event.objects.get()
    assert (stored.type, stored.project_id, stored.subject_kind, stored.subject_id) == (
        "repository.created",
        5,
        "repository",
        3,
    )
    assert (stored.actor_name, stored.request_id, stored.address) == ("tester", "r-9", "198.51.100.1")
    assert stored.data == DATA


@pytest.mark.django_db
def test_data_that_does_not_fit_writes_nothing() -> None:
    with pytest.raises(InvalidEvent):
        publish("repository.created", project=5, subject=("repository", 3), data={})
    assert not Event.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_outside_a_transaction_is_a_mistake() -> None:
    with pytest.raises(OutsideTransaction):
        say()


@pytest.mark.django_db(transaction=True)
def test_rollback_leaves_neither_event_nor_outbox_row() -> None:
    with transaction.atomic():
        say()
        transaction.set_rollback(True)
    assert not Event.objects.exists()
    assert not Outbox.objects.exists()


@pytest.mark.django_db(transaction=True)
async def test_commit_reaches_the_projects_activity_group() -> None:
    layer: Any = get_channel_layer()
    channel = await layer.new_channel()
    await layer.group_add("project.5.events", channel)

    def commit() -> Event:
        try:
            with transaction.atomic():
                return say()
        finally:
            connection.close()

    event = await sync_to_async(commit)()
    message = await asyncio.wait_for(layer.receive(channel), 5)
    await layer.flush()
    assert message["type"] == "activity"
    assert message["event"]["id"] == event.pk
    assert message["event"]["data"] == DATA
    assert set(message["event"]) == {"id", "uid", "type", "project", "subject", "actor", "data", "at"}
    assert message["event"]["at"].endswith("Z")


@pytest.mark.django_db(transaction=True)
def test_absent_broker_does_not_disturb_the_change(settings: Any, monkeypatch: Any) -> None:
    from celery import Celery

    from commandcenter.celery import app
    from commandcenter.events import hints

    settings.EVENT_SUBSCRIBERS = ["commandcenter.events.tests.subscribers.write"]
    monkeypatch.setattr(hints._Hints, "not_before", 0.0)
    without_broker = Celery("without-broker", broker="redis://127.0.0.1:1/0", set_as_current=False)
    without_broker.set_current()
    start = time.monotonic()
    try:
        with transaction.atomic():
            say()
    finally:
        app.set_current()
    assert Outbox.objects.count() == 1
    assert time.monotonic() - start < 10
    assert hints._Hints.not_before > start + 5, "the absent broker is left alone for a while"


@pytest.mark.django_db
def test_many_are_published_in_order_with_one_statement(django_assert_num_queries: Any) -> None:
    happened = [
        Happening("repository.created", 5, ("repository", number), DATA, after={"number": number})
        for number in range(50)
    ]
    with acting_as(name="tester"), django_assert_num_queries(1):
        events = publish_many(happened)
    stored = Event.objects.order_by("pk")
    assert [event.pk for event in stored] == [event.pk for event in events]
    assert [(event.subject_id, event.before, event.after) for event in stored] == [
        (number, None, {"number": number}) for number in range(50)
    ]
    assert [event.uid for event in stored] == [event.uid for event in events]
    assert {event.actor_name for event in stored} == {"tester"}
    assert Outbox.objects.count() == 50


@pytest.mark.django_db
def test_one_that_does_not_fit_keeps_the_others_from_being_published() -> None:
    good = Happening("repository.created", 5, ("repository", 3), DATA)
    with pytest.raises(InvalidEvent):
        publish_many([good, Happening("repository.created", 5, ("repository", 4), {})])
    assert not Event.objects.exists()
