"""What a provider of a metric gives back."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Measure:
    """What a metric is. `value` is None when it is unknown; `detail` says in a sentence what was looked at.

    `at_least` says that there may be more than `value`: an engine that would have counted did not end well.
    `holds` answers for the limit where there is nothing to compare with: then `value` is None as well.
    `pending` says that what is missing is on its way, and that the analysis will be judged again when it is there.
    """

    value: float | None
    detail: str = ""
    evidence: str = ""
    at_least: bool = False
    holds: bool = False
    pending: bool = False
