"""What schedules did and will do in a range of days: past runs as they were kept, later ones as their times say."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection
from django.db.models import Q, QuerySet

from schedules.models import OPEN, FiringStatus, Schedule
from schedules.ticking.deciding import Period
from schedules.ticking.standing import blackouts
from schedules.timing.timeline import SLOTS, Lane, Plan, Timeline, timeline
from schedules.timing.zones import UnknownZone, zone_named

RECENT = 20  # runs that say how long one usually takes
MOST_PAST = 80_000  # runs that are looked at, of all schedules together
NO_RUN = (FiringStatus.SKIPPED, FiringStatus.MISSED, FiringStatus.CANCELLED)
FAILED = (FiringStatus.FAILED, FiringStatus.REFUSED)

# Reads the newest entries of the index firing_recent for each schedule.
_TYPICAL = """
SELECT wanted.id, percentile_cont(0.5) WITHIN GROUP (ORDER BY f.seconds)
FROM unnest(%s::bigint[]) AS wanted(id)
CROSS JOIN LATERAL (
    SELECT seconds FROM schedules_firing WHERE schedule_id = wanted.id ORDER BY id DESC LIMIT %s
) f
GROUP BY wanted.id
"""
# Reads the range of each schedule from the index of firing_once.
_PAST = """
SELECT wanted.id, min(f.scheduled_for), max(f.scheduled_for), count(*),
    count(*) FILTER (WHERE f.status = ANY(%s)),
    count(*) FILTER (WHERE f.status = ANY(%s)),
    count(*) FILTER (WHERE f.status = ANY(%s))
FROM unnest(%s::bigint[]) AS wanted(id)
CROSS JOIN LATERAL (
    SELECT scheduled_for, status FROM schedules_firing
    WHERE schedule_id = wanted.id AND scheduled_for >= %s AND scheduled_for < %s
    ORDER BY scheduled_for DESC LIMIT %s
) f
GROUP BY wanted.id, date_bin(make_interval(secs => %s), f.scheduled_for, %s)
ORDER BY 1, 2
"""


@dataclass(frozen=True, slots=True)
class Past:
    """Runs of one schedule that lie close together, from the first to the last: how many, and what became of them."""

    begin: datetime
    end: datetime
    runs: int
    failed: int  # the refused ones as well
    unrun: int  # skipped, missed or cancelled
    open: int


@dataclass(frozen=True, slots=True)
class Planned:
    """What lies in [begin, end): before `now` as kept, from then on as planned; the keys are ids of schedules."""

    past: dict[int, list[Past]]
    timeline: Timeline
    closed: dict[int, list[Period]]
    cut: frozenset[int]  # which had as many runs before now as are looked at, or more; the last ones count
    # Of which the zone is not known any more, so that nothing is planned.
    zoneless: frozenset[int] = frozenset()

    def lane(self, key: int) -> Lane:
        """Return what is planned for a schedule, an empty lane where nothing is."""
        return next((lane for lane in self.timeline.lanes if lane.id == key), Lane(key))


def in_range(schedules: QuerySet[Schedule], begin: datetime, end: datetime) -> QuerySet[Schedule]:
    """Keep the enabled ones that may have a run in [begin, end): a next one before its end, or a last one since."""
    return schedules.filter(Q(next_run_at__lt=end) | Q(last_run_at__gte=begin), enabled=True)


def planned(schedules: Sequence[Schedule], begin: datetime, end: datetime, now: datetime) -> Planned:
    """Return what these schedules did and will do in [begin, end), at most 31 days, with three queries."""
    ids = [each.pk for each in schedules]
    closed = blackouts(schedules, begin, end)
    most = MOST_PAST // max(1, len(ids))
    past = _past(ids, begin, min(now, end), (end - begin) / SLOTS, most) if begin < now else {}
    cut = frozenset(key for key, found in past.items() if sum(each.runs for each in found) >= most)
    since = max(begin, now)
    if since >= end:
        return Planned(past, Timeline([], [], []), closed, cut)
    zoneless = frozenset(each.pk for each in schedules if not _zone_is_known(each))
    usual = typical_seconds(ids)
    plans = [
        Plan(
            each.pk,
            each.timing,
            each.jitter_seconds,
            usual.get(each.pk),
            [(period.starts_at, period.ends_at) for period in closed[each.pk]],
        )
        for each in schedules
        if each.pk not in zoneless
    ]
    return Planned(past, timeline(plans, since, end), closed, cut, zoneless)


def _zone_is_known(schedule: Schedule) -> bool:
    """Tell whether the zone is still in the database of zones, which changes with releases."""
    try:
        zone_named(schedule.timezone)
    except UnknownZone:
        return False
    return True


def typical_seconds(ids: Collection[int]) -> dict[int, float]:
    """Return how long the last runs of schedules took, as their median; one that never ran has no entry."""
    with connection.cursor() as cursor:
        cursor.execute(_TYPICAL, [list(ids), RECENT])
        return {key: seconds for key, seconds in cursor.fetchall() if seconds is not None}


def joined(past: Sequence[Past]) -> Past:
    """Return neighbours as one; there is at least one."""
    counts = (sum(getattr(each, name) for each in past) for name in ("runs", "failed", "unrun", "open"))
    return Past(past[0].begin, past[-1].end, *counts)


def _past(
    ids: Collection[int], begin: datetime, end: datetime, slot: timedelta, most: int
) -> dict[int, list[Past]]:
    found: dict[int, list[Past]] = defaultdict(list)
    statuses = [[str(each) for each in group] for group in (FAILED, NO_RUN, OPEN)]
    with connection.cursor() as cursor:
        cursor.execute(_PAST, [*statuses, list(ids), begin, end, most, slot.total_seconds(), begin])
        for key, *columns in cursor.fetchall():
            found[key].append(Past(*columns))
    return found
