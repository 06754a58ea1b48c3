"""Words numbers and times; what nothing measured is a dash."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django import template

register = template.Library()
UNKNOWN = "\N{EN DASH}"


@register.filter
def duration(seconds: float | None) -> str:
    """Word a number of seconds: 0.4 s, 12 s, 3 min 5 s, 2 h 4 min. An unknown one is a dash."""
    if seconds is None:
        return UNKNOWN
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min"


@register.simple_tag
def elapsed(start: datetime | None, end: datetime | None) -> str:
    """Word the time between two moments; a dash while one is unknown."""
    return duration((end - start).total_seconds()) if start and end else UNKNOWN


@register.filter
def milliseconds(value: float | None) -> str:
    """Word a number of milliseconds."""
    if value is None:
        return UNKNOWN
    return f"{round(value)} ms" if value < 1000 else duration(value / 1000)


@register.filter
def known(value: Any) -> Any:
    """Show a dash for what nothing measured: unknown is never 0."""
    return UNKNOWN if value is None or value == "" else value


@register.filter
def share(part: float | None, whole: float | None) -> int:
    """Return a percentage, rounded, 0 when there is no whole."""
    return round(100 * part / whole) if part and whole else 0


@register.filter
def figure(value: float | None) -> str:
    """Show a number without needless decimals; a dash for an unknown one."""
    return UNKNOWN if value is None else f"{value:,.4g}" if value != int(value) else f"{int(value):,}"


@register.filter
def length_in_lines(function: Mapping[str, int]) -> int:
    """Return over how many lines a function goes."""
    return function["end_line"] - function["start_line"] + 1
