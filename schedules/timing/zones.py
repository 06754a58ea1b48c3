"""The clock of a time zone as stretches of one offset from UTC.

In a stretch local time runs like real time, so whoever walks from stretch to stretch needs no other rule for the
changes of clocks between them. zoneinfo does not tell its transitions; they are found by looking at each day of a year.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import MAXYEAR, UTC, datetime, timedelta
from functools import lru_cache
from importlib import resources
from pathlib import Path
from zoneinfo import TZPATH, ZoneInfo, ZoneInfoNotFoundError, available_timezones

from schedules.timing.model import needed

DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)
KNOWN_YEARS = 4096  # of zones, kept in memory: 600 zones for some years, about 1 MB

# Files beside the zones that the other machines of a fleet may lack, or have with another content, and those whose
# clock counts leap seconds.
_OF_THIS_MACHINE = frozenset({"localtime", "posixrules", "Factory"})
_OTHER_CLOCKS = ("right/", "posix/")


class UnknownZone(ValueError):
    """A name that is not in the IANA database."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """From `begin` to `end`, both naive UTC, local time is UTC + `offset`."""

    begin: datetime
    end: datetime
    offset: timedelta

    @property
    def local_begin(self) -> datetime:
        return self.begin + self.offset

    @property
    def local_end(self) -> datetime:
        return self.end + self.offset


@lru_cache(maxsize=1024)
def zone_named(name: str) -> ZoneInfo:
    """Return a zone of the IANA database. Raises UnknownZone."""
    unknown = UnknownZone(f"{name!r} is no time zone of the IANA database, such as Europe/Berlin.")
    if name in _OF_THIS_MACHINE or name.startswith(_OTHER_CLOCKS):
        raise unknown
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # OSError: the name of a folder, such as "Europe"
        raise unknown from None


@lru_cache(maxsize=1)
def data_version() -> str:
    """Return what the time zone data of this process is known by: a digest of all of it, read once."""
    digest = hashlib.sha256()
    for name in sorted(available_timezones() - _OF_THIS_MACHINE):
        digest.update(name.encode())
        digest.update(_data(name))
    return digest.hexdigest()[:40]


def _data(name: str) -> bytes:
    """Return the file of a zone from where zoneinfo takes it: the system's folders, else the package tzdata."""
    for folder in TZPATH:
        file = Path(folder, name)
        if file.is_file():
            return file.read_bytes()
    package, _, leaf = f"tzdata/zoneinfo/{name}".rpartition("/")
    return resources.files(package.replace("/", ".")).joinpath(leaf).read_bytes()


def stretches(zone: ZoneInfo, since: datetime) -> Iterator[Stretch]:
    """Yield the stretches of the year of `since` (naive UTC) and of all later ones, in order and without a gap."""
    for year in range(since.year, MAXYEAR):
        yield from _of_year(zone, year)


@lru_cache(maxsize=KNOWN_YEARS)
def _of_year(zone: ZoneInfo, year: int) -> tuple[Stretch, ...]:
    begin, end = (datetime(each, 1, 1, tzinfo=UTC).replace(tzinfo=None) for each in (year, year + 1))
    found = []
    offset = _offset(zone, begin)
    day = begin
    while day < end:
        following = min(day + DAY, end)
        after = _offset(zone, following)
        if after != offset:
            change = _change(zone, day, following, offset)
            found.append(Stretch(begin, change, offset))
            begin, offset = change, after
        day = following
    if begin < end:
        found.append(Stretch(begin, end, offset))
    return tuple(found)


def _change(zone: ZoneInfo, low: datetime, high: datetime, offset: timedelta) -> datetime:
    """Return the first second in (low, high] that has not the offset of `low`."""
    while high - low > SECOND:
        middle = low + (high - low) // 2
        middle = middle.replace(microsecond=0)
        if _offset(zone, middle) == offset:
            low = middle
        else:
            high = middle
    return high


def _offset(zone: ZoneInfo, moment: datetime) -> timedelta:
    return needed(moment.replace(tzinfo=UTC).astimezone(zone).utcoffset())
