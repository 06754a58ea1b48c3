"""The floor of a tick: the same rows and messages, written by a bare loop."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from typing import Any

QUEUE = "bench"
_CLAIM = """
    SELECT id, next_run_at::text FROM schedules_schedule WHERE enabled AND next_run_at <= clock_timestamp()
    ORDER BY next_run_at, id LIMIT %s FOR NO KEY UPDATE SKIP LOCKED
"""
_MOVE = """
    UPDATE schedules_schedule SET counted_from = next_run_at, last_run_at = clock_timestamp(),
        next_scheduled_for = next_run_at + interval '1 h', next_run_at = next_run_at + interval '1 h'
    WHERE id = ANY(%s)
"""
_OF_RUN = {
    "schedules_firing": "SELECT to_jsonb(t)::text FROM schedules_firing t LIMIT 1",
    "jobs_job": "SELECT to_jsonb(t)::text FROM jobs_job t LIMIT 1",
    "jobs_jobrun": "SELECT to_jsonb(t)::text FROM jobs_jobrun t LIMIT 1",
    "jobs_jobevent": "SELECT to_jsonb(t)::text FROM jobs_jobevent t ORDER BY id",
    "events_event": "SELECT to_jsonb(t)::text FROM events_event t WHERE type <> 'schedule.missed' ORDER BY id",
    "events_outbox": "SELECT to_jsonb(t)::text FROM events_outbox t LIMIT 1",
}


@dataclass(frozen=True, slots=True)
class Template:
    """The rows that one run left, by table, and its message."""

    rows: dict[str, list[dict[str, Any]]]
    message: bytes

    @classmethod
    def read(cls, raw: Any, client: Any) -> Template:
        """Take them from the database and the broker, where one run was."""
        rows = {table: [json.loads(row) for (row,) in raw.execute(sql)] for table, sql in _OF_RUN.items()}
        for table in ("schedules_firing", "jobs_job", "jobs_jobevent", "events_event"):
            for row in rows[table]:
                row.pop("id")
        return cls(rows, client.lindex(QUEUE, 0))


def take(raw: Any, client: Any, template: Template, batch: int) -> int:
    """Do one batch; return how many were due."""
    due = raw.execute(_CLAIM, [batch]).fetchall()
    if not due:
        raw.commit()
        return 0
    rows = template.rows
    (job,) = rows["jobs_job"]
    jobs = _insert(
        raw, "jobs_job", [job | {"dispatch_id": str(uuid.uuid4()), "origin_id": pk} for pk, _ in due]
    )
    (firing,) = rows["schedules_firing"]
    _insert(
        raw,
        "schedules_firing",
        [
            firing | {"schedule_id": pk, "scheduled_for": at, "due_at": at, "job_id": job_id}
            for (pk, at), job_id in zip(due, jobs, strict=True)
        ],
    )
    _insert(raw, "jobs_jobrun", [rows["jobs_jobrun"][0] | {"job_id": job_id} for job_id in jobs], "job_id")
    _insert(
        raw, "jobs_jobevent", [each | {"job_id": job_id} for job_id in jobs for each in rows["jobs_jobevent"]]
    )
    told = [
        each | {"uid": str(uuid.uuid4()), "subject_id": job_id}
        for job_id in jobs
        for each in rows["events_event"]
    ]
    events = _insert(raw, "events_event", told)
    (outbox,) = rows["events_outbox"]
    _insert(raw, "events_outbox", [outbox | {"event_id": event} for event in events], "event_id")
    raw.execute(_MOVE, [[pk for pk, _ in due]])
    raw.commit()
    with client.pipeline(transaction=False) as pipeline:
        for _ in jobs:
            pipeline.lpush(QUEUE, template.message)
        pipeline.execute()
    return len(due)


def _insert(raw: Any, table: str, rows: list[dict[str, Any]], key: str = "id") -> list[int]:
    columns = ", ".join(rows[0])
    found = raw.execute(
        f"INSERT INTO {table} ({columns}) SELECT {columns} "
        f"FROM jsonb_populate_recordset(NULL::{table}, %s::jsonb) RETURNING {key}",
        [json.dumps(rows)],
    )
    return [pk for (pk,) in found.fetchall()]
