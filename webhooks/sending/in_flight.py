"""Requests that are under way: in an event loop with a thread of its own, so that the database never keeps them waiting."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Iterable
from contextlib import AsyncExitStack
from datetime import datetime
from queue import Empty, SimpleQueue
from types import TracebackType

import aiohttp
from django.conf import settings

from webhooks.sending.attempt import attempt
from webhooks.sending.claim import Leased
from webhooks.sending.clock import Clock, machine_time
from webhooks.sending.dialing import lines
from webhooks.sending.letter import Letter, Outcome
from webhooks.sending.recording import Result

OPEN_SECONDS = 10.0
# How long a thread that has an answer of the database waits for the interpreter while requests keep that busy: Python's
# own 5 ms, for each of several answers in a commit, cost a tenth of the rate.
SWITCH_SECONDS = 0.001


class InFlight:
    """Sends letters, and hands over what came of them in the order in which they come home."""

    def __init__(self, clock: Clock = machine_time) -> None:
        self.clock = clock  # set anew from time to time
        self.out = 0  # not handed over yet
        self._home: SimpleQueue[Result] = SimpleQueue()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="webhooks-requests", daemon=True)
        self._tasks: set[asyncio.Task[None]] = set()  # touched in the loop alone
        self._stack = AsyncExitStack()
        self._session: aiohttp.ClientSession

    def __enter__(self) -> InFlight:
        self.open()
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.close()

    def open(self) -> None:
        """Begin."""
        sys.setswitchinterval(SWITCH_SECONDS)  # of the process, which has nothing else to do
        self._thread.start()
        try:
            asyncio.run_coroutine_threadsafe(self._open(), self._loop).result(OPEN_SECONDS)
        except BaseException:
            self._stop()
            raise

    def close(self) -> None:
        """Cut what is under way: its leases end, and it is sent again."""
        try:
            asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(OPEN_SECONDS)
        finally:
            self._stop()

    def _stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(OPEN_SECONDS)
        if not self._thread.is_alive():
            self._loop.close()

    def send(self, letters: Iterable[tuple[Leased, Letter | None]]) -> None:
        """Send each, at once."""
        given = list(letters)
        self.out += len(given)
        self._loop.call_soon_threadsafe(self._start, given)

    def wait(self, seconds: float) -> list[Result]:
        """Return what has come home; wait for the first for so long."""
        found: list[Result] = []
        try:
            found.append(self._home.get(timeout=seconds))
            while True:
                found.append(self._home.get_nowait())
        except Empty:
            self.out -= len(found)
            return found

    async def _open(self) -> None:
        self._session = await self._stack.enter_async_context(lines(settings.OUTBOUND_ALLOW))

    async def _close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._stack.aclose()

    def _start(self, letters: Iterable[tuple[Leased, Letter | None]]) -> None:
        for leased, letter in letters:
            task = self._loop.create_task(self._send(leased, letter))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _send(self, leased: Leased, letter: Letter | None) -> None:
        outcome = (
            _unreadable(self.clock())
            if letter is None
            else await attempt(self._session, letter, clock=self.clock)
        )
        self._home.put((leased, outcome))


def _unreadable(now: datetime) -> Outcome:
    return Outcome(
        now,
        error="secret",
        detail="The endpoint's secrets cannot be read: add the key they were written with to CC_ENCRYPTION_KEYS.",
    )
