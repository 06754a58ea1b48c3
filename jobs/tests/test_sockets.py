"""Sockets: the snapshot, what came after, what comes next, without a gap or a duplicate; and who may not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, cast

import orjson
import pytest
from asgiref.testing import ApplicationCommunicator
from channels.db import database_sync_to_async
from channels.layers import get_channel_layer
from channels.routing import URLRouter
from pytest_django import Settings

from commandcenter.accounts.models import User
from commandcenter.accounts.sockets import SocketAuthentication
from commandcenter.accounts.tokens import create_token
from commandcenter.core import realtime
from commandcenter.inventory.models import Membership, Project
from jobs import history
from jobs.cancellation import cancel
from jobs.dispatch import dispatch
from jobs.history import Entry, append
from jobs.live import sockets
from jobs.live.routing import websocket_urlpatterns
from jobs.models import Job, JobEventType, JobStatus
from jobs.state import transition
from jobs.tests.conftest import COMMITTED
from jobs.tests.factories import make_job, make_project, make_user

pytestmark = COMMITTED

application = SocketAuthentication(URLRouter(websocket_urlpatterns))


class Client:
    """A WebSocket client that speaks JSON. (Channels' own needs a server that we do not install.)"""

    def __init__(self, path: str, headers: list[tuple[bytes, bytes]]) -> None:
        path, _, query = path.partition("?")
        scope = {
            "type": "websocket",
            "path": path,
            "query_string": query.encode(),
            "headers": headers,
            "subprotocols": [],
        }
        self.application: Any = cast("Any", ApplicationCommunicator)(application, scope)

    async def receive(self) -> dict[str, Any]:
        """Return the next message."""
        output = await self.application.receive_output(timeout=10)
        assert output["type"] == "websocket.send", output
        message: dict[str, Any] = orjson.loads(output["text"])
        return message

    async def closed(self) -> int:
        """Return the close code, which must come next."""
        messages, code = await self.until_closed()
        assert messages == []
        return code

    async def until_closed(self) -> tuple[list[dict[str, Any]], int]:
        """Return all messages up to the close, and its code."""
        messages: list[dict[str, Any]] = []
        while True:
            output = await self.application.receive_output(timeout=15)
            if output["type"] == "websocket.close":
                return messages, output["code"]
            messages.append(orjson.loads(output["text"]))


@asynccontextmanager
async def connect(path: str, token: str | None) -> AsyncIterator[Client]:
    """Open a socket with a token and close it in the end."""
    client = Client(path, [(b"authorization", f"Bearer {token}".encode())] if token else [])
    await client.application.send_input({"type": "websocket.connect"})
    assert (await client.application.receive_output(timeout=10))["type"] == "websocket.accept"
    try:
        yield client
    finally:
        await client.application.send_input({"type": "websocket.disconnect", "code": 1000})
        await client.application.wait(timeout=10)


@pytest.fixture
def member() -> User:
    """Return someone who may see the project."""
    return make_user()


@pytest.fixture
def project(member: User) -> Project:
    """Return the project of the tests."""
    return make_project(viewer=member)


@pytest.fixture
def token(member: User) -> str:
    """Return the member's token."""
    return create_token(member, "socket", "read")[1]


def log(job: Job, *messages: str) -> None:
    """Append log lines to the job."""
    append(
        job, [Entry(JobEventType.LOG, {"level": "info", "message": text, "source": "t"}) for text in messages]
    )


def start(job: Job) -> None:
    """Move a queued job to running."""
    assert transition(job.pk, JobStatus.RUNNING, sources={JobStatus.QUEUED}, reason="test")


def complete(job: Job, result: dict[str, Any] | None = None) -> None:
    """Move a running job to completed."""
    values = {"result": result or {}}
    assert transition(
        job.pk, JobStatus.COMPLETED, sources={JobStatus.RUNNING}, reason="completed", job_values=values
    )


later = database_sync_to_async


async def test_a_job_is_followed_to_its_end_and_the_socket_closes(project: Project, token: str) -> None:
    job = await later(make_job)(project)
    async with connect(f"/ws/jobs/{job.pk}", token) as client:
        connected = await client.receive()
        assert connected == {
            "type": "connected",
            "job_id": job.pk,
            "seq": 2,
            "status": "queued",
            "progress": 0,
            "current_step": "",
            "is_terminal": False,
        }
        await later(start)(job)
        state = await client.receive()
        assert (state["type"], state["seq"], state["from"], state["to"]) == ("state", 3, "queued", "running")
        await later(append)(job, [Entry(JobEventType.PROGRESS, {"progress": 45, "current_step": "reading"})])
        progress = await client.receive()
        del progress["at"]
        assert progress == {
            "type": "progress",
            "job_id": job.pk,
            "seq": 4,
            "status": "running",
            "progress": 45,
            "current_step": "reading",
            "is_terminal": False,
        }
        await later(log)(job, "hello")
        line = await client.receive()
        assert (line["type"], line["level"], line["message"], line["source"]) == ("log", "info", "hello", "t")
        await later(complete)(job, {"n": 1})
        last = await client.receive()
        assert (last["type"], last["seq"], last["status"], last["result"], last["error"]) == (
            "completed",
            6,
            "completed",
            {"n": 1},
            None,
        )
        assert await client.closed() == 1000


@pytest.mark.parametrize("after", [0, 1, 3])
async def test_after_a_reconnection_everything_since_comes_once(
    project: Project, token: str, after: int
) -> None:
    job = await later(make_job)(project)
    await later(start)(job)
    await later(log)(job, "a", "b")
    async with connect(f"/ws/jobs/{job.pk}?after={after}", token) as client:
        assert (await client.receive())["seq"] == 5
        await later(log)(job, "c")
        await later(complete)(job)
        messages, code = await client.until_closed()
    assert [message["seq"] for message in messages] == list(range(after + 1, 8))
    assert (messages[-1]["type"], code) == ("completed", 1000)


async def test_what_happens_during_the_replay_comes_once_and_in_order(project: Project, token: str) -> None:
    """Writers append all the time while clients connect at any moment."""
    job = await later(make_job)(project)
    await later(start)(job)
    total = 60

    def write() -> None:
        for number in range(total):
            log(job, str(number))
        complete(job)

    async def follow(delay: float) -> list[int]:
        await asyncio.sleep(delay)  # the moment of connecting is the thing under test
        async with connect(f"/ws/jobs/{job.pk}?after=0", token) as client:
            assert (await client.receive())["type"] == "connected"
            messages, code = await client.until_closed()
            assert code == 1000
            return [message["seq"] for message in messages]

    writer = asyncio.create_task(later(write, thread_sensitive=False)())
    seen = await asyncio.gather(*(follow(number * 0.04) for number in range(5)))
    await writer
    assert seen == [list(range(1, total + 5))] * 5


async def test_a_lost_or_doubled_hint_leaves_no_gap(project: Project, token: str) -> None:
    job = await later(make_job)(project)
    await later(start)(job)
    async with connect(f"/ws/jobs/{job.pk}", token) as client:
        await client.receive()
        events = [Entry(JobEventType.LOG, {"level": "info", "message": "lost", "source": ""})]
        realtime._Outage.until = float("inf")
        try:
            await later(append)(job, events)
        finally:
            realtime._Outage.until = 0.0
        await later(log)(job, "next")
        assert [(await client.receive())["message"] for _ in range(2)] == ["lost", "next"]
        doubled = {"type": "job.events", "last_seq": 5, "events": None}
        await get_channel_layer().group_send(history.job_group(job.pk), doubled)
        await later(log)(job, "after")
        assert (await client.receive())["message"] == "after"


async def test_messages_too_large_for_a_hint_are_read_from_the_database(project: Project, token: str) -> None:
    job = await later(make_job)(project)
    await later(start)(job)
    async with connect(f"/ws/jobs/{job.pk}", token) as client:
        await client.receive()
        await later(log)(job, *["x" * 7000] * 20)
        seen = [(await client.receive())["seq"] for _ in range(20)]
    assert seen == list(range(4, 24))


async def test_a_socket_without_hints_looks_by_itself(
    project: Project, token: str, settings: Settings
) -> None:
    """The channel server may be away: then news is late and not lost."""
    settings.SOCKET_RECHECK_SECONDS = 0.2
    job = await later(make_job)(project)
    async with connect(f"/ws/jobs/{job.pk}", token) as client:
        await client.receive()
        realtime._Outage.until = float("inf")
        try:
            await later(start)(job)
            await later(complete)(job)
        finally:
            realtime._Outage.until = 0.0
        messages, code = await client.until_closed()
    assert [message["type"] for message in messages] == ["state", "completed"]
    assert code == 1000


@pytest.mark.parametrize(
    ("query", "types"), [("", ["failed"]), ("?after=3", ["failed"]), ("?after=4", []), ("?after=99", [])]
)
async def test_a_job_that_has_ended_says_so_and_closes(
    project: Project, token: str, query: str, types: list[str]
) -> None:
    job = await later(make_job)(project)
    await later(start)(job)
    values = {"error_code": "odd", "error_message": "It was odd."}
    await later(transition)(
        job.pk, JobStatus.FAILED, sources={JobStatus.RUNNING}, reason="odd", job_values=values
    )
    async with connect(f"/ws/jobs/{job.pk}{query}", token) as client:
        assert (await client.receive())["is_terminal"] is True
        messages, code = await client.until_closed()
    assert [message["type"] for message in messages] == types
    assert all(message["error"] == {"code": "odd", "message": "It was odd."} for message in messages)
    assert code == 1000


async def test_a_cancelled_job_ends_its_socket(project: Project, token: str) -> None:
    job = await later(make_job)(project)
    async with connect(f"/ws/jobs/{job.pk}", token) as client:
        await client.receive()
        await later(cancel)(job, None)
        messages, code = await client.until_closed()
    assert ([message["type"] for message in messages], code) == (["cancelled"], 1000)


@pytest.mark.parametrize(
    "path", ["/ws/jobs/{job}", "/ws/jobs?project={project}", "/ws/events?project={project}"]
)
async def test_strangers_are_told_that_there_is_nothing(project: Project, path: str) -> None:
    job = await later(make_job)(project)
    stranger = await later(make_user)()
    _, token = await later(create_token)(stranger, "socket", "read")
    async with connect(path.format(job=job.pk, project=project.pk), token) as client:
        assert await client.closed() == 4404


@pytest.mark.parametrize("path", ["/ws/jobs/1", "/ws/jobs?project=1", "/ws/events?project=1"])
async def test_nobody_gets_in_without_a_good_token(path: str) -> None:
    async with connect(path, "cc_" + "x" * 38) as client:
        assert await client.closed() == 4401


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/ws/jobs/{job}?after=x", 4400),
        ("/ws/jobs/{job}?after=-1", 4400),
        ("/ws/jobs/{job}?after=99999999999999999999", 4400),
        ("/ws/jobs/999999999999999999", 4404),
        ("/ws/jobs", 4400),
        ("/ws/jobs?project=x", 4400),
        ("/ws/events?project=99999999999999999999", 4400),
        ("/ws/nothing", 4404),
    ],
)
async def test_what_cannot_be_meant_is_closed_with_a_code(
    project: Project, token: str, path: str, code: int
) -> None:
    job = await later(make_job)(project)
    async with connect(path.format(job=job.pk), token) as client:
        assert await client.closed() == code


