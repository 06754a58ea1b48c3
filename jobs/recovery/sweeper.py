"""Repeats what was lost between the database and the broker: hints never sent, never picked up, now due, or held."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Count, F, Q
from django.db.models.functions import Now

from jobs.broker import Hint, broker
from jobs.dispatch import send
from jobs.fairness import limits
from jobs.models import FOREGROUND, Job, JobStatus, QueueControl

BATCH = 500

_held = limits.Sweep()


@dataclass(frozen=True, slots=True)
class Swept:
    """How many hints were sent, how many could not be, and how many jobs were let go that had been held."""

    sent: int
    unsent: int
    released: int


def sweep() -> Swept:
    """Send the hints of queued jobs that have none on their way. Two sweepers never send the same one.

    A hint that was sent and not picked up is repeated only when the queue holds fewer messages than jobs wait
    for it: in a long queue nothing is lost, and repeating would make it longer still.
    """
    released = _held.run()
    # Each queue by itself, so that one full of lost hints does not hide the others.
    sent = unsent = 0
    for queue in waiting_queues():
        rows = _take(queue)
        taken = send(
            [Hint(row.pk, row.job_type, row.queue, str(row.dispatch_id)) for row in rows if row.dispatch_id]
        )
        sent += taken
        unsent += len(rows) - taken
        if broker.paused:
            break
    return Swept(sent, unsent, released)


def waiting_queues() -> list[str]:
    """Return the queues in which jobs wait to be sent, without the paused ones and the one that no worker consumes."""
    waiting = Job.objects.filter(status=JobStatus.QUEUED).exclude(queue=FOREGROUND)
    queues = set(waiting.order_by().values_list("queue", flat=True).distinct())
    if not queues:
        return []
    return sorted(queues.difference(QueueControl.objects.values_list("queue", flat=True)))


def _take(queue: str) -> list[Job]:
    """Mark and return the jobs of a queue whose hint has to be sent now."""
    due = Q(not_before=None) | Q(not_before__lte=Now())
    sendable = Q(held_by="") | Q(published_at__isnull=False)  # what is held is let go by its gate
    waiting = Job.objects.filter(due, sendable, status=JobStatus.QUEUED, queue=queue)
    unsent = Q(published_at=None)
    stale = Q(published_at__lt=Now() - timedelta(seconds=settings.JOB_REPUBLISH_SECONDS))
    counts = waiting.aggregate(
        unsent=Count("pk", filter=unsent), stale=Count("pk", filter=stale), all=Count("pk")
    )
    wanted = unsent
    room = counts["unsent"]
    if counts["stale"]:
        depth = broker.depth(queue)
        lost = 0 if depth is None else counts["all"] - counts["unsent"] - depth
        if lost > 0:
            wanted |= stale
            room += lost
    if room <= 0:
        return []
    with transaction.atomic():
        rows = list(
            waiting.filter(wanted)
            .select_for_update(skip_locked=True, no_key=True)
            .order_by(F("published_at").asc(nulls_first=True), "queued_at")[: min(room, BATCH)]
        )
        Job.objects.filter(pk__in=[row.pk for row in rows], status=JobStatus.QUEUED).update(
            published_at=Now()
        )
    return rows
