"""The receiver: on the loopback address alone, with bounds on what it reads and on how long it waits for it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from aiohttp import web

from webhooks.terminal.tally import Tally
from webhooks.terminal.verifying import Heard, verify
from webhooks.terminal.wording import Arrival

LOOPBACK = "127.0.0.1"
MAX_BODY = 1 << 20
READ_SECONDS = 10.0
CLOSE_SECONDS = 1.0


@dataclass(slots=True)
class Manner:
    """How requests are answered: with this status, after so many seconds."""

    status: int = 204
    delay: float = 0.0


@dataclass
class Listener:
    """Hears until it is told to stop, or has heard so many requests."""

    keys: Sequence[bytes]
    say: Callable[[Arrival], None]
    manner: Manner = field(default_factory=Manner)
    most: int | None = None
    tally: Tally = field(default_factory=Tally)
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    _heard: Heard = field(default_factory=Heard)

    async def run(self, port: int, ready: Callable[[int], None]) -> None:
        """Listen on a port, 0 for any, and tell which. Raises OSError when it is taken."""
        application = web.Application(client_max_size=MAX_BODY)
        application.router.add_route("*", "/{path:.*}", self._answer)
        runner = web.AppRunner(application, access_log=None, shutdown_timeout=CLOSE_SECONDS)
        await runner.setup()
        try:
            await web.TCPSite(runner, LOOPBACK, port).start()
            ready(runner.addresses[0][1])
            await self.stop.wait()
        finally:
            await runner.cleanup()

    async def _answer(self, request: web.Request) -> web.Response:
        if request.method != "POST":
            return web.Response(status=405, headers={"Allow": "POST"})
        try:
            async with asyncio.timeout(READ_SECONDS):
                body = await request.read()
        except TimeoutError:
            return web.Response(status=408)
        self._note(request, body)
        if self.manner.delay:
            await asyncio.sleep(self.manner.delay)
        if self.most is not None and self.tally.requests >= self.most:
            asyncio.get_running_loop().call_later(
                CLOSE_SECONDS / 10, self.stop.set
            )  # once the answer is written
        return web.Response(status=self.manner.status)

    def _note(self, request: web.Request, body: bytes) -> None:
        headers = request.headers
        message, sequence = headers.get("webhook-id", ""), headers.get("webhook-sequence", "")
        verdict = verify(headers, body, self.keys, time.time())
        # What anybody could have sent must not make later ones look as if they came again.
        place = self._heard.note(request.path, message, sequence) if verdict.verified else ""
        self.tally.requests += 1
        self.tally.verified += verdict.verified
        self.tally.again += place == "again"
        self.tally.gaps += place.startswith("gap")
        self.say(
            Arrival(
                at=datetime.now().astimezone(),
                path=request.path,
                message=message,
                sequence=sequence,
                body=body,
                verdict=verdict,
                place=place,
                status=self.manner.status,
            )
        )