async def test_a_token_limited_to_other_projects_sees_nothing(project: Project, member: User) -> None:
    job = await later(make_job)(project)
    _, token = await later(create_token)(member, "other", "read", [project.pk + 1])
    async with connect(f"/ws/jobs/{job.pk}", token) as client:
        assert await client.closed() == 4404


@pytest.mark.parametrize(
    "path", ["/ws/jobs/{job}", "/ws/jobs?project={project}", "/ws/events?project={project}"]
)
async def test_a_socket_closes_when_the_permission_is_withdrawn(
    project: Project, member: User, token: str, settings: Settings, path: str
) -> None:
    settings.SOCKET_RECHECK_SECONDS = 0.2
    job = await later(make_job)(project)
    async with connect(path.format(job=job.pk, project=project.pk), token) as client:
        await client.receive()
        await later(Membership.objects.filter(user=member).delete)()
        assert await client.closed() == 4403


async def test_a_socket_closes_when_its_user_is_switched_off(
    project: Project, member: User, token: str, settings: Settings
) -> None:
    settings.SOCKET_RECHECK_SECONDS = 0.2
    job = await later(make_job)(project)
    async with connect(f"/ws/jobs/{job.pk}", token) as client:
        await client.receive()
        await later(User.objects.filter(pk=member.pk).update)(is_active=False)
        assert await client.closed() == 4403


