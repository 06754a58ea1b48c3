"""WebSockets of the real web server: one that reads nothing, one that comes again and again, five hundred at once."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest
from django.db import connection
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from commandcenter.accounts.tokens import create_token
from commandcenter.inventory.models import Project
from jobs.history import Entry, append
from jobs.models import Job, JobEventType
from jobs.tests.factories import make_job, make_project, make_user
from tests.faults.rows import fresh, holder
from tests.faults.sound import assert_sound
from tests.faults.stage import Stage

pytestmark = pytest.mark.process
SOCKETS = 500
MEGABYTE = 1024 * 1024


@pytest.fixture
def web(stage: Stage) -> Iterator[str]:
    """Start the web server and return the address of its sockets."""
    stage.start("web")

    def listens() -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", stage.port)) == 0

    stage.until(listens, "the web server")
    yield f"ws://127.0.0.1:{stage.port}"
    stage.drop("web")


@pytest.fixture
def watched(stage: Stage) -> tuple[Project, str]:
    """Return a project and the token of someone who may see it."""
    viewer = make_user()
    return make_project(viewer=viewer), create_token(viewer, "sockets", "read")[1]


def resident(stage: Stage) -> int:
    """Return the memory of the web server's processes, in bytes."""
    pids = [stage.leader("web"), *stage.pool("web")]
    return sum(psutil.Process(pid).memory_info().rss for pid in pids)


def open_socket(url: str, token: str, **more: Any) -> connect:
    """Return a connection to be awaited or entered."""
    headers = {"Authorization": f"Bearer {token}"}
    return connect(url, additional_headers=headers, open_timeout=60, proxy=None, **more)


async def to_the_end(client: ClientConnection) -> list[dict[str, Any]]:
    """Return all messages up to the close."""
    messages: list[dict[str, Any]] = []
    with suppress(ConnectionClosed):
        while True:
            messages.append(json.loads(await client.recv()))
    return messages


