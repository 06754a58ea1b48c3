"""Who works: the workers with what they run, which queues have one, and draining them."""

from __future__ import annotations

import os
import socket
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypedDict, cast

import structlog
from django.contrib.auth.models import AnonymousUser
from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Now

from commandcenter.accounts.models import User
from commandcenter.events.publish import publish
from jobs.exceptions import IllegalState, UnknownWorker
from jobs.models import Job, JobQuerySet, JobStatus, Worker

LIVE = timedelta(seconds=30)  # since the last heartbeat; six are missed by then
LOST_KEPT = timedelta(days=1)  # so long a worker that vanished is shown
HOUSEKEEPING = "system"  # the queue without whose worker nothing is reaped, swept or relayed
MAX_JOBS = 1_000  # that are running and shown; more than any set of workers runs

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Report:
    """A worker as people see it. `state`: live, draining, stopping, lost, or stopped (it ended while drained)."""

    worker: Worker
    state: str
    now: datetime  # the database's time, for ages
    jobs: list[Job] = field(default_factory=list)  # those that the viewer may see, with run and project
    hidden: int = 0  # how many more it runs


class Summary(TypedDict):
    """A worker in short; `running` counts its jobs."""

    name: str
    state: str
    queues: list[str]
    running: int


def overview(user: User | AnonymousUser, *, token_projects: list[int] | None = None) -> list[Report]:
    """Return every worker with its present jobs: two statements, and a third for who is not staff."""
    workers = list(Worker.objects.annotate(clock=Now()))
    if not workers:
        return []
    shown, hidden = _running(user, token_projects)
    return [
        Report(
            worker,
            state_of(worker, cast("Any", worker).clock),
            cast("Any", worker).clock,
            shown[worker.name],
            hidden[worker.name],
        )
        for worker in workers
    ]


def state_of(worker: Worker, now: datetime) -> str:
    """Return the word for a worker's state at the database's time `now`."""
    if worker.heartbeat_at is None:
        return "stopped"
    if worker.heartbeat_at < now - LIVE:
        return "lost"
    if worker.stopping:
        return "stopping"
    return "draining" if worker.draining else "live"


def summaries() -> list[Summary]:
    """Return every worker with the number of its jobs: two small statements."""
    places = _at_work().values_list("run__worker", flat=True).order_by()[:MAX_JOBS]
    running = Counter(_node(place) for place in places)
    return [
        {
            "name": worker.name,
            "state": state_of(worker, cast("Any", worker).clock),
            "queues": worker.queues,
            "running": running[worker.name],
        }
        for worker in Worker.objects.annotate(clock=Now())
    ]


def counts_by_state() -> dict[str, int]:
    """Return how many workers are in each state, also where it is none."""
    counts = dict.fromkeys(("live", "draining", "stopping", "lost", "stopped"), 0)
    for worker in Worker.objects.annotate(clock=Now()):
        counts[state_of(worker, cast("Any", worker).clock)] += 1
    return counts


def queues_with_workers() -> frozenset[str]:
    """Return the queues from which a live worker takes new work."""
    lists = Worker.objects.filter(_taking()).values_list("queues", flat=True).order_by()
    return frozenset(queue for queues in lists for queue in queues)


def drain(name: str, by: str) -> Worker:
    """Let a worker finish what it runs and take nothing new, also after a restart, until it is resumed.

    Asking twice changes nothing. Raises UnknownWorker, and IllegalState for the last one that keeps house.
    """
    with transaction.atomic():
        # All rows of the queue, in one order: two people who drain the last two at once must not both succeed.
        found = {worker.name: worker for worker in Worker.objects.select_for_update().order_by("name")}
        worker = _named(found, name)
        if worker.draining:
            return worker
        others = Worker.objects.filter(_taking(), queues__contains=[HOUSEKEEPING]).exclude(pk=name)
        if HOUSEKEEPING in worker.queues and not others.exists():
            raise IllegalState(
                f"{name} is the last worker of the queue {HOUSEKEEPING}: without it no lost job is returned and no "
                "event leaves. Start another one first.",
                code="last_worker",
            )
        Worker.objects.filter(pk=name).update(draining=True, drained_by=by[:150], drain_requested_at=Now())
        _tell("worker.drained", worker)
    log.info("worker drained", action="drain", worker=name, by=by)
    return Worker.objects.get(pk=name)


def resume(name: str, by: str) -> Worker:
    """Let a drained worker take work again. Asking twice changes nothing. Raises UnknownWorker."""
    with transaction.atomic():
        worker = _named(Worker.objects.select_for_update().in_bulk([name]), name)
        if not worker.draining:
            return worker
        worker.draining, worker.drained_by, worker.drain_requested_at = False, "", None
        if worker.heartbeat_at is None:
            Worker.objects.filter(pk=name).delete()  # kept only to remember this
        else:
            # Only these columns: the worker itself beats in the others.
            worker.save(update_fields=["draining", "drained_by", "drain_requested_at"])
        _tell("worker.resumed", worker)
    log.info("worker resumed", action="resume", worker=name, by=by)
    return worker


def forget_lost() -> int:
    """Delete the rows of workers that vanished long ago, unless they are to stay drained. Return how many."""
    return Worker.objects.filter(draining=False, heartbeat_at__lt=Now() - LOST_KEPT).delete()[0]


def _tell(event_type: str, worker: Worker) -> None:
    """Record it in the audit trail, which says who."""
    data = {"name": worker.name, "queues": worker.queues}
    publish(event_type, project=None, subject=("worker", None), data=data)


def _at_work() -> JobQuerySet:
    return Job.objects.filter(status=JobStatus.RUNNING, awaits_children=False)


def _node(place: str) -> str:
    """Return the node name out of "<node name>:<pid of the pool's process>"."""
    return place.rpartition(":")[0]


def _taking() -> Q:
    return Q(draining=False, stopping=False, heartbeat_at__gte=Now() - LIVE)


def _named(found: dict[str, Worker], name: str) -> Worker:
    worker = found.get(name)
    if worker is None:
        raise UnknownWorker(f"There is no worker {name[:120]!r}.")
    return worker


def _running(
    user: User | AnonymousUser, token_projects: list[int] | None
) -> tuple[dict[str, list[Job]], dict[str, int]]:
    """Return the running jobs by worker that the user may see, the longest first, and how many he may not."""
    running = _at_work()
    jobs = running.select_related("run", "project", "repository").order_by("started_at", "pk")[:MAX_JOBS]
    visible = None
    if not user.is_staff or token_projects is not None:
        visible = set(
            running.visible_to(user, token_projects=token_projects)
            .values_list("project", flat=True)
            .order_by()
        )
    shown: dict[str, list[Job]] = defaultdict(list)
    hidden: dict[str, int] = defaultdict(int)
    for job in jobs:
        name = _node(job.run.worker)
        if visible is None or job.project_id in visible:
            shown[name].append(job)
        else:
            hidden[name] += 1
    return shown, hidden


def is_drained() -> bool:
    """Tell whether this process is a worker that an operator drains: what it begins now, nobody will come back for."""
    return Worker.objects.filter(host=socket.gethostname()[:255], pid=os.getpid(), draining=True).exists()
