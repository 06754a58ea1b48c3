"""The history of one finding: what analyses did to it, where it moved, and what people decided, as one list."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.db.models import F

from commandcenter.analysis.models import Finding

MAX_ROWS = 100  # of each kind
_LONG_AGO = datetime.min.replace(tzinfo=UTC)


def history(finding: Finding) -> list[dict[str, Any]]:
    """Return at most 300 entries, newest first. Three queries.

    `type` says which: `transition` {analysis, from, to, reason}, `move` {analysis, kind, path, start_line, fingerprint},
    all as they were before it, or `action` {action, by: {id, name}, before, after, comment}; each has `at`.
    """
    entries = [*_transitions(finding), *_moves(finding), *_actions(finding)]
    entries.sort(key=lambda entry: (entry["at"] or _LONG_AGO, entry["analysis"] or 0), reverse=True)
    return entries


def _transitions(finding: Finding) -> list[dict[str, Any]]:
    rows = finding.transitions.order_by("-analysis").values(
        "from_state", "to_state", "reason", "analysis_id", at=F("analysis__completed_at")
    )
    return [
        {
            "type": "transition",
            "at": row["at"],
            "analysis": row["analysis_id"],
            "from": row["from_state"] or None,
            "to": row["to_state"],
            "reason": row["reason"],
        }
        for row in rows[:MAX_ROWS]
    ]


def _moves(finding: Finding) -> list[dict[str, Any]]:
    rows = finding.moves.order_by("-pk").values(
        "kind", "path", "start_line", "fingerprint", "analysis_id", at=F("analysis__completed_at")
    )
    return [
        {"type": "move", "at": row["at"], "analysis": row["analysis_id"]}
        | {name: row[name] for name in ("kind", "path", "start_line", "fingerprint")}
        for row in rows[:MAX_ROWS]
    ]


def _actions(finding: Finding) -> list[dict[str, Any]]:
    return [
        {
            "type": "action",
            "at": action.at,
            "analysis": None,
            "action": action.kind,
            "by": {"id": action.actor_id, "name": action.actor_name},
            "before": action.before,
            "after": action.after,
            "comment": action.comment,
        }
        for action in finding.actions.order_by("-pk")[:MAX_ROWS]
    ]
