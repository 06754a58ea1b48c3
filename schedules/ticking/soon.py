"""What is due before the next tick, so that somebody comes back for it in time."""

from __future__ import annotations

from datetime import timedelta

from schedules.clock import database_time
from schedules.models import Schedule

SPACING = timedelta(seconds=1)  # what is due within it is left to one tick


def due_within(seconds: float) -> list[float]:
    """Return in how many seconds something will be due, a moment for each second that has any, none later than asked.

    One read of the index for each, however many schedules are due.
    """
    now = database_time()
    end, after = now + timedelta(seconds=seconds), now
    found: list[float] = []
    while len(found) < seconds / SPACING.total_seconds():
        coming = Schedule.objects.filter(enabled=True, next_run_at__gt=after, next_run_at__lte=end)
        moment = coming.order_by("next_run_at", "pk").values_list("next_run_at", flat=True).first()
        if moment is None:
            break
        found.append((moment - now).total_seconds())
        after = moment + SPACING
    return found
