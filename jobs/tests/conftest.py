"""What every test of jobs uses: the script handler, an empty broker, and quick leases."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any, cast

import pytest
from celery import current_app
from django.core.cache import caches
from pytest_django import Settings

from jobs.tests import handlers

SCRIPT = "jobs.tests.handlers.ScriptHandler"
BATCH = "jobs.tests.handlers.BatchScript"
# Tests whose threads must see each other's rows. Named apps are emptied afterwards, which is much quicker than all.
COMMITTED = pytest.mark.django_db(
    transaction=True,
    available_apps=[
        "commandcenter.core",
        "commandcenter.events",
        "commandcenter.accounts",
        "commandcenter.inventory",
        "jobs",
    ],
)
QUEUES = ("analysis", "export", "webhooks", "default", "system", "foreground")


@pytest.fixture(autouse=True)
def script_handler(settings: Settings) -> None:
    """Let the script handler run two job types, with short times."""
    settings.JOB_HANDLERS = {"analysis": SCRIPT, "export": SCRIPT, "batch_analysis": BATCH}
    settings.JOB_RETRY_DELAY_SECONDS = 0
    settings.JOB_HEARTBEAT_SECONDS = 1
    settings.JOB_LEASE_SECONDS = 4


@pytest.fixture(autouse=True)
def clean_slate() -> Iterator[None]:
    """Empty the queues, the caches and the handlers' gates, so that tests do not see each other."""
    purge()
    caches["default"].clear()
    yield
    for gate in handlers.gates.values():
        gate.set()
    handlers.gates.clear()
    handlers.entered.clear()
    handlers.runs.clear()
    purge()


def purge() -> None:
    """Drop all messages."""
    with current_app.connection_for_write() as connection, cast("Any", connection.channel()) as channel:
        for queue in QUEUES:
            channel.client.delete(queue)


def messages(queue: str = "default") -> list[list[Any]]:
    """Return the arguments of the messages that wait in a queue, the next one first."""
    found = []
    with current_app.connection_for_write() as connection, cast("Any", connection.channel()) as channel:
        while (message := channel.basic_get(queue, no_ack=True)) is not None:
            found.append(message.decode()[0])
    return found


@pytest.fixture
def eventually() -> Callable[..., Any]:
    """Return a function that waits until a condition holds and returns what it returned."""

    def wait(condition: Callable[[], Any], seconds: float = 20) -> Any:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if value := condition():
                return value
            time.sleep(0.02)
        raise AssertionError(f"Not within {seconds} s: {condition}")

    return wait
