"""How long a token lives, as people write it: 90d, 12h, 30m."""

from __future__ import annotations

import re
from datetime import timedelta

_DURATION = re.compile(r"([1-9][0-9]{0,5})([mhdw])")
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
LONGEST = timedelta(days=3660)


def read_duration(text: str) -> timedelta:
    """Return the duration; raise ValueError with what to write instead."""
    match = _DURATION.fullmatch(text.strip())
    duration = timedelta(**{_UNITS[match[2]]: int(match[1])}) if match else None
    if duration is None or duration > LONGEST:
        raise ValueError(f"{text!r} is not a duration such as 90d, 12h or 30m (at most ten years).")
    return duration
