"""An event becomes one message and one delivery for each endpoint that asks for it."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from commandcenter.events.models import Outbox
from commandcenter.events.publish import publish
from commandcenter.events.relay import relay
from commandcenter.inventory.models import Project, Repository
from jobs.tests.conftest import messages, purge
from jobs.tests.factories import make_project
from webhooks import hints
from webhooks.fanout import address, on_events
from webhooks.keeping import delete_endpoint, disable
from webhooks.models import Delivery, Endpoint, Message
from webhooks.tests.factories import make_endpoint, make_event

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def only_this_subscriber(settings: Any) -> None:
    settings.EVENT_SUBSCRIBERS = []


def tagged(project: Project) -> Repository:
    return Repository.objects.create(
        project=project, name="tagged", source="https://git.example.com/x.git", tags=["core"]
    )


def told(endpoint: Endpoint) -> list[str]:
    return list(Delivery.objects.filter(endpoint=endpoint).order_by("pk").values_list("type", flat=True))


def test_the_relay_makes_one_message_and_a_delivery_for_each_endpoint_that_asks() -> None:
    project = make_project()
    asking, other, foreign = make_endpoint(project), make_endpoint(project, events=["job.*"]), make_endpoint()
    event = make_event(project)
    relay()
    assert (told(asking), told(other), told(foreign)) == (["repository.created"], [], [])
    message = Message.objects.get(pk=event.pk)
    assert message.uid == event.uid
    body = orjson.loads(bytes(message.body))
    assert list(body) == ["type", "timestamp", "data"]
    assert (body["type"], body["data"]) == ("repository.created", event.data)
    assert body["timestamp"].endswith("Z")
    made = Delivery.objects.get()
    assert (made.status, made.attempts, made.sequence, made.last_error) == ("pending", 0, None, "")
    assert not Outbox.objects.exists()


def test_the_same_event_twice_is_told_once() -> None:
    project = make_project()
    endpoint = make_endpoint(project)
    event = make_event(project)
    for _ in range(2):
        on_events([event])
    assert told(endpoint) == ["repository.created"]
    assert Message.objects.count() == 1


def test_an_endpoint_that_came_later_does_not_change_the_message() -> None:
    project = make_project()
    first = make_endpoint(project)
    event = make_event(project)
    on_events([event])
    body = bytes(Message.objects.get().body)
    event.data = {"changed": True}
    later = make_endpoint(project)
    assert len(address(event, [first.pk, later.pk])) == 1
    assert bytes(Message.objects.get().body) == body


@pytest.mark.parametrize(
    ("conditions", "count"),
    [
        ({"repository_tags": ["core", "web"]}, 1),
        ({"repository_tags": ["web"]}, 0),
        ({"min_severity": "critical"}, 1),  # says nothing of severity
        ({"repositories": [2**40]}, 0),
    ],
)
def test_conditions_are_asked_of_the_events_repository(conditions: dict[str, Any], count: int) -> None:
    project = make_project()
    endpoint = make_endpoint(project, conditions=conditions)
    repository = tagged(project)
    make_event(project, repository=repository.pk)
    relay()
    assert len(told(endpoint)) == count


def test_disabled_endpoints_are_told_nothing_and_deleted_ones_do_not_stop_the_relay() -> None:
    project = make_project()
    off, gone = make_endpoint(project), make_endpoint(project)
    disable(off, by=None)
    event = make_event(project)
    key = gone.pk
    delete_endpoint(gone, by=None)
    assert address(event, [key]) == []
    on_events([event])
    assert told(off) == []


def test_what_is_for_the_audit_trail_alone_is_told_to_nobody() -> None:
    project = make_project()
    endpoint = make_endpoint(project)  # endpoint.created is an event of the audit trail
    publish("endpoint.test", project=project.pk, subject=("endpoint", 1), data={"endpoint": 1, "url": "x"})
    relay()
    assert told(endpoint) == []


def test_many_events_of_many_endpoints_cost_as_much_as_one() -> None:
    repositories = [tagged(make_project()) for _ in range(2)]
    for repository in repositories:
        for _ in range(4):
            make_endpoint(repository.project, conditions={"repository_tags": ["core"]})
    some = [
        make_event(repository.project, repository=repository.pk)
        for repository in repositories
        for _ in range(3)
    ]
    with CaptureQueriesContext(connection) as asked:
        on_events(some)
    assert [query["sql"].split()[0] for query in asked if "SAVEPOINT" not in query["sql"]] == [
        "SELECT",
        "SELECT",
        "INSERT",
        "WITH",
    ]
    assert Delivery.objects.count() == 2 * 4 * 3
    by_endpoint = [
        list(Delivery.objects.filter(endpoint=key).order_by("pk").values_list("message_id", flat=True))
        for key in Endpoint.objects.values_list("pk", flat=True)
    ]
    assert all(each == sorted(each) for each in by_endpoint), "in the order of the events"


def test_a_burst_of_events_sends_one_hint_at_once_and_one_for_the_rest(
    monkeypatch: Any, django_capture_on_commit_callbacks: Any
) -> None:
    purge()
    for name in ("covered_until", "away_until"):
        monkeypatch.setattr(hints._Hints, name, float("-inf"))
    monkeypatch.setattr(hints, "SPACING_SECONDS", 60.0)  # longer than this test, however slow the machine
    project = make_project()
    make_endpoint(project)
    with django_capture_on_commit_callbacks(execute=True):
        for _ in range(5):
            make_event(project)
    assert len(messages("webhooks")) == 2
    purge()


def test_without_a_broker_nobody_is_asked(monkeypatch: Any) -> None:
    from celery import Celery

    from commandcenter.celery import app

    for name in ("covered_until", "away_until"):
        monkeypatch.setattr(hints._Hints, name, float("-inf"))
    without_broker = Celery("without-broker", broker="redis://127.0.0.1:1/0", set_as_current=False)
    without_broker.set_current()
    try:
        assert not hints.send_soon()
    finally:
        app.set_current()
    assert not hints.send_soon(), "the absent broker is left alone for a while"
