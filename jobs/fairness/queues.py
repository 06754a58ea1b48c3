"""The queues: what waits and runs in each, and pausing one, so that its jobs wait until an operator resumes it."""

from __future__ import annotations

from datetime import datetime
from typing import Any, TypedDict

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import Count, Min, Q
from django.utils import timezone

from commandcenter.accounts.models import User
from commandcenter.events.publish import publish
from jobs.exceptions import IllegalState, UnknownQueue
from jobs.fairness import gates, limits
from jobs.models import Job, JobStatus, QueueControl
from jobs.storable import text

SYSTEM = (
    "system"  # the reaper, the sweeper and the relay run here: pausing it would stop what keeps the promises
)
MAX_REASON = 200

log = structlog.get_logger(__name__)


class Pause(TypedDict):
    """Since when a queue is paused, by whom and why."""

    at: datetime
    by: str
    reason: str


class QueueState(TypedDict):
    """A queue as people see it; `depth` is what waits, of which `held` wait for a limit or a pause."""

    name: str
    paused: Pause | None
    depth: int
    held: int
    running: int
    oldest_seconds: float | None


def states() -> list[QueueState]:
    """Count waiting and running jobs of each queue, with the age in seconds of the oldest that could run now.

    Two queries. A batch whose children run takes no place and is not counted.
    """
    now = timezone.now()
    queued = Q(status=JobStatus.QUEUED)
    due = queued & (Q(not_before__isnull=True) | Q(not_before__lte=now))
    rows = (
        Job.objects.active()
        .values("queue")
        .annotate(
            depth=Count("pk", filter=queued),
            held=Count("pk", filter=queued & ~Q(held_by="") & Q(published_at=None)),
            running=Count("pk", filter=Q(status=JobStatus.RUNNING, awaits_children=False)),
            oldest=Min("queued_at", filter=due),
        )
        .order_by()
    )
    found: dict[str, dict[str, Any]] = {row["queue"]: dict(row) for row in rows}
    pauses = paused()
    nothing: dict[str, Any] = {"depth": 0, "held": 0, "running": 0, "oldest": None}
    return [
        QueueState(
            name=name,
            paused=pauses.get(name),
            depth=row["depth"],
            held=row["held"],
            running=row["running"],
            oldest_seconds=(now - row["oldest"]).total_seconds() if row["oldest"] else None,
        )
        for name in settings.QUEUES
        for row in [found.get(name, nothing)]
    ]


def state(name: str) -> QueueState:
    """Return one queue as `states` does. Raises UnknownQueue."""
    _known(name)
    return next(each for each in states() if each["name"] == name)


def paused() -> dict[str, Pause]:
    """Return the pauses by queue. One small query."""
    return {
        row.queue: Pause(at=row.paused_at, by=row.paused_by, reason=row.reason)
        for row in QueueControl.objects.all()
    }


def pause(name: str, by: User | None, reason: str = "") -> QueueControl:
    """Let no job of this queue start until it is resumed; what runs goes on. Asking twice changes nothing.

    Raises UnknownQueue, and IllegalState for the queue on which the platform's own work runs.
    """
    _known(name)
    if name == SYSTEM:
        raise IllegalState(
            "The system queue cannot be paused: what returns lost jobs and resumes the other queues runs there.",
            code="system_queue",
        )
    who = by.get_username()[:150] if by else ""
    with transaction.atomic():
        control, made = QueueControl.objects.get_or_create(
            queue=name, defaults={"paused_by": who, "reason": text(reason.strip(), MAX_REASON)}
        )
        if made:
            _tell("queue.paused", name, control.reason)
            log.info("queue paused", action="pause", queue=name, by=who, reason=control.reason)
    return control


def resume(name: str, by: User | None) -> bool:
    """Let the jobs of this queue start again: the first few at once, the others in the sweeps that follow.

    Return False when it was not paused. Raises UnknownQueue.
    """
    _known(name)
    with transaction.atomic():
        deleted, _ = QueueControl.objects.filter(queue=name).delete()
        if deleted:
            _tell("queue.resumed", name, "")
            transaction.on_commit(lambda: limits.release([f"{gates.QUEUE}:{name}"]), robust=True)
            log.info("queue resumed", action="resume", queue=name, by=by.get_username() if by else "")
    return bool(deleted)


def _tell(event_type: str, name: str, reason: str) -> None:
    """Record it in the activity stream, which says who."""
    publish(event_type, project=None, subject=("queue", None), data={"name": name, "reason": reason})


def _known(name: str) -> None:
    if name not in settings.QUEUES:
        raise UnknownQueue(f"There is no queue {name[:60]!r}. There are: {', '.join(settings.QUEUES)}.")
