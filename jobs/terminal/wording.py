"""How a terminal words jobs: times in UTC, durations, and texts of strangers without control characters."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.utils import timezone

from jobs.history import Message
from jobs.models import Job
from jobs.receipts import receipts

NOTHING = "-"


def plain(text: Any) -> str:
    """Return the text on one line, with whatever could move a cursor or change a colour replaced."""
    return "".join(letter if letter.isprintable() else "?" for letter in str(text).replace("\n", " "))


def moment(at: datetime | None) -> str:
    """Return a time in UTC, a dash without one."""
    return at.strftime("%Y-%m-%d %H:%M:%S") if at else NOTHING


def duration(seconds: float | None) -> str:
    """Return 0.4s, 12s, 3m05s or 2h04m; a dash for an unknown one."""
    if seconds is None:
        return NOTHING
    if seconds < 10:
        return f"{seconds:.1f}s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes == 0:
        return f"{rest}s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours}h{minutes:02d}m" if hours else f"{minutes}m{rest:02d}s"


def took(job: Job) -> str:
    """Return how long the last attempt ran, up to now while it does."""
    if job.started_at is None:
        return NOTHING
    return duration(max(0.0, ((job.completed_at or timezone.now()) - job.started_at).total_seconds()))


def change(data: Mapping[str, Any]) -> str:
    """Return a change of state as words: from, to, and why."""
    said = f"{data['from']} -> {data['to']}" if data.get("from") else str(data.get("to", ""))
    notes = [str(data[name]) for name in ("reason",) if data.get(name) not in {None, "", data.get("to")}]
    notes += [f"attempt {data['attempt']}"] if data.get("attempt") else []
    notes += [f"by {data['by']}"] if data.get("by") else []
    notes += [f"on {data['worker']}"] if data.get("worker") else []
    error = data.get("error") or {}
    why = f": {error['message']}" if error.get("message") else ""
    ended = "".join(f". {sentence.rstrip('.')}" for sentence in receipts(data))
    return plain(said + (f" ({', '.join(notes)})" if notes else "") + why + ended)


def event_line(message: Message) -> str:
    """Return one event, in the shape of `history.message`, as a line."""
    head = f"{message['at']:%H:%M:%S} "
    match message["type"]:
        case "log":
            source = f"{plain(message['source'])}: " if message["source"] else ""
            return f"{head}{message['level']:<8}{source}{plain(message['message'])}"
        case "progress":
            return f"{head}{'':<8}{message['progress']:3d} % {plain(message['current_step'])}"
        case _:
            return f"{head}{'state':<8}{change(message)}"
