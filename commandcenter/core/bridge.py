"""Hands the HTTP requests of an ASGI server to a WSGI application in fixed pools of threads.

An answer that is still being made when its client goes away, or takes it too slowly, ends there, so that its thread and
its database connection serve somebody else: the server itself only drops what is sent after that.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Iterable, Iterator
from contextvars import ContextVar
from threading import Event
from typing import Any

from a2wsgi import WSGIMiddleware

LISTEN_AFTER = 4  # messages: most answers are over by then, and cost nothing more
PATIENCE_SECONDS = 60.0  # for one piece of a request or an answer
LEAST_RATE = 8 * 1024  # bytes a second of the whole that have to pass when that is used up

_gone: ContextVar[Event] = ContextVar("gone")


class ClientTooSlow(OSError):
    """The client does not send its request, or does not take the answer."""


class ClientGone(OSError):
    """The client left in the middle of its request."""


class Bridge:
    """An ASGI application for the scope `http`. Requests for `long` paths have threads of their own, as many again."""

    def __init__(self, wsgi: Any, threads: int, long: re.Pattern[str]) -> None:
        def application(environ: Any, start_response: Any) -> Iterable[bytes]:
            return _UntilGone(wsgi(environ, start_response), _gone.get())

        self._short, self._long = (WSGIMiddleware(application, workers=threads) for _ in range(2))
        self._is_long = long.match

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer a request. Raises ClientTooSlow, so that the server breaks the connection."""
        gone = Event()
        client = _Client(receive, send, gone)
        _gone.set(gone)
        pool = self._long if self._is_long(scope["path"]) else self._short
        try:
            await pool(scope, client.receive, client.send)
        finally:
            client.stop_listening()
        if client.too_slow:
            raise ClientTooSlow("The client took its answer too slowly.")


class _Client:
    """Who asked: is waited for with patience, and listened to while an answer is long."""

    def __init__(self, receive: Any, send: Any, gone: Event) -> None:
        self.too_slow = False
        self._receive, self._send, self._gone = receive, send, gone
        self._asking, self._taking = _Pace(), _Pace()
        self._messages = 0
        self._listener: asyncio.Task[None] | None = None

    async def receive(self) -> Any:
        """Wait for a piece of the request. a2wsgi schedules this as a coroutine; granian's is another awaitable."""
        try:
            message = await self._asking.keep(self._receive())
        except TimeoutError:
            raise ClientTooSlow("The client sent its request too slowly.") from None
        if message["type"] == "http.disconnect":  # a2wsgi would take what came before for the whole body
            raise ClientGone("The client left before its request was whole.")
        return message

    async def send(self, message: Any) -> None:
        """Pass a message on. After one that was not taken none follows, also not the last: a part must not look whole."""
        if self._gone.is_set():
            return
        self._messages += 1
        if self._messages == LISTEN_AFTER:  # the request has been read, so that nobody else receives any more
            self._listener = asyncio.create_task(self._listen())
        try:
            await self._taking.keep(self._send(message), message)
        except TimeoutError:
            self.too_slow = True
            self._gone.set()

    def stop_listening(self) -> None:
        if self._listener is not None:
            self._listener.cancel()

    async def _listen(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self._gone.set()


class _Pace:
    """How long a client may keep us waiting: for each piece, and less once the whole goes too slowly."""

    def __init__(self) -> None:
        self._bytes = 0
        self._waited = 0.0

    async def keep(self, step: Awaitable[Any], message: Any = None) -> Any:
        """Wait for a message to come, or for the given one to be taken. Raises TimeoutError."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        left = PATIENCE_SECONDS + self._bytes / LEAST_RATE - self._waited
        async with asyncio.timeout(min(PATIENCE_SECONDS, left)):
            done = await step
        self._waited += loop.time() - began
        self._bytes += len((message or done).get("body", b""))
        return done


class _UntilGone:
    """The pieces of an answer while there is somebody to take them."""

    def __init__(self, answer: Any, gone: Event) -> None:
        self._answer = answer
        self._gone = gone

    def __iter__(self) -> Iterator[bytes]:
        for piece in self._answer:
            yield piece
            if self._gone.is_set():
                return

    def close(self) -> None:
        """Let the application free what it holds."""
        if hasattr(self._answer, "close"):
            self._answer.close()
