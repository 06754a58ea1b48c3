"""What a benchmark does inside a process of the platform: `python -m bench.inside STEP ARGUMENTS` prints JSON.

Runs with Django, on the environment of the platform that is measured.
"""

from __future__ import annotations

import json
import sys
import time
import uuid
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, cast

import django

HAND = "bench-by-hand"  # a queue from which nobody takes


def flow(project: int, count: int) -> dict[str, list[float]]:
    """Make jobs by the product's own flow, without HTTP; return the milliseconds of each."""
    from commandcenter.inventory.models import Project
    from jobs.creation import create_job
    from jobs.models import OriginKind

    owner = Project.objects.get(pk=project)
    taken = []
    for _ in range(count):
        begun = time.perf_counter()
        create_job(project=owner, job_type="import", parameters={}, origin_kind=OriginKind.COMMAND)
        taken.append((time.perf_counter() - begun) * 1000)
    return {"ms": taken}


def by_hand(job: int, count: int) -> dict[str, list[float]]:
    """Write the same rows as a job has after its creation, in one transaction, and send one message; milliseconds each.

    SQL over the platform's kind of connection, and a message that a Celery worker would understand.
    """
    import redis
    from celery import current_app
    from django.conf import settings
    from django.db import connection
    from psycopg import sql

    connection.ensure_connection()
    raw = cast("Any", connection.connection)
    template = _rows_of(job)
    broker = current_app.connection_for_write()
    cursor = raw.cursor()
    statements = [
        (
            sql.SQL("INSERT INTO {} ({}) VALUES ({}) RETURNING {}")
            .format(
                sql.Identifier(table),
                sql.SQL(", ").join(map(sql.Identifier, row)),
                sql.SQL(", ").join(sql.Placeholder(name) for name in row),
                sql.Identifier(given),
            )
            .as_string(raw),
            row,
        )
        for table, given, row in template
    ]
    taken = []
    raw.autocommit = False
    for _ in range(count):
        begun = time.perf_counter()
        ids: dict[str, Any] = {"job_id": None, "event_id": None}
        for statement, row in statements:
            values = row | {name: ids[name] for name in ids if name in row}
            if "uid" in row:
                values["uid"] = uuid.uuid4()
            (made,) = cursor.execute(statement, values).fetchone()
            if "queue" in row:
                ids["job_id"] = made
            elif "uid" in row:
                ids["event_id"] = made
        raw.commit()
        name = str(uuid.uuid4())
        current_app.send_task(
            "bench.by_hand", args=[job, name], task_id=name, queue=HAND, ignore_result=True, connection=broker
        )
        taken.append((time.perf_counter() - begun) * 1000)
    raw.autocommit = True
    broker.release()
    redis.Redis.from_url(settings.BROKER_URL).delete(HAND)
    return {"ms": taken}


def _rows_of(job: int) -> list[tuple[str, str, dict[str, Any]]]:
    """Return (table, its key, columns) of each row that creating this job wrote."""
    from django.db import connection
    from psycopg.types.json import Jsonb

    found = []
    for table, key, condition in (
        ("jobs_job", "id", "id = %s"),
        ("jobs_jobrun", "job_id", "job_id = %s"),
        ("jobs_jobevent", "id", "job_id = %s AND seq <= 2 ORDER BY seq"),
        # The first: those that this function wrote before are of the same job.
        (
            "events_event",
            "id",
            "subject_kind = 'job' AND subject_id = %s AND type = 'job.queued' ORDER BY id LIMIT 1",
        ),
    ):
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT * FROM {table} WHERE {condition}", [job])
            names = [column.name for column in cursor.description]
            for row in cursor.fetchall():
                values = dict(zip(names, row, strict=True))
                if key == "id":
                    del values["id"]
                for name, value in values.items():
                    if isinstance(value, str) and name in {
                        "parameters",
                        "result",
                        "tags",
                        "data",
                        "before",
                        "after",
                    }:
                        values[name] = Jsonb(json.loads(value))
                    elif isinstance(value, dict | list):
                        values[name] = Jsonb(value)
                found.append((table, key, values))
    later = datetime.now(UTC) + timedelta(days=1)  # the relay is to leave these alone
    found.append(
        (
            "events_outbox",
            "event_id",
            {"event_id": None, "attempts": 0, "not_before": later, "last_error": ""},
        )
    )
    return found


def news(job: int, count: int, pause: float) -> dict[str, dict[int, int]]:
    """Append log lines to a running job; return the nanoseconds of each one's commit, by its number."""
    from django.db import transaction

    from jobs.history import Entry, append
    from jobs.models import Job, JobEventType

    running = Job.objects.select_related("run").get(pk=job)
    stamps: dict[int, int] = {}
    for number in range(count):
        data = {"level": "info", "message": f"line {number}", "source": "bench"}
        at: list[int] = []
        with transaction.atomic():
            # Called right after the commit, before what append() itself does then: publishing.
            transaction.on_commit(partial(_stamp, at))
            (event,) = append(running, [Entry(JobEventType.LOG, data)])
        stamps[event.seq] = at[0]
        time.sleep(pause)
    return {"committed": stamps}


def _stamp(at: list[int]) -> None:
    at.append(time.time_ns())


def raw(count: int, pause: float) -> dict[str, dict[int, int]]:
    """Publish on the channel server as plainly as can be; return the nanoseconds before each PUBLISH."""
    import redis
    from django.conf import settings

    client = redis.Redis.from_url(settings.CHANNEL_URL)
    stamps = {}
    for number in range(count):
        stamps[number] = time.time_ns()
        client.publish("bench-raw", str(number))
        time.sleep(pause)
    return {"committed": stamps}


def begin(project: int) -> dict[str, int]:
    """Make a job that counts as running for an hour although nobody runs it."""
    from commandcenter.inventory.models import Project
    from jobs.creation import create_job
    from jobs.models import JobRun, OriginKind
    from jobs.running.lease import claim

    owner = Project.objects.get(pk=project)
    job = create_job(project=owner, job_type="import", parameters={}, origin_kind=OriginKind.COMMAND)
    assert job.dispatch_id
    if claim(job.pk, job.dispatch_id, worker="bench") is None:
        raise SystemExit("The job could not be claimed.")
    hour = datetime.now(UTC) + timedelta(hours=1)
    JobRun.objects.filter(job=job.pk).update(lease_expires_at=hour, deadline_at=hour)
    return {"job": job.pk}


def fill(project: int, count: int) -> dict[str, int]:
    """Make empty jobs and return the id of the first."""
    from commandcenter.inventory.models import Project
    from jobs.creation import create_job
    from jobs.models import OriginKind

    owner = Project.objects.get(pk=project)
    ids = [
        create_job(project=owner, job_type="import", parameters={}, origin_kind=OriginKind.COMMAND).pk
        for _ in range(count)
    ]
    return {"first": ids[0]}


def push_bare(count: int, lasting: int) -> dict[str, int]:
    """Queue bare tasks, which share a connection (`lasting`) or open one each."""
    from bench.tasks import bare

    for number in range(count):
        bare.apply_async((number, bool(lasting)), queue="bench-bare")
    return {"pushed": count}


STEPS = {
    "fill": fill,
    "push_bare": push_bare,
    "flow": flow,
    "by_hand": by_hand,
    "news": news,
    "raw": raw,
    "begin": begin,
}

if __name__ == "__main__":
    django.setup()
    arguments = [float(word) if "." in word else int(word) for word in sys.argv[2:]]
    print(json.dumps(STEPS[sys.argv[1]](*arguments)))  # type: ignore[operator]
