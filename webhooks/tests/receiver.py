"""A receiver of webhooks on the loopback address that does as it is told, however rude."""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

Manner = Callable[["Receiver", asyncio.StreamWriter], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Got:
    """One request."""

    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Receiver:
    """What it was sent, and how it answers: the next of `plan`, else what its path says, else 204."""

    url: str = ""
    got: list[Got] = field(default_factory=list)
    plan: deque[Manner] = field(default_factory=deque)
    of_path: dict[str, Manner] = field(default_factory=dict)
    connections: int = 0
    sent: int = 0  # bytes of endless answers
    at_once: int = 0  # requests that wait for their answer
    most_at_once: int = 0
    end: asyncio.Event = field(default_factory=asyncio.Event)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            while not writer.is_closing():
                await self._one(reader, writer)
        writer.close()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        pairs = (line.split(": ", 1) for line in head[1:] if line)
        headers = {name.lower(): value for name, value in pairs}
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        got = Got(head[0].split(" ")[1], headers, body)
        self.got.append(got)
        manner = self.plan.popleft() if self.plan else self.of_path.get(got.path, answers(204))
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            await manner(self, writer)
            await writer.drain()
        finally:
            self.at_once -= 1


def answers(status: int, body: bytes = b"", **headers: str) -> Manner:
    """Answer as one does."""
    lines = [f"HTTP/1.1 {status} Said"] + [f"{name.replace('_', '-')}: {v}" for name, v in headers.items()]
    if status != 204:
        lines.append(f"Content-Length: {len(body)}")

    async def manner(receiver: Receiver, writer: asyncio.StreamWriter) -> None:
        writer.write("\r\n".join([*lines, "", ""]).encode("latin-1") + body)

    return manner


def says(data: bytes) -> Manner:
    """Send these bytes and hang up."""

    async def manner(receiver: Receiver, writer: asyncio.StreamWriter) -> None:
        writer.write(data)
        await writer.drain()
        writer.close()

    return manner


async def keeps_silent(receiver: Receiver, writer: asyncio.StreamWriter) -> None:
    """Never answer."""
    await receiver.end.wait()


def late(data: bytes, seconds: float) -> Manner:
    """Send these bytes when that much time is over."""

    async def manner(receiver: Receiver, writer: asyncio.StreamWriter) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(receiver.end.wait(), seconds)
        writer.write(data)

    return manner


def drips(head: bytes, drop: bytes) -> Manner:
    """Begin an answer and go on with it for ever, a drop at a time."""

    async def manner(receiver: Receiver, writer: asyncio.StreamWriter) -> None:
        writer.write(head)
        while not receiver.end.is_set():
            writer.write(drop)
            await writer.drain()
            with suppress(TimeoutError):
                await asyncio.wait_for(receiver.end.wait(), 0.02)

    return manner


def pours(head: bytes, total: int, piece: bytes = bytes(64 << 10)) -> Manner:
    """Send as much as is taken of so many bytes."""

    async def manner(receiver: Receiver, writer: asyncio.StreamWriter) -> None:
        writer.write(head)
        while receiver.sent < total and not receiver.end.is_set():
            writer.write(piece)
            await writer.drain()
            receiver.sent += len(piece)

    return manner


@contextmanager
def receiving(tls: ssl.SSLContext | None = None) -> Iterator[Receiver]:
    """Serve in a thread of its own."""
    receiver, ready = Receiver(), threading.Event()
    loop = asyncio.new_event_loop()

    async def main() -> None:
        server = await asyncio.start_server(receiver.serve, "127.0.0.1", 0, ssl=tls, limit=1 << 20)
        receiver.url = f"http{'s' if tls else ''}://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        ready.set()
        await receiver.end.wait()
        server.close()
        running = asyncio.all_tasks() - {asyncio.current_task()}
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    thread = threading.Thread(target=loop.run_until_complete, args=(main(),), daemon=True)
    thread.start()
    assert ready.wait(10)
    try:
        yield receiver
    finally:
        loop.call_soon_threadsafe(receiver.end.set)
        thread.join(10)
        loop.close()
