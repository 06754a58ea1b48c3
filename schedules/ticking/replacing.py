"""Makes room for a run whose policy is to cancel the one before."""

from __future__ import annotations

from jobs.models import Job, OriginKind
from schedules.models import Firing, FiringStatus, Schedule
from schedules.ticking.standing import Open
from schedules.ticking.starting import cancel_all


def cancel_earlier(schedule: Schedule, opened: Open) -> None:
    """Cancel the jobs that the schedule started itself and that no other one has joined.

    What somebody else asked for is not its to end: the new run joins it where it is the same work.
    """
    own = Job.objects.filter(pk__in=opened.job_ids, origin_kind=OriginKind.SCHEDULE, origin_id=schedule.pk)
    shared = Firing.objects.filter(job_id__in=opened.job_ids, status=FiringStatus.STARTED)
    others = set(shared.exclude(schedule=schedule).values_list("job_id", flat=True))
    cancel_all([pk for pk in own.values_list("pk", flat=True) if pk not in others])
