"""Early subscribers: they have a project's events before the others do, and wait for none of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from commandcenter.events.catalogue import CATALOGUE
from commandcenter.events.models import Event, Outbox
from commandcenter.events.publish import publish
from commandcenter.events.relay import relay, relay_early
from commandcenter.events.tests import subscribers
from commandcenter.inventory.models import Project
from jobs.tests.factories import make_project

pytestmark = pytest.mark.django_db
HERE = "commandcenter.events.tests.subscribers"


@pytest.fixture(autouse=True)
def _ours(settings: Any) -> Iterator[None]:
    settings.EVENT_SUBSCRIBERS = [f"{HERE}.write", f"{HERE}.fail_for_some"]
    settings.EVENT_EARLY_SUBSCRIBERS = [f"{HERE}.write_early"]
    settings.EVENT_EARLY_HINTS = [f"{HERE}.hint"]
    known = (subscribers.FAILING, subscribers.FAILING_EARLY, subscribers.HINTS)
    for each in known:
        each.clear()
    yield
    for each in known:
        each.clear()


def say(count: int = 1, project: int | None = None) -> list[Event]:
    project = project or make_project().pk
    example = CATALOGUE["job.queued"].example
    with transaction.atomic():
        return [
            publish("job.queued", project=project, subject=("job", 41), data=example) for _ in range(count)
        ]


def had(what: str) -> set[int]:
    slugs = Project.objects.filter(name=what).values_list("slug", flat=True)
    return {int(slug.rpartition("-")[2]) for slug in slugs}


def test_they_have_an_event_before_the_others_and_once() -> None:
    events = {event.pk for event in say(3)}
    assert relay_early(2) == 2
    assert relay_early(2) == 1
    assert relay_early() == 0
    assert (had("early"), had("trace"), Outbox.objects.count()) == (events, set(), 3)
    assert relay() == 3  # the unique slug would tell a second time
    assert (had("early"), had("trace"), Outbox.objects.count()) == (events, events, 0)


def test_the_relay_tells_them_what_nobody_has_told_them() -> None:
    events = {event.pk for event in say(2)}
    relay()
    assert (had("early"), had("trace"), Outbox.objects.count()) == (events, events, 0)


@pytest.mark.parametrize("first", [relay_early, relay])
def test_one_that_fails_stops_no_other_and_is_tried_again(first: Any) -> None:
    good, bad, last = say(3)
    subscribers.FAILING_EARLY.add(bad.pk)
    first()
    assert had("early") == {good.pk, last.pk}
    row = Outbox.objects.get(pk=bad.pk)
    assert (row.early, row.attempts) == (True, 1)
    assert relay_early() == 0, "it is left to the relay"
    relay()
    assert bad.pk not in had("trace"), "it waits"
    subscribers.FAILING_EARLY.clear()
    Outbox.objects.update(not_before=timezone.now())
    relay()
    assert (had("early"), had("trace")) == (had("trace"), {good.pk, bad.pk, last.pk})
    assert not Outbox.objects.exists()


def test_a_failure_of_another_undoes_nothing_of_theirs() -> None:
    (event,) = say()
    subscribers.FAILING.add(event.pk)
    relay()
    assert (had("early"), had("trace")) == ({event.pk}, set())
    assert Outbox.objects.get().early is False


def test_events_without_a_project_are_not_theirs(django_capture_on_commit_callbacks: Any) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        publish("job.queued", project=None, subject=("job", 41), data=CATALOGUE["job.queued"].example)
    assert relay_early() == 0
    assert not subscribers.HINTS


def test_a_commit_asks_to_hurry(django_capture_on_commit_callbacks: Any) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        say()
    assert len(subscribers.HINTS) == 1


def test_many_cost_as_few_statements_as_one(settings: Any) -> None:
    settings.EVENT_EARLY_SUBSCRIBERS = []
    counts = []
    for number in (1, 40):
        say(number)
        with CaptureQueriesContext(connection) as asked:
            relay_early()
        counts.append(len(asked))
    assert counts[0] == counts[1]
    with CaptureQueriesContext(connection) as asked:
        relay_early()
    assert len([query for query in asked if "SAVEPOINT" not in query["sql"]]) == 1, (
        "where nothing is new, one look"
    )
