"""A job's numbered events: appending without a gap, reading back, and the shapes that sockets and the API send."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any

import orjson
from django.db import connection, transaction

from commandcenter.core import realtime
from commandcenter.core.inserting import as_json, insertion, new, values_of
from jobs.exceptions import LeaseLost
from jobs.models import TERMINAL, Job, JobEvent, JobEventType, JobRun

JSON = orjson.OPT_UTC_Z | orjson.OPT_NON_STR_KEYS
MAX_PAYLOAD_BYTES = 64 * 1024  # of one hint; what is larger is read from the database by each listener
PAGE = 1000

Message = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Entry:
    """An event before it has a number."""

    type: JobEventType
    data: dict[str, Any] = field(default_factory=dict)


def job_group(job_id: int) -> str:
    """Return the realtime group of one job's events."""
    return f"job.{job_id}"


def project_group(project_id: int) -> str:
    """Return the realtime group of the short summaries of a project's jobs."""
    return f"project.{project_id}.jobs"


@dataclass(frozen=True, slots=True)
class Increment:
    """A column's own value plus this."""

    by: int


@dataclass(frozen=True, slots=True)
class FromNow:
    """The database's time plus so many seconds."""

    seconds: float


def append(
    job: Job,
    entries: Sequence[Entry],
    *,
    fence: int | None = None,
    run_values: Mapping[str, Any] | None = None,
) -> list[JobEvent]:
    """Number and store events, and tell listeners after the commit; `job.run` is fresh afterwards.

    `run_values` are columns of JobRun to set in the same UPDATE; a value may be `Increment` or `FromNow`.
    Raises LeaseLost when `fence` is given and is no longer the job's fencing token.
    """
    with transaction.atomic(savepoint=False):
        events = _write(job, entries, *_raised(job.pk, len(entries), fence, run_values or {}))
        transaction.on_commit(partial(announce, job, events))
    return events


def begin(jobs: Sequence[Job], entries: Sequence[Sequence[Entry]], at: datetime) -> None:
    """Store the runs and the first events of jobs that were just inserted, as `append` does for one that has a run."""
    for job, its in zip(jobs, entries, strict=True):
        job.run = new(JobRun, job_id=job.pk, last_seq=len(its))
    events = (
        {"job_id": job.pk, "seq": seq, "type": entry.type, "data": entry.data, "at": at}
        for job, its in zip(jobs, entries, strict=True)
        for seq, entry in enumerate(its, 1)
    )
    with connection.cursor() as cursor:
        cursor.execute(
            f"WITH run AS ({insertion(JobRun)}) {insertion(JobEvent)}",
            [values_of(JobRun, (job.run for job in jobs)), as_json(events)],
        )
    transaction.on_commit(partial(_announce_new, jobs))


def _raised(job_id: int, entries: int, fence: int | None, values: Mapping[str, Any]) -> tuple[str, list[Any]]:
    """Return the statement that raises last_seq and sets the values, for `_write`, and its arguments.

    The row lock makes the numbers contiguous in the order of commits.
    """
    columns = [item.attname for item in JobRun._meta.concrete_fields]
    parts: list[str] = ["last_seq = last_seq + %s"]
    arguments: list[Any] = [entries]
    for name, value in values.items():
        if name not in columns:
            raise ValueError(f"JobRun has no column {name}.")
        match value:
            case Increment(by):
                parts.append(f"{name} = {name} + %s")
                arguments.append(by)
            case FromNow(seconds):
                parts.append(f"{name} = clock_timestamp() + make_interval(secs => %s)")
                arguments.append(seconds)
            case _:
                parts.append(f"{name} = %s")
                arguments.append(value)
    condition = "job_id = %s"
    arguments.append(job_id)
    if fence is not None:
        condition += " AND fencing_token = %s"
        arguments.append(fence)
    # The names were checked against the model above; values go as parameters.
    sql = f"""
        UPDATE jobs_jobrun SET {", ".join(parts)} WHERE {condition}
        RETURNING clock_timestamp() AS now, {", ".join(columns)}
    """  # noqa: S608
    return sql, arguments


