"""Running a schedule's job now, whatever its times say."""

from __future__ import annotations

from django.db import transaction

from commandcenter.accounts.models import User
from jobs.exceptions import InvalidParameters
from schedules import keeping
from schedules.clock import database_time
from schedules.exceptions import IllegalSchedule
from schedules.models import Firing, FiringKind, FiringStatus, Schedule
from schedules.tallies import count_states
from schedules.ticking.deciding import Verdict, on_overlap
from schedules.ticking.replacing import cancel_earlier
from schedules.ticking.standing import open_runs
from schedules.ticking.starting import start


def execute(schedule: Schedule, *, by: User | None) -> Firing:
    """Run it now, paused or not, within its overlap policy; the times of its other runs stay as they are.

    Blackouts are for what runs by itself: whoever asks by hand knows. Raises IllegalSchedule when the run before has
    not ended and the policy is to skip, InvalidParameters when its job cannot be made any more.
    """
    del by
    with transaction.atomic():
        schedule = keeping.locked(schedule)
        opened = open_runs([schedule.pk])[schedule.pk]
        verdict, _, detail = on_overlap(schedule, opened.standing)
        if verdict == Verdict.SKIP:
            raise IllegalSchedule(
                f"{detail} Cancel it first, or choose another overlap policy.", code="overlap"
            )
        if verdict == Verdict.REPLACE:
            cancel_earlier(schedule, opened)
        now = database_time()
        firing = Firing(
            schedule=schedule,
            kind=FiringKind.MANUAL,
            scheduled_for=now,
            due_at=now,
            decided_at=now,
            status=FiringStatus.WAITING if verdict == Verdict.WAIT else FiringStatus.STARTED,
            reason="overlap" if verdict == Verdict.WAIT else "",
            detail=detail,
        )
        if verdict == Verdict.WAIT:
            count_states([firing.status])
        else:
            if start([firing], {schedule.pk: schedule}):
                raise InvalidParameters.single("parameters", "invalid", firing.detail)
            Schedule.objects.filter(pk=schedule.pk).update(last_run_at=now)
        firing.save()
    return firing
