"""Words the receipts in a job's events: which processes were ended, by which signal, in how long."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeGuard

LISTED = 8  # process ids that are named


def receipts(data: Mapping[str, Any]) -> list[str]:
    """Return a sentence for each receipt in the data of a change of state; none where nothing was ended."""
    found = data.get("receipts")
    listed = found if _listed(found) else []
    said = [_receipt(each) for each in listed if isinstance(each, Mapping)]
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


def _listed(value: Any) -> TypeGuard[Sequence[Any]]:
    return isinstance(value, Sequence) and not isinstance(value, str)
