"""From the commit of an event to its receipt by WebSocket clients, beside plain PUBLISH and SUBSCRIBE."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import orjson
import redis
from websockets.asyncio.client import connect

from bench.report import Figure, Report, median, p95

if TYPE_CHECKING:
    from bench.jobs import Platform

EVENTS = 200
PAUSE = 0.02  # seconds between events
CROWD = 100
CROWD_EVENTS = 60
CROWD_PAUSE = 0.25


def measure(report: Report, platform: Platform) -> None:
    """Add the latencies of one client and of a hundred."""
    from bench.jobs import outcome

    job = platform.answer("begin", platform.project)["job"]
    plain = _raw(platform)
    floor = f"PUBLISH/SUBSCRIBE on the same server: {median(plain):.2f} ms, p95 {p95(plain):.2f}"

    def heard(clients: int, events: int, pause: float) -> list[float]:
        async def run() -> list[float]:
            received = [{} for _ in range(clients)]  # type: list[dict[int, int]]
            ready = asyncio.Barrier(clients + 1)
            listening = [
                asyncio.create_task(_listen(platform, job, ready, events, into)) for into in received
            ]
            await ready.wait()
            writer = await asyncio.to_thread(platform.inside, "news", job, events, pause)
            committed = (await asyncio.to_thread(outcome, writer))["committed"]
            await asyncio.wait_for(asyncio.gather(*listening), 60)
            return [(into[int(seq)] - stamp) / 1e6 for seq, stamp in committed.items() for into in received]

        return asyncio.run(run())

    one = heard(1, EVENTS, PAUSE)
    report.add(Figure("commit of an event to a WebSocket client, p50", median(one), "ms", 5.0, floor))
    report.add(Figure("commit of an event to a WebSocket client, p95", p95(one), "ms", 25.0, floor))
    report.add(
        Figure("commit to client / PUBLISH to SUBSCRIBE, p50", median(one) / median(plain), "x", None, floor)
    )
    many = heard(CROWD, CROWD_EVENTS, CROWD_PAUSE)
    note = f"p50 {median(many):.1f} ms; the clients share one process"
    report.add(
        Figure(
            f"commit of an event to {CROWD} WebSocket clients, p95", p95(many), "ms", 100.0, floor, (), note
        )
    )


async def _listen(
    platform: Platform, job: int, ready: asyncio.Barrier, events: int, into: dict[int, int]
) -> None:
    client = platform.client
    url = f"ws://127.0.0.1:{client.port}/ws/jobs/{job}"
    headers = {"Authorization": f"Bearer {client.token}"}
    async with connect(url, additional_headers=headers, proxy=None, open_timeout=60) as socket:
        first = orjson.loads(await socket.recv())
        await ready.wait()
        while len(into) < events:
            message = orjson.loads(await asyncio.wait_for(socket.recv(), 60))
            if message["type"] == "log" and message["seq"] > first["seq"]:
                into[message["seq"]] = time.time_ns()


def _raw(platform: Platform) -> list[float]:
    """Return the milliseconds from PUBLISH in one process to receipt in this one."""
    from bench.jobs import outcome

    client = redis.Redis.from_url(platform.environ["CHANNEL_URL"])
    with client.pubsub(ignore_subscribe_messages=True) as listener:  # type: ignore[no-untyped-call]
        listener.subscribe("bench-raw")
        listener.get_message(timeout=5)
        writer = platform.inside("raw", EVENTS, PAUSE)
        received: dict[int, int] = {}
        until = time.monotonic() + 60
        while len(received) < EVENTS and time.monotonic() < until:
            message = listener.get_message(timeout=1)
            if message is not None:
                received[int(message["data"])] = time.time_ns()
        committed = outcome(writer)["committed"]
    client.close()
    return [(received[int(number)] - stamp) / 1e6 for number, stamp in committed.items()]
