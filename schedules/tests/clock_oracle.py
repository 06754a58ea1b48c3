"""Says when a fixed set of minutes and hours fires by looking at every minute, one after another.

Written apart from schedules/timing: it knows nothing of offsets, stretches or cron expressions, only what a clock on the
wall shows.
"""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

MINUTE = timedelta(minutes=1)
NOTHING: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Look:
    """One look at the clock."""

    now: datetime
    shown: int  # minute of the day
    again: bool  # it has shown this, or a later time, before
    jumped: frozenset[int]  # minutes of the day that it left out since the last look


class Wall:
    """What the clock of a zone shows from minute to minute."""

    def __init__(self, zone: ZoneInfo, begin: datetime, end: datetime) -> None:
        """Look at every minute of [begin, end)."""
        self._looks: list[Look] = []
        latest: datetime | None = None
        now = begin.astimezone(UTC)
        while now < end:
            local = now.astimezone(zone).replace(tzinfo=None)
            again = latest is not None and local <= latest
            follows = latest is None or local - latest == MINUTE  # as nearly always
            jumped = NOTHING if follows else frozenset(map(_minute, _between(latest or local, local)))
            self._looks.append(Look(now, _minute(local), again, jumped))
            latest = max(latest or local, local)
            now += MINUTE

    def firings(self, minutes: Set[int], hours: Set[int], *, wildcard: bool) -> list[datetime]:
        """Return the moments of a daily pattern by cron's rule for changes of clocks."""
        due = {hour * 60 + minute for hour in hours for minute in minutes}
        if wildcard:
            return [look.now for look in self._looks if look.shown in due]
        return [
            look.now
            for look in self._looks
            if (look.shown in due and not look.again) or (look.jumped and not due.isdisjoint(look.jumped))
        ]


def _minute(local: datetime) -> int:
    return local.hour * 60 + local.minute


def _between(earlier: datetime, later: datetime) -> list[datetime]:
    """Return the minutes that lie between two, none where one follows the other."""
    return [earlier + MINUTE * n for n in range(1, max(1, (later - earlier) // MINUTE))]
