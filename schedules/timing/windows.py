"""The part of the day in which a schedule may fire."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time, timedelta

from schedules.timing.model import Timing


@dataclass(frozen=True, slots=True)
class Window:
    """[start, end) on the local clock; over midnight where the start is later than the end."""

    start: time
    end: time

    def holds(self, local: datetime) -> bool:
        """Tell whether a local time lies in the window."""
        now = local.time()
        if self.start < self.end:
            return self.start <= now < self.end
        return now >= self.start or now < self.end

    def opens_after(self, local: datetime) -> datetime:
        """Return when the window opens next, later than a local time outside of it."""
        opening = datetime.combine(local.date(), self.start)
        return opening if opening > local else opening + timedelta(days=1)


def window_of(timing: Timing) -> Window | None:
    """Return the window of a timing; None where it may fire all day."""
    if timing.window_start is None or timing.window_end is None:
        return None
    return Window(timing.window_start, timing.window_end)
