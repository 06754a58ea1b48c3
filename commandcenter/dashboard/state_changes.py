"""How the console words a change of a job's state: what it became, why, by whom, and what was done about processes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jobs.receipts import receipts

_REASONS = {
    # the ordinary course needs no reason
    "created": "",
    "dispatched": "",
    "claimed": "",
    "completed": "",
    "worker_lost": "the worker was lost",
    "worker_stopped": "the worker was stopped",
    "attempt_failed": "the attempt failed",
    "batch_cancelled": "its batch was cancelled",
    "children_failed": "no child completed",
    "interrupted": "the command was interrupted",
    "time_limit": "its time was used up",
    "database_unavailable": "the database was away",
}


def reason_words(reason: str) -> str:
    """Return a reason as words; the code of an error that is not known here shows as it is, spaced."""
    return _REASONS.get(reason, reason.replace("_", " "))


def details(data: Mapping[str, Any]) -> list[str]:
    """Return what else is known of a change, a sentence each, in the order in which people ask."""
    return [sentence for sentence in (_error(data), _who(data), _delay(data), *receipts(data)) if sentence]


def _error(data: Mapping[str, Any]) -> str:
    error = data.get("error")
    return str(error.get("message") or "") if isinstance(error, Mapping) else ""


def _who(data: Mapping[str, Any]) -> str:
    if data.get("by"):
        return f"By {data['by']}."
    if data.get("worker"):
        return f"On {data['worker']}."
    if data.get("worker_lost"):
        return f"Nothing was heard of {data['worker_lost']} any more."
    return ""


def _delay(data: Mapping[str, Any]) -> str:
    seconds = data.get("delay_seconds")
    return f"Tried again after {round(seconds)} s." if seconds else ""
