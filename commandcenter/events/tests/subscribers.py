"""Subscribers for the tests of the relay; what they write lies in a real table."""

from __future__ import annotations

from commandcenter.events.models import Event
from commandcenter.inventory.models import Project

FAILING: set[int] = set()


def write(event: Event) -> None:
    """Leave a trace that is rolled back with the event."""
    Project.objects.create(name="trace", slug=f"trace-{event.pk}")


def fail_for_some(event: Event) -> None:
    """Raise for the events named in FAILING."""
    if event.pk in FAILING:
        raise RuntimeError("The receiver is away.")
