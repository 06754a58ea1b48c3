"""Subscribers for the tests of the relay; what they write lies in a real table."""

from __future__ import annotations

from collections.abc import Sequence

from commandcenter.events.models import Event
from commandcenter.inventory.models import Project

FAILING: set[int] = set()
FAILING_EARLY: set[int] = set()
HINTS: list[None] = []


def write(event: Event) -> None:
    """Leave a trace that is rolled back with the event."""
    Project.objects.create(name="trace", slug=f"trace-{event.pk}")


def fail_for_some(event: Event) -> None:
    """Raise for the events named in FAILING."""
    if event.pk in FAILING:
        raise RuntimeError("The receiver is away.")


def write_early(events: Sequence[Event]) -> None:
    """Leave a trace of each, and fail for the events named in FAILING_EARLY."""
    for event in events:
        Project.objects.create(name="early", slug=f"early-{event.pk}")
        if event.pk in FAILING_EARLY:
            raise RuntimeError("The receiver is away.")


def hint() -> None:
    """Count how often somebody was asked to hurry."""
    HINTS.append(None)
