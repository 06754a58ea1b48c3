"""Looks the names of receivers up: through the guard, in threads of their own.

A lookup that nobody answers keeps its thread for as long as the system waits. Names that answered lately have theirs
apart from strangers: who owns a hundred names that hang would else keep all other receivers waiting.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from aiohttp.abc import AbstractResolver, ResolveResult

from commandcenter.outbound import Network, resolve

LOOKUP_SECONDS = 5.0
LOOKUPS = 16  # at once, of either kind
MOST_KNOWN = 10_000

_known: dict[str, None] = {}  # of this process, the ones longest ago first
_of_strangers = threading.BoundedSemaphore(LOOKUPS)


class Names(AbstractResolver):
    """The resolver of one session."""

    def __init__(self, allow: Sequence[Network]) -> None:
        self._look_up = partial(resolve, allow=allow, seconds=LOOKUP_SECONDS)
        self._threads = ThreadPoolExecutor(LOOKUPS, "webhooks-names")
        self._threads_of_strangers = ThreadPoolExecutor(LOOKUPS, "webhooks-strangers")

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Return the addresses that may be dialled. Raises ForbiddenAddress, OSError or TimeoutError."""
        threads, look_up = self._threads, self._look_up
        if host not in _known:
            threads, look_up = self._threads_of_strangers, partial(look_up, lookups=_of_strangers)
        try:
            found = await asyncio.get_running_loop().run_in_executor(threads, look_up, host, port)
        except TimeoutError:
            _known.pop(host, None)
            raise
        _remember(host)
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=socket.IPPROTO_TCP,
                flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
            )
            for address in found
        ]

    async def close(self) -> None:
        """Wait for nobody: a lookup ends by itself."""
        for threads in (self._threads, self._threads_of_strangers):
            threads.shutdown(wait=False, cancel_futures=True)


def _remember(host: str) -> None:
    _known.pop(host, None)
    _known[host] = None
    while len(_known) > MOST_KNOWN:
        del _known[next(iter(_known))]
