"""Webhooks whose senders and relay are killed at random moments: none is lost, and what came twice nobody wrote down."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Iterator
from ipaddress import ip_network
from pathlib import Path

import pytest
import redis
from pytest_django import Settings

from commandcenter.inventory.models import Project
from tests.faults.hooks import (
    ALLOW,
    WORKER,
    Listening,
    all_ended,
    attempts_so_far,
    forget_hooks,
    kill_one,
    let_time_pass,
    listening,
    make_endpoints,
    most_duplicates,
    publish_events,
    start_sender,
    taken_twice,
    violations,
)
from tests.faults.stage import Stage
from webhooks.models import Delivery

pytestmark = pytest.mark.process
ENDPOINTS, EVENTS = 50, 100
LEAST, MOST = 0.3, 2.5  # seconds between two kills


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


def test_five_thousand_deliveries_survive_kills_at_any_moment(
    sender: Stage, project: Project, receiver: Listening
) -> None:
    """From 100 events on, through the relay, to 50 endpoints that refuse some of what they are sent."""
    chance, killed = random.Random(), Counter[str]()
    seen: dict[int, str] = {}
    secrets = make_endpoints(project, [f"{receiver.url}/flaky/{n}" for n in range(ENDPOINTS)])
    publish_events(project, EVENTS)
    next_kill = time.monotonic()
    end = next_kill + 120
    while not all_ended(ENDPOINTS * EVENTS):
        assert time.monotonic() < end, Counter(Delivery.objects.values_list("status", flat=True))
        if time.monotonic() >= next_kill:
            killed[kill_one(sender, chance)] += 1
            next_kill = time.monotonic() + chance.uniform(LEAST, MOST)
            seen = seen or attempts_so_far()
        sender.keep()
        let_time_pass()
        time.sleep(0.05)
    receipts = receiver.receipts()
    assert violations(receipts, secrets) == []
    assert killed["child"] + killed["group"] >= 3
    assert taken_twice(receipts) <= most_duplicates(killed["child"] + killed["group"], ENDPOINTS)
    now = attempts_so_far()
    assert seen
    assert {key: now.get(key) for key in seen} == seen, "attempts are only ever added"
