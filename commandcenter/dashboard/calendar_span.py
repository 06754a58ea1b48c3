"""Which days the calendar shows, on the clock of which zone; what makes no sense in the address counts as absent."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.http import HttpRequest

from commandcenter.dashboard import filters
from schedules.timing.checking import YEARS
from schedules.timing.zones import UnknownZone, zone_named

VIEWS = {"day": 1, "week": 7}  # days of each
EVERY = 3  # hours between the names on the axis of a day


@dataclass(frozen=True, slots=True)
class Span:
    """[begin, end) in UTC: `days` days from `first` on, by the clock of `zone`."""

    view: str
    first: date
    zone: ZoneInfo
    begin: datetime
    end: datetime

    @property
    def last(self) -> date:
        return self.first + timedelta(days=VIEWS[self.view] - 1)

    @property
    def previous(self) -> date:
        return self.first - timedelta(days=VIEWS[self.view])

    @property
    def following(self) -> date:
        return self.first + timedelta(days=VIEWS[self.view])

    def local(self, moment: datetime) -> datetime:
        """Return a moment on the clock of the zone."""
        return moment.astimezone(self.zone)

    def said(self, moment: datetime) -> str:
        """Return a moment as the page writes it, with the day where there are several."""
        return f"{self.local(moment):{'%H:%M' if self.view == 'day' else '%a %d %H:%M'}}"

    def between(self, begin: datetime, end: datetime) -> str:
        """Return a stretch as the page writes it; its day once where it ends on the same."""
        same = self.local(begin).date() == self.local(end).date()
        return f"{self.said(begin)} to {f'{self.local(end):%H:%M}' if same else self.said(end)}"

    def share(self, moment: datetime) -> float:
        """Return where a moment lies, in percent of the range."""
        whole = 100 * (moment - self.begin) / (self.end - self.begin)
        return round(min(100.0, max(0.0, whole)), 2)

    def axis(self) -> list[tuple[float, str]]:
        """Return (place in percent, name) of what divides the range: days, or some hours of a day."""
        if self.view == "day":
            hours = (datetime.combine(self.first, time(hour), self.zone) for hour in range(0, 24, EVERY))
            return [(self.share(moment), f"{moment:%H:%M}") for moment in hours]
        days = (self.first + timedelta(days=number) for number in range(VIEWS[self.view]))
        return [(self.share(_midnight(day, self.zone)), f"{day:%a %d}") for day in days]


def span_of(request: HttpRequest, now: datetime) -> tuple[Span, str]:
    """Return the days that `?view= &date= &zone=` ask for, and what is wrong with the zone (mostly nothing)."""
    wrong = ""
    try:
        zone = zone_named(filters.words(request, "zone") or "UTC")
    except UnknownZone as error:
        zone, wrong = zone_named("UTC"), str(error)
    view = filters.choice(request, "view", VIEWS) or "week"
    day = _day(filters.words(request, "date")) or now.astimezone(zone).date()
    first = day - timedelta(days=day.weekday()) if view == "week" else day
    begin, end = (_midnight(each, zone) for each in (first, first + timedelta(days=VIEWS[view])))
    if end <= begin:  # a zone that moved over the dateline left this day out
        end = begin + timedelta(days=1)
    return Span(view, first, zone, begin, end), wrong


def _day(text: str) -> date | None:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if day.year in YEARS and day.year > YEARS.start else None


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone).astimezone(UTC)
