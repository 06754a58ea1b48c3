"""Webhooks under killed senders, servers that go away and wrong clocks: none is lost, and what came twice nobody wrote down."""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Iterator
from ipaddress import ip_network
from pathlib import Path

import pytest
import redis
from django.db import connection
from django.utils import timezone
from pytest_django import Settings

from commandcenter.inventory.models import Project
from tests.faults.hooks import (
    ALLOW,
    WORKER,
    Listening,
    all_ended,
    attempts_so_far,
    forget_hooks,
    let_time_pass,
    listening,
    make_endpoints,
    most_duplicates,
    publish_events,
    start_sender,
    survive,
    taken_twice,
    violations,
)
from tests.faults.stage import Stage
from webhooks.models import Attempt, Delivery
from webhooks.sending.claim import IN_FLIGHT

pytestmark = pytest.mark.process
ENDPOINTS, EVENTS = 50, 100


@pytest.fixture
def receiver(tmp_path: Path, settings: Settings) -> Iterator[Listening]:
    settings.OUTBOUND_ALLOW = (ip_network(ALLOW),)
    with listening(tmp_path) as one:
        yield one


@pytest.fixture
def sender(stage: Stage, settings: Settings) -> Iterator[Stage]:
    """Return a stage with a worker that sends and nothing to be sent."""
    settings.ENCRYPTION_KEYS = stage.environ["CC_ENCRYPTION_KEYS"].split(",")
    forget_hooks()
    with redis.Redis.from_url(stage.environ["BROKER_URL"], socket_timeout=5) as client:
        client.delete("webhooks")
    start_sender(stage)
    try:
        yield stage
    finally:
        stage.drop(WORKER)
        forget_hooks()


@pytest.mark.timeout(300)
def test_five_thousand_deliveries_survive_kills_at_any_moment(
    sender: Stage, project: Project, receiver: Listening
) -> None:
    """From 100 events on, through the relay, to 50 endpoints that refuse some of what they are sent."""
    secrets = make_endpoints(project, [f"{receiver.url}/flaky/{n}" for n in range(ENDPOINTS)])
    publish_events(project, EVENTS)
    seen = survive(sender, ENDPOINTS * EVENTS, random.Random())
    receipts = receiver.receipts()
    assert violations(receipts, secrets) == []
    assert seen.kills >= 3
    assert taken_twice(receipts) <= most_duplicates(seen.kills, ENDPOINTS)
    assert seen.attempts
    now = attempts_so_far()
    assert {key: now.get(key) for key in seen.attempts} == seen.attempts, "attempts are only ever added"


def test_the_database_is_restarted_while_requests_are_under_way(
    sender: Stage, project: Project, receiver: Listening
) -> None:
    """What the receiver was sent by then is written down when the database is back, and not sent again."""
    start_sender(sender, CC_WEBHOOK_LEASE_SECONDS="60")
    secrets = make_endpoints(project, [f"{receiver.url}/200/{n}?wait=2" for n in range(10)])
    publish_events(project, IN_FLIGHT)
    sender.until(lambda: len(receiver.receipts()) == 10 * IN_FLIGHT, "all that is in flight")
    connection.close()
    sender.end_server("postgres", signal.SIGQUIT)
    sender.start_server("postgres")
    sender.until(lambda: all_ended(10 * IN_FLIGHT), "the end of all", 30)
    receipts = receiver.receipts()
    assert violations(receipts, secrets) == []
    assert taken_twice(receipts) == 0
    assert Attempt.objects.count() == 10 * IN_FLIGHT


def test_hints_that_a_broker_did_not_take_are_not_missed(
    sender: Stage, project: Project, receiver: Listening
) -> None:
    """What happens while it is away is in the database, where beat's sweeps find it."""
    secrets = make_endpoints(project, [f"{receiver.url}/200/{n}" for n in range(3)])
    sender.end_server("broker", signal.SIGKILL)
    publish_events(project, 20)
    assert Delivery.objects.count() == 0
    sender.start_server("broker")
    sender.until(lambda: all_ended(60), "the end of all")
    receipts = receiver.receipts()
    assert violations(receipts, secrets) == []
    assert taken_twice(receipts) == 0


def test_two_drains_share_what_is_due_and_no_endpoint_is_crowded(
    sender: Stage, project: Project, receiver: Listening
) -> None:
    """What the receiver counts: four requests of an endpoint at once, one of an ordered endpoint, in its order."""
    secrets = make_endpoints(project, [f"{receiver.url}/200/many/{n}?wait=0.03" for n in range(12)])
    secrets |= make_endpoints(
        project, [f"{receiver.url}/200/one/{n}?wait=0.005" for n in range(4)], ordered=True
    )
    number = 30
    publish_events(project, number)
    while not all_ended(number * len(secrets)):
        sender.keep()
        let_time_pass()
        time.sleep(0.05)
    receipts = receiver.receipts()
    assert violations(receipts, secrets) == []
    assert taken_twice(receipts) == 0
    assert len(receipts) == number * len(secrets)
    assert violations(receipts[1:], secrets), "one that is missing would be seen"
    assert violations([*receipts, receipts[0]], secrets), "and one too many"
    assert {each.at_once for each in receipts if "/many/" in each.path} == set(range(1, IN_FLIGHT + 1))
    for n in range(4):
        own = [each for each in receipts if each.path == f"/200/one/{n}"]
        assert {each.at_once for each in own} == {1}
        assert [int(each.headers["webhook-sequence"]) for each in own] == list(range(1, number + 1))


@pytest.mark.parametrize("hours", [1, -1], ids=["an hour ahead", "an hour behind"])
def test_the_clock_of_the_sender_is_an_hour_off(
    sender: Stage, project: Project, receiver: Listening, hours: int
) -> None:
    """Leases, retries and what receivers are told go by the database's clock: they refuse what is five minutes off."""
    start_sender(sender, skew=hours * 3600)
    secrets = make_endpoints(project, [f"{receiver.url}/200/{n}" for n in range(3)])
    publish_events(project, 5)
    sender.until(lambda: all_ended(15), "the end of all")
    assert violations(receiver.receipts(), secrets) == []
    for attempt in Attempt.objects.all():
        assert abs((attempt.started_at - timezone.now()).total_seconds()) < 300
