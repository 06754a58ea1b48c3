"""Hands the HTTP requests of an ASGI server to a WSGI application in a fixed pool of threads.

An answer that is still being made when its client goes away ends there, so that its thread and its database connection
serve somebody else: the server itself only drops what is sent after that.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from contextvars import ContextVar
from threading import Event
from typing import Any

from a2wsgi import WSGIMiddleware

LISTEN_AFTER = 4  # messages: most answers are over by then, and cost nothing more

_gone: ContextVar[Event] = ContextVar("gone")


class Bridge:
    """An ASGI application for the scope `http`."""

    def __init__(self, wsgi: Any, threads: int) -> None:
        def application(environ: Any, start_response: Any) -> Iterable[bytes]:
            return _UntilGone(wsgi(environ, start_response), _gone.get())

        self._application = WSGIMiddleware(application, workers=threads)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer a request. a2wsgi schedules `receive` as a coroutine; granian's is another awaitable."""
        gone, sent = Event(), 0
        listener: asyncio.Task[None] | None = None

        async def receive_coroutine() -> Any:
            return await receive()

        async def send_and_listen(message: Any) -> None:
            nonlocal sent, listener
            sent += 1
            if sent == LISTEN_AFTER:  # the request has been read, so that nobody else receives any more
                listener = asyncio.create_task(_listen(receive, gone))
            await send(message)

        _gone.set(gone)
        try:
            await self._application(scope, receive_coroutine, send_and_listen)
        finally:
            if listener is not None:
                listener.cancel()


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


async def _listen(receive: Any, gone: Event) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    gone.set()
