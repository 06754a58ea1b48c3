"""The history of a finding in words, for its page."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from commandcenter.accounts.models import User
from commandcenter.analysis.models import Cause, FindingMove, SuppressionKind

_STATES = {
    "new": ("warn", "Found for the first time"),
    "reopened": ("bad", "Found again after it had been fixed"),
    "fixed": ("good", "Fixed"),
}
_BY_RULE = {
    "new": "Found by a rule or an engine that is new here",
    "reopened": "Found again because a rule or an engine changed",
    "fixed": "No longer reported because a rule or an engine changed",
}


class Line(NamedTuple):
    """One entry: how it looks, what happened, what was said, who did it, when, and in which analysis."""

    tone: str
    title: str
    words: str
    who: str
    at: datetime | None
    analysis: int | None


def story(entries: Sequence[dict[str, Any]]) -> list[Line]:
    """Return the entries of `analysis.history` as lines. One query for the names of assignees."""
    ids = {entry["after"]["assignee"] for entry in entries if entry.get("action") == "assigned"}
    names = dict(User.objects.filter(pk__in=ids - {None}).values_list("pk", "username"))
    return [_line(entry, names) for entry in entries]


def _line(entry: dict[str, Any], names: dict[int, str]) -> Line:
    if entry["type"] == "transition":
        tone, title = _STATES[entry["to"]]
        if entry["reason"] == Cause.RULE:
            title = _BY_RULE[entry["to"]]
        return Line(tone, title, "", "", entry["at"], entry["analysis"])
    if entry["type"] == "move":
        title = f"Followed from {entry['path']}:{entry['start_line']}"
        return Line(
            "live", title, f"{FindingMove.Kind(entry['kind']).label}.", "", entry["at"], entry["analysis"]
        )
    title = _title(entry, names)
    before, after = entry["before"] or {}, entry["after"] or {}
    words = (
        entry["comment"]
        or after.get("reason")
        or (before.get("reason") if entry["action"] == "expired" else "")
    )
    return Line(_tone(entry["action"]), title, words or "", entry["by"]["name"], entry["at"], None)


def _title(entry: dict[str, Any], names: dict[int, str]) -> str:
    after = entry["after"] or {}
    match entry["action"]:
        case "suppressed":
            until = f" until {after['expires_at'][:10]}" if after.get("expires_at") else ""
            return f"Suppressed{until}: {SuppressionKind(after['kind']).label.lower()}"
        case "reopened":
            return "Reopened"
        case "expired":
            return "The suppression ran out"
        case "assigned":
            who = after["assignee"]
            return f"Assigned to {names.get(who, f'user {who}')}" if who else "Assigned to nobody"
        case _:
            return "Comment"


def _tone(action: str) -> str:
    return {"suppressed": "warn", "expired": "warn", "reopened": "bad"}.get(action, "")