async def test_a_project_is_followed_by_short_summaries(project: Project, token: str) -> None:
    other = await later(make_project)()
    async with connect(f"/ws/jobs?project={project.pk}", token) as client:
        assert await client.receive() == {"type": "connected", "project": project.pk}
        await later(make_job)(other)
        job = await later(make_job)(project, dispatch=False)
        await later(dispatch)(job)
        summaries = [await client.receive() for _ in range(2)]
    assert {summary["job_id"] for summary in summaries} == {job.pk}
    assert summaries[-1]["status"] == "queued"
    assert summaries[-1]["type"] == "job"


async def test_the_activity_of_a_project_is_followed(project: Project, token: str) -> None:
    async with connect(f"/ws/events?project={project.pk}", token) as client:
        assert await client.receive() == {"type": "connected", "project": project.pk}
        job = await later(make_job)(project)
        event = await client.receive()
    assert (event["type"], event["subject"]) == ("job.queued", {"kind": "job", "id": job.pk})


async def test_a_client_that_reads_nothing_is_dropped_and_costs_a_bounded_buffer(
    project: Project, token: str, monkeypatch: pytest.MonkeyPatch, member: User
) -> None:
    monkeypatch.setattr(sockets, "SEND_SECONDS", 0.3)
    job = await later(make_job)(project)
    stalled = asyncio.Event()
    codes: list[int] = []
    incoming: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    await incoming.put({"type": "websocket.connect"})

    async def send(message: dict[str, Any]) -> None:
        if message["type"] == "websocket.close":
            codes.append(message["code"])
        elif message["type"] == "websocket.send" and b'"log"' in message["text"].encode():
            stalled.set()
            await asyncio.Event().wait()

    scope = {
        "type": "websocket",
        "path": f"/ws/jobs/{job.pk}",
        "user": member,
        "token_projects": None,
        "query_string": b"",
    }
    serving = asyncio.create_task(URLRouter(websocket_urlpatterns)(scope, incoming.get, send))
    while not stalled.is_set() and not serving.done():
        await later(log)(job, "x")
        await asyncio.sleep(0.01)
    await asyncio.wait_for(serving, 10)
    assert codes == [4408]


