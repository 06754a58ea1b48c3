"""What a benchmark of schedules does inside a process: `python -m bench.ticking STEP ARGUMENTS` prints JSON.

A step that begins with the others of its kind says so and waits for a line.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

# Only development installs it, and structlog takes it up where it is: 10 MB that a tick of the platform does not have.
sys.modules["rich"] = None  # type: ignore[assignment]

import django  # noqa: E402

_COPY = """
    INSERT INTO schedules_schedule ({columns}) SELECT {values}
    FROM schedules_schedule, generate_series(2, %s) AS number WHERE name = 'Schedule 1'
"""
_DUE = """
    UPDATE schedules_schedule SET starts_at = moment, counted_from = moment - interval '1 s', next_scheduled_for = moment,
        next_run_at = moment
    FROM (SELECT clock_timestamp() - interval '1 s' AS moment) AS one
    WHERE id IN (SELECT id FROM schedules_schedule ORDER BY id LIMIT %s)
"""


def fill(count: int) -> dict[str, int]:
    """Make so many schedules, none of which is due today: copies of one that was made through the real path."""
    from django.db import connection

    from commandcenter.inventory.models import Project
    from schedules.keeping import create_schedule
    from schedules.models import Schedule

    tomorrow = datetime.now(UTC) + timedelta(days=1)
    project = Project.objects.create(name="Bench", slug="bench")
    times = {"frequency": "interval", "interval_seconds": 3600, "starts_at": tomorrow}
    work = {"job_type": "import", "parameters": {}}
    create_schedule(project=project, values={"name": "Schedule 1", **times, **work}, by=None)
    columns = [str(field.column) for field in Schedule._meta.concrete_fields if field.column != "id"]
    values = ["'Schedule ' || number" if column == "name" else column for column in columns]
    with connection.cursor() as cursor:
        cursor.execute(_COPY.format(columns=", ".join(columns), values=", ".join(values)), [count])
        cursor.execute("VACUUM ANALYZE schedules_schedule")
    return {"schedules": Schedule.objects.count()}


def make_due(count: int) -> dict[str, int]:
    """Let the first so many be due, and forget what ran before."""
    import redis
    from django.conf import settings
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE schedules_firing, jobs_job, events_event CASCADE")
        cursor.execute(
            "UPDATE schedules_schedule SET next_run_at = now() + interval '1 day' WHERE next_run_at < now()"
        )
        cursor.execute(_DUE, [count])
        cursor.execute("VACUUM ANALYZE schedules_schedule")
        cursor.execute("CHECKPOINT")
    with redis.Redis.from_url(settings.BROKER_URL) as client:
        client.delete("bench")
    return {"due": count}


def count() -> dict[str, int]:
    """Return how many runs and jobs there are, of how many schedules, and how many messages."""
    import redis
    from django.conf import settings
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*), count(DISTINCT schedule_id), count(DISTINCT job_id) FROM schedules_firing"
        )
        runs, schedules, started = cursor.fetchone()
        cursor.execute("SELECT count(*), count(DISTINCT origin_id) FROM jobs_job")
        jobs, origins = cursor.fetchone()
    with redis.Redis.from_url(settings.BROKER_URL) as client:
        messages = int(client.llen("bench"))
    return {
        "runs": runs, "schedules": schedules, "started": started, "jobs": jobs, "origins": origins, "messages": messages,
    }  # fmt: skip


def idle(count: int) -> dict[str, list[float]]:
    """Tick where nothing is due; return the milliseconds of each."""
    from schedules.ticking.tick import tick

    taken = []
    for _ in range(count):
        begun = time.perf_counter()
        if tick().claimed:
            raise SystemExit("Something was due.")
        taken.append((time.perf_counter() - begun) * 1000)
    return {"ms": taken[5:]}


def drain(batch: int) -> dict[str, float]:
    """Tick until nothing is due, with the others; return how many this process took, and the most memory it had."""
    from schedules.ticking.tick import tick

    tick()
    _together()
    begun = time.perf_counter()
    claimed = 0
    while done := tick(seconds=4.0, batch=batch).claimed:
        claimed += done
    return {"claimed": claimed, "seconds": time.perf_counter() - begun, "mb": _most_memory()}


def compute(count: int) -> dict[str, float]:
    """Compute next runs of all kinds of times from moments of a year; return the milliseconds of one, by kind."""
    from datetime import time as clock

    from schedules.timing.model import Frequency, Timing
    from schedules.timing.occurrences import next_after

    two = clock(2, 30)
    kinds = {
        "interval": Timing(Frequency.INTERVAL, interval_seconds=600),
        "hourly": Timing(Frequency.HOURLY, "Asia/Kathmandu", time=clock(0, 15)),
        "daily": Timing(Frequency.DAILY, "Europe/Berlin", time=two),
        "weekly": Timing(Frequency.WEEKLY, "America/New_York", time=two, weekday=7),
        "monthly": Timing(Frequency.MONTHLY, "Australia/Lord_Howe", time=two, month_day=0),
        "cron": Timing(Frequency.CRON, "America/Sao_Paulo", cron="*/15 8-18 * * MON-FRI"),
        "rare cron": Timing(Frequency.CRON, "Europe/London", cron="0 6 LW */2 *"),
        "window": Timing(Frequency.INTERVAL, "Europe/Paris", interval_seconds=900, window_start=two, window_end=clock(4)),
    }  # fmt: skip
    moments = [datetime(2027, 1, 1, tzinfo=UTC) + timedelta(hours=8760 * n // count) for n in range(count)]
    taken = {}
    for name, timing in kinds.items():
        begun = time.perf_counter()
        for moment in moments:
            next_after(timing, moment)
        taken[name] = (time.perf_counter() - begun) * 1000 / count
    return taken | {"mixed": statistics.mean(taken.values())}


def by_hand(batch: int) -> dict[str, float]:
    """Do what `drain` does as barely as can be: claim, insert the rows of a run that was there, move on, push messages.

    Nothing is decided or computed. Rows travel as one JSON text a table, the quickest way that was found.
    """
    import redis
    from django.conf import settings
    from django.db import connection

    from bench.ticking_by_hand import Template, take

    client = redis.Redis.from_url(settings.BROKER_URL)
    connection.ensure_connection()
    raw: Any = connection.connection
    raw.autocommit = False
    template = Template.read(raw, client)
    raw.commit()
    _together()
    begun = time.perf_counter()
    claimed = 0
    while done := take(raw, client, template, batch):
        claimed += done
    return {"claimed": claimed, "seconds": time.perf_counter() - begun, "mb": _most_memory()}


def _together() -> None:
    print("ready", flush=True)
    sys.stdin.readline()


def _most_memory() -> float:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1000
    raise SystemExit("This system does not say how much memory a process had.")


STEPS = {
    "fill": fill,
    "make_due": make_due,
    "count": count,
    "idle": idle,
    "drain": drain,
    "compute": compute,
    "by_hand": by_hand,
}

if __name__ == "__main__":
    django.setup()
    print(json.dumps(STEPS[sys.argv[1]](*map(int, sys.argv[2:]))))  # type: ignore[operator]
