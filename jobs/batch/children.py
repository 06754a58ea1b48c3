"""The children of a batch: how many stand where, how far they are, and their parent's end with the last of them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from typing import Any, TypedDict, cast

from django.db import transaction
from django.db.models import Count, Q
from django.db.models.functions import Now

from jobs import history
from jobs.models import ACTIVE, Job, JobEventType, JobQuerySet, JobStatus
from jobs.state import transition

TELL_INTERVAL = timedelta(seconds=0.5)  # between two writes of a parent's progress
SOURCE = "batch"  # of the parent's own log lines


class Children(TypedDict):
    """How many children of a batch stand where."""

    total: int
    pending: int
    queued: int
    running: int
    completed: int
    failed: int
    cancelled: int


def count_children(parents: Collection[int]) -> dict[int, Children]:
    """Return the counts of each of these jobs, in one query or none."""
    if not parents:
        return {}
    found = {
        parent: cast("Children", dict.fromkeys(("total", *JobStatus.values), 0)) for parent in set(parents)
    }
    rows = (
        Job.objects.filter(parent__in=found).values_list("parent", "status").annotate(Count("pk")).order_by()
    )
    for parent, status, count in rows:
        counts = cast("dict[str, int]", found[parent])
        counts[status] += count
        counts["total"] += count
    return found


def has_active(parent_id: int) -> bool:
    """Tell whether a child has not ended yet."""
    return Job.objects.filter(parent=parent_id, status__in=ACTIVE).exists()


def awaiting() -> JobQuerySet:
    """Return the batches whose children were made and have not all ended, as far as is known."""
    return Job.objects.filter(status=JobStatus.RUNNING, awaits_children=True).select_related("run")


def await_children(
    job_id: int,
    *,
    skipped: int,
    where: Q | None = None,
    fence: int | None = None,
    before: Sequence[history.Entry] = (),
    run_values: Mapping[str, Any] | None = None,
) -> Job | None:
    """Let a running batch go on without a worker until its children have ended; `skipped` ones could not be made.

    Its lease ends and its fencing token rises, as when it leaves `running`, which it does not. Returns None when it
    does not run (or not `where`) any more. Raises LeaseLost when `fence` is not its token.
    """
    with transaction.atomic(savepoint=False):
        job = (
            Job.objects.select_for_update(no_key=True, of=("self",))
            .filter(where or Q(), pk=job_id, status=JobStatus.RUNNING, awaits_children=False)
            .first()
        )
        if job is None:
            return None
        total = count_children([job_id])[job_id]["total"]
        job.awaits_children = True
        job.result = {"children": {"total": total + skipped, "skipped": skipped}}
        Job.objects.filter(pk=job_id).update(awaits_children=True, result=job.result)
        said = "1 child was made." if total == 1 else f"{total:,} children were made."
        if skipped:
            said += f" {skipped:,} could not be; the lines above say why."
        note = {"level": "warning" if skipped else "info", "message": said, "source": SOURCE}
        history.append(
            job,
            [*before, history.Entry(JobEventType.LOG, note)],
            fence=fence,
            run_values={
                **(run_values or {}),
                "fencing_token": history.Increment(1),
                "lease_expires_at": None,
                "deadline_at": None,  # each child has one of its own
                "heartbeat_at": None,
                "worker": "",
                "progress": 0,
                "current_step": "",
            },
        )
    return job


def settle(parent_id: int) -> Job | None:
    """End a batch whose last child has ended and return it; else show how far it is, and return None."""
    parent = awaiting().filter(pk=parent_id).first()
    if parent is None:
        return None
    # A child that commits its end after this look settles by itself, so that the last one finds none active. Two
    # that end at once may both find none; `transition` lets one of them end the parent. No child can be added
    # any more, for `awaits_children` was read first, and is set under the fence of the attempt that makes them.
    if has_active(parent_id):
        _tell(parent_id)
        return None
    return _end(parent)


def _end(parent: Job) -> Job | None:
    tally = count_children([parent.pk])[parent.pk]
    skipped: int = (parent.result or {}).get("children", {}).get("skipped", 0)
    status, outcome = _outcome(tally, skipped, cancelled=parent.run.cancel_requested_at is not None)
    children = {
        "total": tally["total"] + skipped,
        "completed": tally["completed"],
        "failed": tally["failed"],
        "cancelled": tally["cancelled"],
        "skipped": skipped,
    }
    values: dict[str, Any] = {
        "awaits_children": False,
        "result": {"outcome": outcome, "children": children},
    }
    if status == JobStatus.FAILED:
        values |= {"error_code": "children_failed", "error_message": _message(children)}
    worked = 100 * (tally["completed"] + tally["failed"]) // max(1, tally["total"])
    return transition(
        parent.pk,
        status,
        sources={JobStatus.RUNNING},
        reason={JobStatus.FAILED: "children_failed"}.get(status, status),
        where=Q(awaits_children=True),
        job_values=values,
        run_values={"progress": worked, "current_step": _step(tally)},
    )


def _outcome(tally: Children, skipped: int, *, cancelled: bool) -> tuple[JobStatus, str]:
    if cancelled:
        return JobStatus.CANCELLED, "cancelled"
    if tally["completed"] == tally["total"] + skipped:
        return JobStatus.COMPLETED, "complete"
    if tally["completed"]:
        return JobStatus.COMPLETED, "partial"
    if tally["failed"] or not tally["cancelled"]:
        return JobStatus.FAILED, "failed"
    return JobStatus.CANCELLED, "cancelled"


def _message(children: dict[str, int]) -> str:
    parts = [f"{children['failed']:,} of {children['total']:,} children failed"]
    if children["cancelled"]:
        parts.append(f"{children['cancelled']:,} cancelled")
    if children["skipped"]:
        parts.append(f"{children['skipped']:,} could not be made")
    return ", ".join(parts) + "."


def _tell(parent_id: int) -> None:
    """Write how far the parent is, at most about twice a second; who comes while another writes leaves it to that one."""
    due = Q(run__heartbeat_at=None) | Q(run__heartbeat_at__lt=Now() - TELL_INTERVAL)
    with transaction.atomic():
        parent = (
            awaiting()
            .filter(due, pk=parent_id)
            .select_for_update(skip_locked=True, no_key=True, of=("self",))
            .first()
        )
        if parent is None:
            return
        tally = count_children([parent_id])[parent_id]
        ended, total = _ended(tally), tally["total"]
        step, told = _step(tally), parent.run.current_step
        percent = min(99, 100 * ended // max(1, total))
        if told and (percent, _failures(step)) == (parent.run.progress, _failures(told)):
            return
        shown = {"progress": percent, "current_step": step}
        entry = history.Entry(JobEventType.PROGRESS, shown)
        history.append(parent, [entry], run_values={**shown, "heartbeat_at": history.FromNow(0)})


def _ended(tally: Children) -> int:
    return tally["completed"] + tally["failed"] + tally["cancelled"]


def _step(tally: Children) -> str:
    said = f"{_ended(tally):,} of {tally['total']:,} ended"
    return f"{said}, {tally['failed']:,} failed" if tally["failed"] else said


def _failures(step: str) -> str:
    return step.partition(" ended, ")[2]
