"""Whether ticks come, and what they left behind."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from schedules.clock import database_time
from schedules.health import overdue
from schedules.models import Schedule, Ticker

SILENT_SECONDS = 75  # a tick that finds nothing to do is written down each 30 seconds
MOST_COUNTED = 10_000


@dataclass(frozen=True, slots=True)
class Pulse:
    """Seconds since the last tick that was written down, None before the first; schedules overdue, capped."""

    seconds: float | None
    overdue: int

    @property
    def silent(self) -> bool:
        """True when ticks came and come no more."""
        return self.seconds is not None and self.seconds > SILENT_SECONDS

    @property
    def overdue_words(self) -> str:
        """The number, or that there are more."""
        if self.overdue > MOST_COUNTED:
            return f"more than {MOST_COUNTED:,}"
        return f"{self.overdue:,}"


def pulse(now: datetime | None = None) -> Pulse:
    """Feel it, at a moment of the database's clock or now."""
    now = now or database_time()
    ticked_at = Ticker.objects.values_list("ticked_at", flat=True).first()
    seconds = None if ticked_at is None else max(0.0, (now - ticked_at).total_seconds())
    left = Schedule.objects.filter(overdue(now)).order_by("next_run_at").values("pk")
    return Pulse(seconds, left[: MOST_COUNTED + 1].count())