async def test_closed_sockets_leave_no_subscription_behind(project: Project, token: str) -> None:
    job = await later(make_job)(project)
    layer: Any = get_channel_layer()
    async with connect(f"/ws/jobs/{job.pk}", token) as client:
        await client.receive()
        inner = layer._get_layer()
        assert inner.groups
    await eventually_async(lambda: not inner.groups and not inner.channels)


async def eventually_async(condition: Callable[[], bool]) -> None:
    """Wait until a condition holds."""
    for _ in range(500):
        if condition():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("not within 5 s")


async def test_nobody_waits_for_the_client_any_more_when_the_close_is_sent(
    project: Project, token: str
) -> None:
    """Granian holds a close back while the application waits for the client's next message."""
    job = await later(make_job)(project)
    await later(start)(job)
    await later(complete)(job)
    opening = [{"type": "websocket.connect"}]
    waiting: list[bool] = []
    closes: list[tuple[int, list[bool]]] = []

    async def receive() -> dict[str, Any]:
        if opening:
            return opening.pop()
        waiting.append(True)
        try:
            return await asyncio.Future[dict[str, Any]]()
        finally:
            waiting.pop()

    async def send(message: dict[str, Any]) -> None:
        if message["type"] == "websocket.close":
            closes.append((message["code"], list(waiting)))

    scope = {
        "type": "websocket",
        "path": f"/ws/jobs/{job.pk}",
        "query_string": b"",
        "headers": [(b"authorization", f"Bearer {token}".encode())],
        "subprotocols": [],
    }
    await asyncio.wait_for(application(scope, receive, send), 10)
    assert closes == [(1000, [])]


async def test_a_socket_ends_with_its_session(
    project: Project, member: User, client: Any, settings: Settings
) -> None:
    settings.SOCKET_RECHECK_SECONDS = 0.2
    await later(client.force_login)(member)
    session = client.cookies["sessionid"].value
    socket = Client(f"/ws/jobs?project={project.pk}", [])
    socket.application.scope["headers"] = [
        (b"host", b"localhost"),
        (b"origin", b"http://localhost"),
        (b"cookie", f"sessionid={session}".encode()),
    ]
    await socket.application.send_input({"type": "websocket.connect"})
    assert (await socket.application.receive_output(timeout=10))["type"] == "websocket.accept"
    assert (await socket.receive())["type"] == "connected"
    await later(client.logout)()
    assert await socket.closed() == 4403
    await socket.application.wait(timeout=10)
