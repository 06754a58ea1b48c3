"""Charts drawn on the server as SVG paths: a few lines over days, readable without colours by their table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

WIDTH, HEIGHT = 600, 120
LEAST_POINTS = 2  # of which a line can be drawn


@dataclass(frozen=True, slots=True)
class Series:
    """One line: a value for each day, None where nothing was measured; its colour is that of its place unless named."""

    name: str
    values: Sequence[float | None]
    color: str = ""


def line_chart(
    label: str, times: Sequence[date], series: Sequence[Series], *, unit: str = "", moments: str = "Y-m-d"
) -> dict[str, Any] | None:
    """Return what components/line_chart.html draws, None when there are fewer than two days or moments.

    They are placed by time, so that a gap is as wide as it was long; the scale begins at 0. `moments` is how the first
    and the last are written.
    """
    if len(times) < LEAST_POINTS:
        return None
    places = [_seconds(at) for at in times]
    first, last = places[0], places[-1]
    top = max((value for line in series for value in line.values if value is not None), default=0) or 1
    x = [WIDTH * (place - first) / max(1.0, last - first) for place in places]
    return {
        "label": label,
        "width": WIDTH,
        "height": HEIGHT,
        "top": top,
        "unit": unit,
        "moments": moments,
        "first": times[0],
        "last": times[-1],
        "lines": [
            {
                "name": line.name,
                "color": line.color or f"l{place}",
                "path": _path(x, line.values, top),
                "now": line.values[-1],
            }
            for place, line in enumerate(series)
        ],
    }


def _seconds(at: date) -> float:
    return at.timestamp() if isinstance(at, datetime) else at.toordinal() * 86_400.0


def _path(x: Sequence[float], values: Sequence[float | None], top: float) -> str:
    parts = []
    pen = "M"
    for place, value, after in zip(x, values, [*values[1:], None], strict=True):
        if value is None:
            pen = "M"
            continue
        parts.append(f"{pen}{place:.1f} {HEIGHT - HEIGHT * value / top:.1f}")
        if pen == "M" and after is None:
            parts.append("h0")  # a dot, for one between gaps
        pen = "L"
    return "".join(parts)