def write_lines(job: Job, count: int, size: int) -> None:
    """Add log lines to a job's history as a busy job does, a hundred in a transaction."""
    line = {"level": "info", "message": "x" * size, "source": "test"}
    for _ in range(count // 100):
        append(fresh(job), [Entry(JobEventType.LOG, line)] * 100)


def test_500_sockets_all_get_the_end_and_memory_stays_bounded(
    stage: Stage, web: str, watched: tuple[Project, str], tmp_path: Path
) -> None:
    project, token = watched
    gate = tmp_path / "gate"
    job = make_job(project, {"gate_file": str(gate)}, {"hash": 1})
    holder(stage, gate)
    before = resident(stage)

    async def follow(limit: asyncio.Semaphore, opened: list[int]) -> list[dict[str, Any]]:
        async with limit:
            client = await open_socket(f"{web}/ws/jobs/{job.pk}?after=0", token)
        async with client:
            first = json.loads(await client.recv())
            opened.append(first["seq"])
            if len(opened) == SOCKETS:
                gate.touch()  # only now does the job go on to its end
            return [first, *await to_the_end(client)]

    async def all_of_them() -> list[list[dict[str, Any]]]:
        limit = asyncio.Semaphore(50)
        opened: list[int] = []
        return await asyncio.wait_for(asyncio.gather(*(follow(limit, opened) for _ in range(SOCKETS))), 100)

    received = asyncio.run(all_of_them())
    grown = resident(stage) - before
    assert_sound(stage)
    last = fresh(job).run.last_seq
    for messages in received:
        assert messages[0]["type"] == "connected"
        assert [message["seq"] for message in messages[1:]] == list(range(1, last + 1))
        assert messages[-1]["type"] == "completed"
    assert grown < 150 * MEGABYTE, f"{grown / MEGABYTE:.0f} MB for {SOCKETS} sockets"


def test_a_client_that_comes_again_and_again_sees_no_gap_and_nothing_twice(
    stage: Stage, web: str, watched: tuple[Project, str]
) -> None:
    """Its connection breaks after a few messages each time, and it asks for what came after its last number."""
    project, token = watched
    job = make_job(project, *({"hash": 1} for _ in range(30)), delay_seconds=3600)

    async def follow() -> tuple[list[int], int]:
        seen: list[int] = []
        connections = 0
        ended = False
        while not ended:
            connections += 1
            after = seen[-1] if seen else 0
            async with open_socket(f"{web}/ws/jobs/{job.pk}?after={after}", token) as client:
                await client.recv()  # connected
                if connections == 1:
                    await asyncio.to_thread(release, job)
                try:
                    for _ in range(connections % 7 + 1):
                        message = json.loads(await asyncio.wait_for(client.recv(), 30))
                        seen.append(message["seq"])
                        ended = message["type"] == "completed"
                        if ended:
                            break
                finally:
                    client.transport.abort()  # no close frame, no goodbye
        return seen, connections

    seen, connections = asyncio.run(follow())
    assert_sound(stage)
    assert connections > 5
    assert seen == list(range(1, fresh(job).run.last_seq + 1))


def release(job: Job) -> None:
    """Let a delayed job start now; the sweeper sends its message."""
    Job.objects.filter(pk=job.pk).update(not_before=None)
    connection.close()


def test_a_client_that_reads_nothing_costs_bounded_memory_and_holds_up_nobody(
    stage: Stage, web: str, watched: tuple[Project, str], tmp_path: Path
) -> None:
    """Twenty of them, and more than 100 MB that they should have taken; after 20 s they are cut off."""
    project, token = watched
    gate = tmp_path / "gate"
    job = make_job(project, {"gate_file": str(gate)})
    holder(stage, gate)
    stalled = [half_open(stage.port, f"/ws/jobs/{job.pk}?after=0", token) for _ in range(20)]
    before = resident(stage)
    try:

        async def reader() -> list[dict[str, Any]]:
            async with open_socket(f"{web}/ws/jobs/{job.pk}?after=0", token, max_queue=None) as client:
                await client.recv()
                following = asyncio.create_task(to_the_end(client))
                await asyncio.to_thread(write_and_close)
                return await asyncio.wait_for(following, 60)

        def write_and_close() -> None:
            write_lines(job, 1500, 4000)
            connection.close()
            gate.touch()

        begun = time.monotonic()
        messages = asyncio.run(reader())
        assert time.monotonic() - begun < 60
        grown = resident(stage) - before
        assert messages[-1]["type"] == "completed"
        assert [message["seq"] for message in messages] == list(range(1, fresh(job).run.last_seq + 1))
        assert grown < 50 * MEGABYTE, f"{grown / MEGABYTE:.0f} MB for 20 stalled clients"
        stage.until(lambda: not connections_of(stage, stalled), "the end of the stalled sockets", 40)
    finally:
        for one in stalled:
            one.close()
    assert_sound(stage)


def connections_of(stage: Stage, clients: list[socket.socket]) -> set[int]:
    """Return the ports of those clients that the web server still holds a connection to."""
    ports = {client.getsockname()[1] for client in clients}
    found = (psutil.Process(pid).net_connections("tcp") for pid in stage.pool("web"))
    return {
        one.raddr.port for each in found for one in each if one.raddr and one.status == "ESTABLISHED"
    } & ports


def half_open(port: int, path: str, token: str) -> socket.socket:
    """Open a socket by hand with the smallest receive buffer, read its handshake, and nothing more."""
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.settimeout(30)
    client.connect(("127.0.0.1", port))
    request = (
        f"GET {path} HTTP/1.1\r\nHost: localhost:{port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        f"Authorization: Bearer {token}\r\n\r\n"
    )
    client.sendall(request.encode())
    answer = client.recv(12)
    assert answer == b"HTTP/1.1 101", answer
    return client
