"""What a listener has heard so far, in numbers."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Tally:
    """What was heard, in numbers."""

    requests: int = 0
    verified: int = 0
    again: int = 0
    gaps: int = 0
