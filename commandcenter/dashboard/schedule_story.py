"""What people changed about a schedule, newest first, each change as a sentence with what was before."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from commandcenter.dashboard.templatetags.events import event_tone, event_words
from commandcenter.dashboard.templatetags.job_words import fact
from commandcenter.dashboard.templatetags.names import words
from commandcenter.events.models import Event

SHOWN = 20
LOOKED_AT = 1_000  # newest events: those of its runs are many more than those of its changes
LONGEST = 60
OF_RUNS = ("schedule.fired", "schedule.missed", "schedule.overran")


@dataclass(frozen=True, slots=True)
class Change:
    """One change: what happened, by whom (empty: by itself), and the fields that are otherwise now."""

    what: str
    tone: str
    at: datetime
    by: str
    fields: list[str]
    reason: str


def changes_of(schedule_id: int) -> list[Change]:
    """Return the last changes of a schedule among its last events, in one query of bounded cost."""
    newest = Event.objects.filter(subject_kind="schedule", subject_id=schedule_id).order_by("-pk")[:LOOKED_AT]
    events = Event.objects.filter(pk__in=newest.values("pk")).exclude(type__in=OF_RUNS).order_by("-pk")
    return [_change(event) for event in events[:SHOWN]]


def _change(event: Event) -> Change:
    made = event.type == "schedule.updated"
    before, after = event.before or {}, event.after or {}
    return Change(
        what=event_words(event.type),
        tone=event_tone(event.type),
        at=event.created_at,
        by=event.actor_name if event.actor_id else "",
        fields=[_field(name, before.get(name), after[name]) for name in after] if made else [],
        reason=str(event.data.get("reason") or ""),
    )


def _field(name: str, before: Any, after: Any) -> str:
    return f"{words(name)}: {_short(before)} \N{RIGHTWARDS ARROW} {_short(after)}"


def _short(value: Any) -> str:
    said = fact(value)
    return said if len(said) <= LONGEST else f"{said[: LONGEST - 1]}\N{HORIZONTAL ELLIPSIS}"