def _write(job: Job, entries: Sequence[Entry], sql: str, arguments: list[Any]) -> list[JobEvent]:
    """Write the run as `sql` says and insert the events, in one statement; `job.run` is fresh afterwards."""
    columns = [item.attname for item in JobRun._meta.concrete_fields]
    statement = f"""
        WITH run AS ({sql}), made AS (
            INSERT INTO jobs_jobevent (job_id, seq, type, data, at)
            SELECT run.job_id, run.last_seq - %s + entry.place, entry.type, entry.data, run.now
            FROM run, unnest(%s::varchar[], %s::jsonb[]) WITH ORDINALITY AS entry (type, data, place)
            RETURNING id, seq
        )
        SELECT (SELECT array_agg(id ORDER BY seq) FROM made), run.* FROM run
    """  # noqa: S608
    rows = [[str(entry.type) for entry in entries], [json.dumps(entry.data) for entry in entries]]
    with connection.cursor() as cursor:
        cursor.execute(statement, [*arguments, len(entries), *rows])
        row = cursor.fetchone()
    if row is None:
        raise LeaseLost(f"Job {job.pk} belongs to another attempt.")
    ids, now = row[0] or [], row[1]
    job.run = JobRun.from_db(connection.alias, columns, row[2:])
    first = job.run.last_seq - len(entries) + 1
    return [
        JobEvent(pk=pk, job=job, seq=first + offset, type=entry.type, data=entry.data, at=now)
        for offset, (pk, entry) in enumerate(zip(ids, entries, strict=True))
    ]


def message(event: JobEvent, job: Job) -> Message:
    """Return the public shape of one event; `job` gives the result, which only the last event carries."""
    data = event.data
    head = {"type": event.type, "job_id": event.job_id, "seq": event.seq, "at": event.at}
    if event.type == JobEventType.LOG:
        return head | {key: data.get(key, "") for key in ("level", "message", "source")}
    if event.type == JobEventType.PROGRESS:
        return head | {
            "status": "running",
            "progress": data.get("progress", 0),
            "current_step": data.get("current_step", ""),
            "is_terminal": False,
        }
    to = data["to"]
    shown = head | {"status": to, **data, "is_terminal": to in TERMINAL}
    if to in TERMINAL:
        shown |= {"type": to, "result": job.result, "error": error_of(job)}
    return shown


def error_of(job: Job) -> dict[str, str] | None:
    """Return the job's error as the contract shows it, None without one."""
    return {"code": job.error_code, "message": job.error_message} if job.error_code else None


def events_after(job: Job, after: int, limit: int = PAGE) -> list[JobEvent]:
    """Return up to `limit` events whose number is above `after`, in order."""
    return list(job.events.filter(seq__gt=after).order_by("seq")[:limit])


def summary(job: Job) -> Message:
    """Return the short form that the list of jobs follows."""
    return {
        "type": "job",
        "job_id": job.pk,
        "project": job.project_id,
        "job_type": job.job_type,
        "status": job.status,
        "attempt": job.attempt,
        "is_terminal": job.is_terminal,
        "error": error_of(job),
    }


def announce(job: Job, events: Sequence[JobEvent]) -> None:
    """Publish committed events: to the job's group whole, to the project's group what a list shows."""
    messages = [message(event, job) for event in events]
    body = to_json(messages)
    hint = {
        "type": "job.events",
        "last_seq": events[-1].seq,
        "events": body.decode() if len(body) <= MAX_PAYLOAD_BYTES else None,
    }
    sent = [(job_group(job.pk), hint)]
    short = summary(job)
    if messages[-1]["type"] == JobEventType.PROGRESS:
        short |= {key: messages[-1][key] for key in ("progress", "current_step")}
    if any(shown["type"] != JobEventType.LOG for shown in messages):
        sent.append(_in_list(job, short))
    realtime.group_send_many(sent)


def _announce_new(jobs: Sequence[Job]) -> None:
    """Publish jobs that were just committed to those who follow lists: nobody could follow the jobs themselves."""
    realtime.group_send_many([_in_list(job, summary(job)) for job in jobs])


def _in_list(job: Job, short: Message) -> tuple[str, Message]:
    return project_group(job.project_id), {"type": "job.summary", "summary": to_json(short).decode()}


def to_json(data: Any) -> bytes:
    """Return JSON with times as the contract shows them; without DRF, which a worker need not load."""
    return orjson.dumps(data, option=JSON)
