"""One WebSocket: accept, say who may, join a group, forward within bounds, leave nothing behind.

Plain ASGI and not Channels' consumer: that reads its next message only when the last has been sent, and its layer
keeps what comes meanwhile without a bound. Here hints are taken at once into a buffer that has a size.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import parse_qs

import orjson
import structlog
from channels.db import DatabaseSyncToAsync
from channels.layers import get_channel_layer
from django.conf import settings
from redis.exceptions import RedisError

from commandcenter.accounts.models import User
from commandcenter.accounts.sockets import still_signed_in
from commandcenter.core.fields import MAX_ID
from jobs.history import to_json

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

NORMAL = 1000
INTERNAL = 1011
BAD_REQUEST = 4400
UNAUTHENTICATED = 4401
FORBIDDEN = 4403
NOT_FOUND = 4404
TOO_SLOW = 4408
SEND_SECONDS = 20.0  # that one message may take to be accepted by the client's side
CLOSE_SECONDS = 2.0  # that the close may take: a client that takes nothing will not take that either

log = structlog.get_logger(__name__)


class Closing(Exception):
    """Raised to end the socket with a close code and a reason of at most 123 bytes."""

    def __init__(self, code: int, reason: str = "") -> None:
        self.code = code
        self.reason = reason
        super().__init__(f"{code} {reason}")


class Socket:
    """Base of our sockets; subclasses say which group to join and what to send."""

    buffer_size = 256

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.scope = scope
        self._receive = receive
        self._send = send
        self.query = parse_qs(scope.get("query_string", b"").decode("latin-1"), keep_blank_values=True)
        self.hints: asyncio.Queue[dict[str, Any]] = asyncio.Queue(self.buffer_size)
        self.overflowed = False

    @classmethod
    def as_asgi(cls) -> Callable[[Scope, Receive, Send], Awaitable[None]]:
        """Return the ASGI application that serves each connection with an instance of its own."""

        async def application(scope: Scope, receive: Receive, send: Send) -> None:
            await cls(scope, receive, send).run()

        return application

    @property
    def user(self) -> User:
        """Who opened the socket."""
        user: User = self.scope["user"]
        return user

    @property
    def token_projects(self) -> list[int] | None:
        """The projects that the token is limited to; None means no limit."""
        limit: list[int] | None = self.scope.get("token_projects")
        return limit

    async def open(self) -> str:
        """Check what was asked for and return the group to join. Raises Closing."""
        raise NotImplementedError

    async def serve(self) -> None:
        """Send until there is nothing more to send. Raises Closing."""
        raise NotImplementedError

    async def run(self) -> None:
        """Serve the connection from its first message to its last."""
        if (await self._receive())["type"] != "websocket.connect":
            return
        # Accepted before anything is refused: browsers show no close code of a refused handshake.
        await self._send({"type": "websocket.accept"})
        tasks: list[asyncio.Task[None]] = []
        closing: Closing | None = None
        try:
            if not getattr(self.scope.get("user"), "is_authenticated", False):
                raise Closing(UNAUTHENTICATED, "Sign in first.")  # noqa: TRY301  (one place sends the close)
            group = await self.open()
            joined = asyncio.Event()
            tasks = [
                asyncio.create_task(self._listen(group, joined)),
                asyncio.create_task(self._until_disconnect()),
            ]
            await joined.wait()
            tasks.append(asyncio.create_task(self.serve()))
            await asyncio.wait(tasks[1:], return_when=asyncio.FIRST_COMPLETED)
            if not tasks[1].done():
                tasks[2].result()
                closing = Closing(NORMAL)
        except Closing as error:
            closing = error
        except Exception:  # the client must learn that nothing more comes
            log.exception("socket failed", action="serve", path=self.scope.get("path"))
            closing = Closing(INTERNAL, "Something went wrong; connect again.")
        finally:
            # Before the close: granian sends none while somebody waits for the client's next message.
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        if closing is not None:
            await self._close(closing)

    async def send(self, message: dict[str, Any] | str) -> None:
        """Send one message. Raises Closing when the client does not take it in time."""
        text = message if isinstance(message, str) else to_json(message).decode()
        try:
            await asyncio.wait_for(self._send({"type": "websocket.send", "text": text}), SEND_SECONDS)
        except TimeoutError:
            raise Closing(TOO_SLOW, "Messages were not taken in time.") from None

    def number(self, name: str) -> int | None:
        """Return a whole number of the query string, None without it. Raises Closing."""
        raw = self.query.get(name, [""])[-1]
        if not raw:
            return None
        if raw.isascii() and raw.isdigit() and len(raw) <= 19 and int(raw) <= MAX_ID:
            return int(raw)
        raise Closing(BAD_REQUEST, f"{name} must be a whole number of 0 or more.")

    async def _listen(self, group: str, joined: asyncio.Event) -> None:
        """Take hints into the buffer as they come; without the channel server there are none, and readers poll."""
        layer: Any = get_channel_layer()
        channel = ""
        try:
            try:
                channel = await layer.new_channel()
                await layer.group_add(group, channel)
            finally:
                joined.set()
            while True:
                hint = await layer.receive(channel)
                try:
                    self.hints.put_nowait(hint)
                except asyncio.QueueFull:
                    self.overflowed = True
        except (RedisError, OSError) as error:
            log.warning("no live hints", action="listen", group=group, error=str(error))
        finally:
            if channel:
                await _leave(layer, group, channel)

    async def _until_disconnect(self) -> None:
        """Wait until the client goes. What it sends is not asked for and not kept."""
        while (await self._receive())["type"] != "websocket.disconnect":
            pass

    async def _close(self, closing: Closing) -> None:
        message = {"type": "websocket.close", "code": closing.code, "reason": closing.reason}
        try:
            await asyncio.wait_for(self._send(message), CLOSE_SECONDS)
        except (TimeoutError, OSError, RuntimeError) as error:
            log.info("close not sent", action="close", code=closing.code, error=str(error))


class Recheck:
    """Looks now and then whether the person and the token or session of a socket are still good."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self._next = time.monotonic() + settings.SOCKET_RECHECK_SECONDS

    @property
    def wait_seconds(self) -> float:
        """How long until the next look."""
        return max(0.0, self._next - time.monotonic())

    async def due(self) -> bool:
        """Return True when it is time, after having looked. Raises Closing when access has ended."""
        if time.monotonic() < self._next:
            return False
        self._next = time.monotonic() + settings.SOCKET_RECHECK_SECONDS
        if not await in_database(self._good)():
            raise Closing(FORBIDDEN, "Access has ended.")
        return True

    def _good(self) -> bool:
        user = still_signed_in(self._scope)
        if user is None:
            return False
        self._scope["user"] = user
        return True


def in_database(function: Callable[..., Any]) -> DatabaseSyncToAsync[..., Any]:
    """Return an awaitable version that runs in a thread pool: sockets must not wait for each other's queries."""
    return DatabaseSyncToAsync(function, thread_sensitive=False)


async def _leave(layer: Any, group: str, channel: str) -> None:
    try:
        await layer.group_discard(group, channel)
    except (RedisError, OSError) as error:
        log.info("group not left", action="leave", group=group, error=str(error))


def decoded(text: str) -> Any:
    """Return what a hint's JSON says."""
    return orjson.loads(text)
