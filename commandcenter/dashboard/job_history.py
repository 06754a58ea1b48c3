"""The last 30 days of jobs as figures and bars, drawn by the server."""

from __future__ import annotations

from datetime import date
from typing import Any, TypedDict

from commandcenter.inventory.models import ProjectQuerySet
from jobs.statistics.stats import Day, Statistics, statistics

DAYS = 30
STEP, BAR = 10, 8  # of a day's place and its bar, in units of the drawing
HEIGHT = 60
LEAST = 1.5  # of a bar that stands for something: one failure among thousands must be seen
STATES = ("completed", "failed", "cancelled")  # from the bottom up


class Piece(TypedDict):
    """The part of a bar for one state."""

    state: str
    y: str
    height: str


class Bar(TypedDict):
    """One day."""

    x: int
    title: str
    pieces: list[Piece]


class JobHistory(TypedDict):
    """What the card shows; without `bars` nothing has ended."""

    days: int
    ended: int
    figures: Statistics
    bars: list[Bar]
    label: str
    first: date
    last: date
    most: int
    width: int
    height: int
    step: int
    bar: int


def job_history(projects: ProjectQuerySet) -> JobHistory:
    """Return the card's content for the jobs of these projects."""
    found = statistics(projects, days=DAYS, by_day=True)
    days = found["days"]
    most = max(_ended(day) for day in days)
    ended = sum(_ended(day) for day in days)
    counts = ", ".join(f"{found['jobs_by_status'][state]:,} {state}" for state in STATES)
    return {
        "days": DAYS,
        "ended": ended,
        "figures": found,
        "bars": [_bar(place, day, most) for place, day in enumerate(days)] if ended else [],
        "label": f"Jobs that ended on each of the last {DAYS} days: {counts}; at most {most:,} on one day.",
        "first": date.fromisoformat(days[0]["day"]),
        "last": date.fromisoformat(days[-1]["day"]),
        "most": most,
        "width": STEP * DAYS,
        "height": HEIGHT,
        "step": STEP,
        "bar": BAR,
    }


def _ended(day: Day) -> int:
    return day["completed"] + day["failed"] + day["cancelled"]


def _bar(place: int, day: Day, most: int) -> Bar:
    amounts: dict[str, Any] = {state: day[state] for state in STATES}  # type: ignore[literal-required]
    heights = {
        state: max(LEAST, HEIGHT * amount / most) if amount else 0.0 for state, amount in amounts.items()
    }
    shrink = min(1.0, HEIGHT / sum(heights.values())) if any(heights.values()) else 1.0
    pieces: list[Piece] = []
    top = float(HEIGHT)
    for state, height in heights.items():
        if height:
            top -= height * shrink
            pieces.append({"state": state, "y": f"{top:.2f}", "height": f"{height * shrink:.2f}"})
    said = ", ".join(f"{amount:,} {state}" for state, amount in amounts.items() if amount) or "nothing ended"
    return {"x": place * STEP, "title": f"{day['day']}: {said}", "pieces": pieces}
