"""`manage.py jobs list` and `show`: a table of jobs, and all that is known of one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import orjson
from django.utils.text import Truncator

from jobs.batch.children import count_children
from jobs.fairness.waiting import waiting_reason
from jobs.history import error_of
from jobs.models import Job, JobEventType, JobStatus
from jobs.terminal.wording import change, duration, moment, plain, took

_HEADINGS = ("ID", "STATUS", "TYPE", "PROJECT", "CREATED (UTC)", "TOOK", "")
_NOTE = 60  # characters of the last column
_STATES = 200  # shown of one job; a batch that is handed back for ever must not fill the screen


def table(jobs: Sequence[Job]) -> Iterator[str]:
    """Yield a heading and a line for each job, in aligned columns."""
    rows = [_HEADINGS, *(_row(job) for job in jobs)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADINGS) - 1)]
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=False)]
        yield "  ".join([*cells, row[-1]]).rstrip()


def _row(job: Job) -> tuple[str, ...]:
    match job.status:
        case JobStatus.FAILED:
            note = job.error_message or job.error_code
        case JobStatus.RUNNING:
            note = f"{job.run.progress} % {job.run.current_step}"
        case _:
            note = ""
    return (
        str(job.pk),
        job.status,
        job.job_type,
        plain(job.project.slug),
        moment(job.created_at),
        took(job),
        Truncator(plain(note)).chars(_NOTE),
    )


def details(job: Job) -> Iterator[str]:
    """Yield what is known of one job: facts, why it waits, its error, its children, its changes of state."""
    yield f"{job.get_job_type_display()} job {job.pk}: {job.status}"
    for name, value in _facts(job):
        yield f"  {name:<12} {value}"
    yield "  states"
    states = job.events.filter(type=JobEventType.STATE).order_by("-seq")
    shown = list(states[:_STATES])[::-1]
    if len(shown) == _STATES and shown[0].seq > 1:
        yield f"    only the last {_STATES}"
    for event in shown:
        yield f"    {moment(event.at)}  {change(event.data)}"


def _facts(job: Job) -> Iterator[tuple[str, str]]:
    run = job.run
    reason = waiting_reason(job)
    if reason is not None:
        yield "waits", plain(f"{reason['detail']} ({reason['code']})")
    if run.cancel_requested_at is not None and not job.is_terminal:
        yield "cancelling", f"since {moment(run.cancel_requested_at)} UTC"
    error = error_of(job)
    if error is not None:
        yield "error", plain(f"{error['message']} ({error['code']})")
    yield "project", plain(f"{job.project.slug} ({job.project_id})")
    by = f" by {job.created_by.get_username()}" if job.created_by else ""
    yield "created", plain(f"{moment(job.created_at)} UTC{by}, {job.get_origin_kind_display()}")
    yield "queue", plain(job.queue)
    yield (
        "attempt",
        f"{job.attempt} ({job.failures} of {job.max_attempts} failures, {job.losses} lost workers)",
    )
    if run.worker:
        yield "worker", plain(run.worker)
    if job.waited_seconds is not None:
        yield "waited", duration(job.waited_seconds)
    if job.started_at is not None:
        yield "started", f"{moment(job.started_at)} UTC, took {took(job)}"
    if job.status == JobStatus.RUNNING:
        yield "progress", plain(f"{run.progress} % {run.current_step}")
    if job.completed_at is not None:
        yield "ended", f"{moment(job.completed_at)} UTC"
    for name, pk in (("parent", job.parent_id), ("retry of", job.retry_of_id)):
        if pk is not None:
            yield name, str(pk)
    children = count_children([job.pk])[job.pk]
    if children["total"]:
        counts = [f"{count} {name}" for name, count in children.items() if count and name != "total"]
        yield "children", f"{children['total']}: {', '.join(counts)}"
    if job.tags:
        yield "tags", plain(", ".join(f"{key}:{value}" for key, value in job.tags.items()))
    yield "parameters", plain(orjson.dumps(job.parameters).decode())
    if job.result is not None:
        yield "result", plain(orjson.dumps(job.result).decode())
    if run.events_pruned_at is not None:
        yield "log", f"removed on {run.events_pruned_at:%Y-%m-%d}"
