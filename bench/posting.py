"""What the benchmark of webhooks does inside a process: `python -m bench.posting STEP ARGUMENTS` prints JSON."""

from __future__ import annotations

import asyncio
import json
import random
import sys
import time
import uuid
from pathlib import Path
from typing import Any

# Only development installs it, and structlog takes it up where it is: memory that a worker does not have.
sys.modules["rich"] = None  # type: ignore[assignment]

import django  # noqa: E402

from commandcenter import loading  # noqa: E402

TYPE = "repository.created"
DATA = {"repository": 1, "name": "repository-1", "source": "https://git.example.com/x"}
MOST_AT_ONCE = 400  # of the bare loop, as of a drain

_COPY = """
    INSERT INTO webhooks_endpoint ({columns}) SELECT {values} FROM webhooks_endpoint, generate_series(2, %s) AS number
    WHERE url LIKE '%%/ok/1'
"""
_MESSAGES = """
    INSERT INTO webhooks_message (event_id, uid, type, body, created_at)
    SELECT number, gen_random_uuid(), %s, %s, now() FROM generate_series(1, %s) AS number
"""
_DELIVERIES = """
    INSERT INTO webhooks_delivery (endpoint_id, message_id, type, status, attempts, scheduled_for, last_error, created_at)
    SELECT endpoint, number, %s, 'pending', 0, now() - interval '1 hour', '', now()
    FROM unnest(%s::bigint[]) AS endpoint, generate_series(1, %s) AS number ORDER BY number, endpoint
"""


def endpoints(count: int, port: int) -> dict[str, int]:
    """Make so many endpoints of one project: copies of one that was made through the real path."""
    from django.db import connection

    from commandcenter.inventory.models import Project
    from webhooks.keeping import create_endpoint
    from webhooks.models import Endpoint

    project = Project.objects.create(name="Bench", slug="bench")
    create_endpoint(
        project=project, values={"url": f"http://127.0.0.1:{port}/ok/1", "events": ["endpoint.*"]}, by=None
    )
    columns = [str(field.column) for field in Endpoint._meta.concrete_fields if field.column != "id"]
    values = [f"'http://127.0.0.1:{port}/ok/' || number" if name == "url" else name for name in columns]
    with connection.cursor() as cursor:
        cursor.execute(_COPY.format(columns=", ".join(columns), values=", ".join(values)), [count])
        cursor.execute("""
            INSERT INTO webhooks_endpointrun (endpoint_id, last_sequence, circuit_attempts, circuit_failures, circuit_probes)
            SELECT id, 0, 0, 0, 0 FROM webhooks_endpoint ON CONFLICT DO NOTHING
        """)
    return {"endpoints": Endpoint.objects.count()}


def listen(count: int, port: int) -> dict[str, int]:
    """Let a project have so many endpoints, of which one asks for the events of `emit`."""
    from commandcenter.inventory.models import Project
    from webhooks.keeping import create_endpoint

    project = Project.objects.create(name="Stream", slug="stream")
    for number in range(count):
        asks = [TYPE] if number == 0 else ["endpoint.*"]
        create_endpoint(
            project=project,
            values={"url": f"http://127.0.0.1:{port}/stream/{number}", "events": asks},
            by=None,
        )
    return {"project": project.pk}


def emit(project: int, count: int, least_ms: int, most_ms: int) -> dict[str, Any]:
    """Commit events one by one with random pauses; return when the commit of each was over, by its message's id."""
    from django.db import transaction

    from commandcenter.events.publish import publish

    committed: dict[str, float] = {}
    moments: list[float] = []
    for _ in range(count):
        with transaction.atomic():
            transaction.on_commit(lambda: moments.append(time.monotonic()))  # before the hints of the event
            event = publish(TYPE, project=project, subject=("repository", 1), data=DATA)
        committed[str(event.uid)] = moments[-1]
        time.sleep(random.uniform(least_ms, most_ms) / 1000)
    return {"committed": committed}


