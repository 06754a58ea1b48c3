"""Local times that repeat, read from a cron expression by cronsim without any zone."""

from __future__ import annotations

from copy import copy
from datetime import datetime, time, timedelta
from functools import lru_cache

from cronsim import CronSim, CronSimError

from schedules.timing.model import EPOCH, LAST_DAY, Frequency, Timing

FIELDS = ("minute", "hour", "day of the month", "month", "day of the week")
ALIASES = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
MIDNIGHT = time()
LONGEST = 200  # characters of an expression
_START = EPOCH.replace(tzinfo=None)
_SECOND = timedelta(seconds=1)


class InvalidCron(ValueError):
    """An expression that cannot be read, or that no day fulfils. The message says why."""


class Pattern:
    """The local times of one expression."""

    def __init__(self, expression: str) -> None:
        """Raise InvalidCron."""
        self.expression = _without_alias(expression)
        parts = self.expression.split()
        if len(parts) != len(FIELDS):
            raise InvalidCron(f"Five fields are needed ({', '.join(FIELDS)}), and not {len(parts)}.")
        try:
            self._sim = CronSim(self.expression, _START)
        except CronSimError as error:
            raise InvalidCron(f"{error}: {_said(str(error), parts)}.") from None
        # As cron has it: a wildcard in minutes or hours means "each time so much time has passed".
        self.is_fixed = not parts[0].startswith("*") and not parts[1].startswith("*")
        if self.first(_START) is None:
            raise InvalidCron("No day fulfils this expression.")

    def words(self) -> str:
        """Return a sentence such as "At 02:30 every day"."""
        said: str = copy(self._sim).explain()
        return said

    def first(self, since: datetime) -> datetime | None:
        """Return the first naive local time that is not before `since`; None when there is none for fifty years."""
        walk = copy(self._sim)
        walk.dt = since - _SECOND
        return next(walk, None)


@lru_cache(maxsize=2048)
def pattern_of(expression: str) -> Pattern:
    """Return the pattern of an expression. Raises InvalidCron."""
    return Pattern(expression)


def expression_of(timing: Timing) -> str:
    """Return a timing by the clock as a cron expression; the fields of its frequency have been checked."""
    if timing.frequency == Frequency.CRON:
        return timing.cron
    at = timing.time or MIDNIGHT
    minute, hour = at.minute, at.hour
    match timing.frequency:
        case Frequency.HOURLY:
            return f"{minute} * * * *"
        case Frequency.DAILY:
            return f"{minute} {hour} * * *"
        case Frequency.WEEKLY:
            return f"{minute} {hour} * * {timing.weekday}"
        case Frequency.MONTHLY:
            day = "L" if timing.month_day == LAST_DAY else timing.month_day
            return f"{minute} {hour} {day} * *"
    raise ValueError(f"{timing.frequency} goes by no clock")


def _without_alias(expression: str) -> str:
    text = expression.strip()
    if len(text) > LONGEST:
        raise InvalidCron(f"An expression has at most {LONGEST} characters.")
    if not text.startswith("@"):
        return text
    try:
        return ALIASES[text.lower()]
    except KeyError:
        raise InvalidCron(f"{text} is not known; there are {', '.join(ALIASES)}.") from None


def _said(message: str, parts: list[str]) -> str:
    """Quote the field that cronsim complains about ("Bad day-of-month")."""
    named = message.lower().removeprefix("bad ").replace("-", " ")
    for field, part in zip(FIELDS, parts, strict=True):
        if named in {field, field.replace("of the", "of")}:
            return f"{part!r} is not possible there"
    return f"{' '.join(parts)!r} cannot be read"
