"""What must be known of schedules before their runs are decided, for many of them in one query each."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import Q

from jobs.models import ACTIVE, Job
from schedules.models import OPEN, Blackout, Firing, FiringKind, FiringStatus, Schedule
from schedules.ticking.deciding import Period, Standing


@dataclass(slots=True)
class Open:
    """The runs of one schedule that have not ended."""

    job_ids: list[int] = field(default_factory=list)  # jobs that are queued or run
    backfill_job_ids: list[int] = field(default_factory=list)  # those of a backfill
    waiting: list[int] = field(default_factory=list)  # firings, oldest first, without those of a backfill

    @property
    def standing(self) -> Standing:
        """As the policies look at it."""
        return Standing(len(self.job_ids), len(self.waiting), len(self.backfill_job_ids))


def open_runs(schedule_ids: Collection[int]) -> dict[int, Open]:
    """Return what has not ended of these schedules; a job whose end is not settled yet has ended all the same."""
    found: dict[int, Open] = defaultdict(Open)
    rows = Firing.objects.filter(schedule__in=schedule_ids, status__in=OPEN).exclude(
        kind=FiringKind.BACKFILL, status=FiringStatus.WAITING
    )
    # One job may be that of many schedules, which joined it.
    started: dict[int, set[tuple[int, str]]] = defaultdict(set)
    for pk, schedule_id, kind, job_id in rows.order_by("pk").values_list(
        "pk", "schedule_id", "kind", "job_id"
    ):
        if job_id is None:
            found[schedule_id].waiting.append(pk)
        else:
            started[job_id].add((schedule_id, kind))
    if started:
        for job_id in Job.objects.filter(pk__in=started, status__in=ACTIVE).values_list("pk", flat=True):
            for schedule_id, kind in started[job_id]:
                opened = found[schedule_id]
                (opened.backfill_job_ids if kind == FiringKind.BACKFILL else opened.job_ids).append(job_id)
    return found


def blackouts(schedules: Collection[Schedule], since: datetime, now: datetime) -> dict[int, list[Period]]:
    """Return the periods of each schedule, its own and its project's, that touch [since, now]."""
    of_project: dict[int, list[Period]] = defaultdict(list)
    of_schedule: dict[int, list[Period]] = defaultdict(list)
    rows = Blackout.objects.filter(
        Q(schedule=None) | Q(schedule__in=[each.pk for each in schedules]),
        project__in={each.project_id for each in schedules},
        starts_at__lte=now,
        ends_at__gt=since,
    )
    for row in rows:
        period = Period(row.starts_at, row.ends_at, row.reason)
        if row.schedule_id is None:
            of_project[row.project_id].append(period)
        else:
            of_schedule[row.schedule_id].append(period)
    return {each.pk: of_schedule[each.pk] + of_project[each.project_id] for each in schedules}
