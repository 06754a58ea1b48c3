"""A sender's turns: what is in flight goes on between them, over connections that are kept."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from webhooks.models import Delivery
from webhooks.sending.drain import Sender
from webhooks.tests.factories import make_delivery, make_endpoint, make_event
from webhooks.tests.receiver import Receiver, answers

pytestmark = pytest.mark.django_db
SECONDS = 600.0  # far more than any of these takes


@pytest.fixture
def sender() -> Iterator[Sender]:
    made = Sender()
    made.turn(SECONDS)  # reads certificates, which may take longer than a short turn
    yield made
    made.finish(0)


def statuses() -> list[str]:
    return list(Delivery.objects.order_by("pk").values_list("status", flat=True))


def test_who_does_not_answer_keeps_nobody_waiting(receiver: Receiver, sender: Sender) -> None:
    """The first is answered when the second has been sent, in another turn than its own."""
    second_came = asyncio.Event()

    async def when_the_second_came(receiver: Receiver, writer: asyncio.StreamWriter) -> None:
        await second_came.wait()
        await answers(204)(receiver, writer)

    async def answers_and_lets_go(receiver: Receiver, writer: asyncio.StreamWriter) -> None:
        second_came.set()
        await answers(204)(receiver, writer)

    receiver.of_path = {"/slow": when_the_second_came, "/quick": answers_and_lets_go}
    make_delivery(make_endpoint(url=f"{receiver.url}/slow", timeout_seconds=30))
    assert (sender.turn(0.2)[1], sender.out, statuses()) == (True, 1, ["leased"])
    make_delivery(make_endpoint(url=f"{receiver.url}/quick"))
    done, more = sender.turn(SECONDS)
    assert (done.succeeded, more, sender.out) == (2, False, 0)


def test_connections_are_kept_between_turns(receiver: Receiver, sender: Sender) -> None:
    endpoint = make_endpoint(url=receiver.url)
    for _ in range(3):
        make_delivery(endpoint)
        assert sender.turn(SECONDS)[0].succeeded == 1
    assert receiver.connections == 1


def test_a_turn_tells_what_has_just_happened(receiver: Receiver, sender: Sender) -> None:
    make_event(make_endpoint(url=receiver.url, events=["repository.*"]).project)
    assert sender.turn(SECONDS)[0].succeeded == 1
    assert [got.headers["webhook-sequence"] for got in receiver.got] == ["1"]


def test_what_ended_late_is_written_down_when_the_worker_ends(receiver: Receiver, sender: Sender) -> None:
    make_delivery(make_endpoint(url=receiver.url))
    turn_is_over = threading.Event()

    async def after_the_turn(receiver: Receiver, writer: asyncio.StreamWriter) -> None:
        await asyncio.get_running_loop().run_in_executor(None, turn_is_over.wait, 60)
        await answers(204)(receiver, writer)

    receiver.plan.append(after_the_turn)
    assert sender.turn(0.2)[1]
    turn_is_over.set()
    assert sender.finish(SECONDS).succeeded == 1
    assert statuses() == ["succeeded"]


def test_a_turn_where_nothing_is_due_is_two_looks(sender: Sender) -> None:
    endpoint = make_endpoint(events=["job.*"])
    for _ in range(3):
        make_delivery(endpoint, status="succeeded")
    sender.turn(SECONDS)  # hands over the events of these
    with CaptureQueriesContext(connection) as asked:
        sender.turn(SECONDS)
    assert len([query for query in asked if "SAVEPOINT" not in query["sql"]]) == 2
