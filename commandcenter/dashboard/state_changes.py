"""How the console words a change of a job's state: what it became, why, by whom, and what was done about processes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

LISTED = 8  # process ids that are named
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
}


def reason_words(reason: str) -> str:
    """Return a reason as words; the code of an error that is not known here shows as it is, spaced."""
    return _REASONS.get(reason, reason.replace("_", " "))


def details(data: Mapping[str, Any]) -> list[str]:
    """Return what else is known of a change, a sentence each, in the order in which people ask."""
    return [sentence for sentence in (_error(data), _who(data), _delay(data), *_processes(data)) if sentence]


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


def _processes(data: Mapping[str, Any]) -> list[str]:
    """Word the receipts of what was ended: which processes, by which signal, in how long."""
    receipts = data.get("receipts")
    said = [_receipt(each) for each in receipts if isinstance(each, Mapping)] if _listed(receipts) else []
    if data.get("unwound") is False:
        said.append("Its code did not notice in time; its process was ended.")
    return said


def _receipt(receipt: Mapping[str, Any]) -> str:
    if receipt.get("error"):
        return f"Its processes may not all have ended ({receipt['error']})."
    pids = receipt.get("pids")
    if not _listed(pids) or not pids:
        return "No process of it was left to end."
    more = f" and {len(pids) - LISTED} more" if len(pids) > LISTED else ""
    numbers = ", ".join(str(pid) for pid in pids[:LISTED]) + more
    noun = "1 process" if len(pids) == 1 else f"{len(pids)} processes"
    took = f" in {receipt['seconds']:.2f} s" if isinstance(receipt.get("seconds"), int | float) else ""
    return f"Ended {noun} ({numbers}) by {receipt.get('signal') or 'a signal'}{took}."


def _listed(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str)
