"""The activity stream as people read it: neighbours of one kind about one subject are one line."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from commandcenter.events.models import Event

SHOWN = 10
READ = 200  # events looked at for them
NAMES = 3


@dataclass(slots=True)
class Line:
    """One line: the newest event of its group, how many there are, and the names that they carry."""

    event: Event
    count: int = 1
    names: list[str] = field(default_factory=list)

    @property
    def rest(self) -> int:
        """How many are not named."""
        return self.count - len(self.names)


def recent(project_ids: list[int] | None) -> list[Line]:
    """Return the newest lines of these projects; None means all projects."""
    events = Event.objects.for_projects(project_ids).order_by("-pk")[:READ]
    return list(_grouped(events))[:SHOWN]


def _grouped(events: Iterable[Event]) -> Iterable[Line]:
    line: Line | None = None
    for event in events:
        name = event.data.get("url" if event.subject_kind == "endpoint" else "name")
        same = line is not None and _kind(line.event) == _kind(event)
        if line is None or not same:
            if line is not None:
                yield line
            line = Line(event, names=[name] if isinstance(name, str) else [])
            continue
        line.count += 1
        if isinstance(name, str) and len(line.names) < NAMES:
            line.names.append(name)
    if line is not None:
        yield line


def _kind(event: Event) -> tuple[str, str, int | None]:
    return event.type, event.subject_kind, event.subject_id