def due(count: int, of_the_first: int) -> dict[str, int]:
    """Forget what was sent; let so many messages be due at each endpoint but the first, and so many at that one."""
    from django.db import connection

    from webhooks.models import Endpoint

    first, *others = Endpoint.objects.order_by("pk").values_list("pk", flat=True)
    body = json.dumps({"type": TYPE, "timestamp": "2026-11-30T12:00:00.000Z", "data": DATA}).encode()
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE webhooks_attempt, webhooks_delivery, webhooks_message CASCADE")
        cursor.execute("""
            UPDATE webhooks_endpointrun SET not_before = NULL, failing_since = NULL, circuit_since = NULL, circuit_attempts = 0,
                circuit_failures = 0, circuit_opened_at = NULL, circuit_probes = 0, probe_at = NULL, served_at = NULL
        """)
        cursor.execute(_MESSAGES, [TYPE, body, max(count, of_the_first)])
        cursor.execute(_DELIVERIES, [TYPE, others, count])
        cursor.execute(_DELIVERIES, [TYPE, [first], of_the_first])
        cursor.execute("VACUUM ANALYZE webhooks_delivery")
        cursor.execute("CHECKPOINT")
    return {"due": count * len(others)}


def point(port: int, hangs: int) -> dict[str, int]:
    """Let the first endpoint hang, or refuse connections."""
    from webhooks.models import Endpoint

    first = Endpoint.objects.order_by("pk").values_list("pk", flat=True)[0]
    url = f"http://127.0.0.1:{port}/hang" if hangs else "http://127.0.0.1:9/refused"
    return {"changed": Endpoint.objects.filter(pk=first).update(url=url)}


def drain(count: int, most_seconds: int) -> dict[str, float]:
    """Send until so many deliveries succeeded and were written down; return how many did, the seconds and the memory."""
    from webhooks.sending.drain import Sender

    sender, done, begun = Sender(), 0, time.perf_counter()
    while done < count and time.perf_counter() - begun < most_seconds:
        done += sender.turn(0.25)[0].succeeded
    seconds = time.perf_counter() - begun
    sender.finish(0)
    return {"done": done, "seconds": seconds, "mb": _most_memory()}


def bare(count: int, port: int) -> dict[str, float]:
    """Sign and post as many of the same bodies as barely as aiohttp can, to as many addresses."""
    return {"seconds": asyncio.run(_posted(count, port))}


async def _posted(count: int, port: int) -> float:
    import aiohttp

    from commandcenter.core.signing import key_of, new_secret, signature

    key = key_of(new_secret())
    body = json.dumps({"type": TYPE, "timestamp": "2026-11-30T12:00:00.000Z", "data": DATA}).encode()
    numbers = iter(range(count))

    async def post(session: aiohttp.ClientSession) -> None:
        for number in numbers:
            uid, now = str(uuid.uuid4()), int(time.time())
            headers = {
                "Content-Type": "application/json",
                "webhook-id": uid,
                "webhook-timestamp": str(now),
                "webhook-signature": signature(key, uid, now, body),
            }
            url = f"http://127.0.0.1:{port}/ok/{number % MOST_AT_ONCE}"
            async with session.post(url, data=body, headers=headers) as answer:
                await answer.read()

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        begun = time.perf_counter()
        await asyncio.gather(*(post(session) for _ in range(MOST_AT_ONCE)))
        return time.perf_counter() - begun


def idle(count: int) -> dict[str, list[float]]:
    """Take turns where nothing is due; return the milliseconds of each."""
    from webhooks.sending.drain import Sender

    sender, taken = Sender(), []
    for _ in range(count):
        begun = time.perf_counter()
        sender.turn(10)
        taken.append((time.perf_counter() - begun) * 1000)
    return {"ms": taken[5:]}


def _most_memory() -> float:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1000
    raise SystemExit("This system does not say how much memory a process had.")


STEPS: dict[str, Any] = {
    "endpoints": endpoints,
    "listen": listen,
    "emit": emit,
    "due": due,
    "point": point,
    "drain": drain,
    "bare": bare,
    "idle": idle,
}

if __name__ == "__main__":
    django.setup()
    import aiohttp

    loading.end()  # as in a worker
    step, *arguments = sys.argv[1:]
    print(json.dumps(STEPS[step](*map(int, arguments))))
