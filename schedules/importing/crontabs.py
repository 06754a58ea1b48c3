"""Writes the crontab of a periodic task as a cron expression that fires at the same times.

Celery reads a crontab in its own way: both the day of the month and the day of the week must fit, ranges may wrap around
(`22-2`), names may be long, and blanks stand between fields only by chance. So each field is compared by the numbers
that it stands for. One that cron reads alike stays as it is written; another is written anew.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from celery.schedules import ParseException, crontab
from cronsim import CronSim, CronSimError
from django_celery_beat.models import CrontabSchedule

from schedules.importing.exceptions import NotImportable

_ANY = datetime(2000, 1, 1)  # noqa: DTZ001  (no time is asked of it)
_WEEK = 7
# Of each field of an expression: the attribute of Celery's and of cronsim's, the first number and the last.
FIELDS = (
    ("minute", "minutes", 0, 59),
    ("hour", "hours", 0, 23),
    ("day_of_month", "days", 1, 31),
    ("month_of_year", "months", 1, 12),
    ("day_of_week", "weekdays", 0, 6),
)


def expression_of(entry: CrontabSchedule) -> str:
    """Return the expression. Raises NotImportable."""
    read = _read(entry)
    days: Collection[int] = read.day_of_month
    weekdays: Collection[int] = read.day_of_week
    parts = [_field(entry, read, place) for place in range(len(FIELDS))]
    if len(days) == 31:
        parts[2] = "*"
    if len(weekdays) == _WEEK:
        parts[4] = "*"
    # To cron both must fit where one of them begins with a star, such as in */2.
    if parts[2].startswith("*") or parts[4].startswith("*"):
        return " ".join(parts)
    return " ".join([*parts[:2], "*", parts[3], _nth(days, weekdays)])


def _read(entry: CrontabSchedule) -> Any:
    try:
        return crontab(**{name: getattr(entry, name) for name, *_ in FIELDS})
    except (ParseException, ValueError, TypeError, KeyError, IndexError) as error:
        raise NotImportable(f"Its crontab cannot be read ({error}); mend it in the admin.") from None


def _field(entry: CrontabSchedule, read: Any, place: int) -> str:
    """Return one field as it is written, where cron reads the same numbers there, or else written anew."""
    name, attribute, *_ = FIELDS[place]
    written, wanted = str(getattr(entry, name)), set(getattr(read, name))
    alone = ["*"] * len(FIELDS)
    alone[place] = written
    if len(written.split()) == 1:
        try:
            found = getattr(CronSim(" ".join(alone), _ANY), attribute)
        except CronSimError:
            found = set()
        if _plain(found, place) == wanted:
            return written
    return _written(sorted(wanted))


def _plain(found: Collection[Any], place: int) -> set[Any]:
    """Return numbers of cronsim's as Celery's: Sunday is 0 and not 7. What is more than a number stays."""
    is_weekday = FIELDS[place][0] == "day_of_week"
    return {each % _WEEK if is_weekday and isinstance(each, int) else each for each in found}


def _written(numbers: list[int]) -> str:
    """Return numbers, which are in order, as a list of ranges."""
    ranges: list[list[int]] = []
    for number in numbers:
        if ranges and number == ranges[-1][1] + 1:
            ranges[-1][1] = number
        else:
            ranges.append([number, number])
    return ",".join(str(first) if first == last else f"{first}-{last}" for first, last in ranges)


def _nth(days: Collection[int], weekdays: Collection[int]) -> str:
    """Return "the first Monday" for the Mondays from the 1st to the 7th: of cron's two fields of days either is enough."""
    week, rest = divmod(min(days) - 1, _WEEK)
    if rest == 0 and sorted(days) == list(range(min(days), min(days) + _WEEK)):
        return ",".join(f"{weekday}#{week + 1}" for weekday in sorted(weekdays))
    raise NotImportable(
        "It runs on days that fit both its day of the month and its day of the week; in a schedule either is enough. "
        "Make a schedule by hand, such as with MON#1 for the first Monday of a month."
    )
