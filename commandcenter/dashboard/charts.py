"""Charts drawn on the server as SVG paths: a few lines over days, readable without colours by their table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

WIDTH, HEIGHT = 600, 120
LEAST_POINTS = 2  # of which a line can be drawn


@dataclass(frozen=True, slots=True)
class Series:
    """One line: a value for each day, None where nothing was measured."""

    name: str
    values: Sequence[float | None]


def line_chart(label: str, days: Sequence[date], series: Sequence[Series]) -> dict[str, Any] | None:
    """Return what components/line_chart.html draws, None when there are fewer than two days.

    Days are placed by date, so that a gap is as wide as it was long; the scale begins at 0.
    """
    if len(days) < LEAST_POINTS:
        return None
    first, last = days[0].toordinal(), days[-1].toordinal()
    top = max((value for line in series for value in line.values if value is not None), default=0) or 1
    x = [WIDTH * (day.toordinal() - first) / max(1, last - first) for day in days]
    return {
        "label": label,
        "width": WIDTH,
        "height": HEIGHT,
        "top": top,
        "first": days[0],
        "last": days[-1],
        "lines": [
            {
                "name": line.name,
                "color": f"l{place}",
                "path": _path(x, line.values, top),
                "now": line.values[-1],
            }
            for place, line in enumerate(series)
        ],
    }


def _path(x: Sequence[float], values: Sequence[float | None], top: float) -> str:
    parts = []
    pen = "M"
    for place, value in zip(x, values, strict=True):
        if value is None:
            pen = "M"
            continue
        parts.append(f"{pen}{place:.1f} {HEIGHT - HEIGHT * value / top:.1f}")
        pen = "L"
    return "".join(parts)
