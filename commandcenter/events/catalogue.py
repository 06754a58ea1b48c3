"""Every type of event with its meaning, the JSON schema of its data and an example."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from commandcenter.events.fitting import misfits
from commandcenter.events.schemas import AUDIT, PUBLIC, VERSIONS


class InvalidEvent(Exception):
    """The type is unknown, or the data does not fit its schema."""


@dataclass(frozen=True, slots=True)
class EventType:
    """One type of event. `public` ones may be sent to webhooks; the others are for the audit trail alone.

    `version` counts the schemas that took something back from consumers; one that only adds keeps the version.
    """

    name: str
    description: str
    schema: dict[str, Any]
    example: dict[str, Any]
    public: bool
    version: int


CATALOGUE: dict[str, EventType] = {
    name: EventType(name, description, schema, example, public, VERSIONS.get(name, 1))
    for table, public in ((PUBLIC, True), (AUDIT, False))
    for name, (description, schema, example) in table.items()
}


# What happens each day of a portfolio's life without anybody doing or minding it. Jobs and analyses keep rows of their
# own, which say the same and stay; these events are forgotten sooner than what people did and what went wrong.
ROUTINE = frozenset(
    {"job.queued", "job.completed", "analysis.started", "analysis.completed", "schedule.fired"}
)


def check(name: str, data: dict[str, Any]) -> None:
    """Raise InvalidEvent unless the data fits the schema of the type."""
    if name not in CATALOGUE:
        raise InvalidEvent(f"{name!r} is not in the catalogue of event types.")
    misfit = next(misfits(CATALOGUE[name].schema, data), None)
    if misfit is not None:
        raise InvalidEvent(f"{name}: {misfit}")


def public_types() -> list[EventType]:
    """Return the types that webhooks can ask for, by name."""
    return sorted((each for each in CATALOGUE.values() if each.public), key=lambda each: each.name)
