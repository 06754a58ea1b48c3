"""A sender whose worker is told to stop: it claims nothing more, and what is in flight has the grace of the jobs."""

from __future__ import annotations

import asyncio
import mmap
from typing import Any

import pytest

from jobs.running import shutdown
from webhooks.models import Delivery
from webhooks.sending.drain import drain
from webhooks.tests.factories import make_delivery, make_endpoint
from webhooks.tests.receiver import Manner, Receiver, answers, keeps_silent

pytestmark = pytest.mark.django_db
SECONDS = 600.0  # far more than any of these takes


@pytest.fixture(autouse=True)
def a_worker_that_nobody_has_told(monkeypatch: Any) -> None:
    monkeypatch.setattr(shutdown, "_shared", mmap.mmap(-1, 8))


def after_telling_to_stop(grace: float, then: Manner) -> Manner:
    """The worker is told to stop while the receiver has the request."""

    async def manner(receiver: Receiver, writer: asyncio.StreamWriter) -> None:
        shutdown.begin(grace)
        await then(receiver, writer)

    return manner


def statuses() -> list[str]:
    return list(Delivery.objects.order_by("pk").values_list("status", flat=True))


def test_what_is_in_flight_ends_and_nothing_more_is_claimed(receiver: Receiver) -> None:
    endpoint = make_endpoint(url=receiver.url, ordered=True)
    receiver.plan.append(after_telling_to_stop(600, answers(204)))
    for _ in range(2):
        make_delivery(endpoint)
    done, more = drain(SECONDS)
    assert (done.succeeded, more) == (1, True), "another worker may go on"
    assert statuses() == ["succeeded", "pending"]


def test_what_does_not_end_within_the_grace_is_cut_and_left_to_its_lease(receiver: Receiver) -> None:
    receiver.plan.append(after_telling_to_stop(0, keeps_silent))
    make_delivery(make_endpoint(url=receiver.url, timeout_seconds=30))
    done, more = drain(SECONDS)
    assert (done.succeeded, done.failed, more) == (0, 0, True)
    assert statuses() == ["leased"]


def test_a_worker_that_stops_begins_nothing(receiver: Receiver) -> None:
    make_delivery(make_endpoint(url=receiver.url))
    shutdown.begin(600)
    assert drain(SECONDS)[1]
    assert (statuses(), receiver.got) == (["pending"], [])
