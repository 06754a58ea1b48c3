"""Connections of the sender: through the address guard, which looks at the very address that is dialled.

Names are looked up by the guard, and whoever writes an address into a URL meets it when the socket is made. Nothing of
the environment is heeded: no proxy, no .netrc.
"""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import partial
from typing import Any

import aiohttp
from aiohttp.client_proto import ResponseHandler
from aiohttp.http_exceptions import HttpProcessingError

from commandcenter import __version__
from commandcenter.outbound import ForbiddenAddress, Network, is_allowed
from webhooks.sending.names import Names
from webhooks.sending.trust import trust

CONNECT_SECONDS = 5.0  # for one address
NAMES_FRESH_SECONDS = 10  # what a cached name stands for has been looked at by the guard as well
# Shorter than what common servers keep an idle connection for: a request over one that they just closed is lost.
IDLE_SECONDS = 2.0
MAX_HEADERS = 100  # of an answer
MAX_HEADER_BYTES = 8190
MOST_HEADS = 20  # of one answer: those of status 1xx before it, and its own
PIECE = 4096  # bytes that are looked at before heads are counted


@dataclass(slots=True)
class Line:
    """What is known of the connection of one attempt, as soon as it is."""

    address: str = ""
    tls_peer: str = ""


current: ContextVar[Line] = ContextVar("current")


class _Answers(ResponseHandler):
    """Gives up on a receiver that announces its answer (1xx) again and again.

    They are read without a pause, so that a flood of them would keep all other receivers waiting.
    """

    _heads = 0  # since the last request

    def set_response_params(self, **values: Any) -> None:
        """Begin with the next answer."""
        self._heads = 0
        super().set_response_params(**values)

    def feed_data(self, data: Any, size: int = 0) -> None:
        """Take one head."""
        self._heads += 1
        super().feed_data(data, size)

    def data_received(self, data: bytes) -> None:
        """Take bytes; none: go on with those before."""
        for start in range(0, len(data) or 1, PIECE):
            super().data_received(data[start : start + PIECE])
            if self._heads > MOST_HEADS:
                self.set_exception(HttpProcessingError(message=f"It begins more than {MOST_HEADS} times."))
                if self.transport is not None:
                    self.transport.abort()
                return


class _Connector(aiohttp.TCPConnector):
    """Tells each attempt whom it talks to: aiohttp forgets the connection as soon as an answer is read."""

    def __init__(self, **values: Any) -> None:
        super().__init__(**values)
        answers: Callable[..., ResponseHandler] = _Answers
        self._factory = partial(answers, loop=self._loop)

    async def connect(self, *args: Any, **kwargs: Any) -> Any:
        """Return a connection of the pool or a new one."""
        connection = await super().connect(*args, **kwargs)
        while connection.protocol is not None and connection.protocol.should_close:
            connection.close()  # it was sent something while it was idle, which is no answer to what comes now
            connection = await super().connect(*args, **kwargs)
        line, transport = current.get(None), connection.transport
        if line is not None and transport is not None:
            line.address = str((transport.get_extra_info("peername") or ("",))[0])
            line.tls_peer = _name_of(transport.get_extra_info("peercert"))
        return connection


@asynccontextmanager
async def lines(allow: Sequence[Network]) -> AsyncIterator[aiohttp.ClientSession]:
    """Yield a session whose connections are guarded and used again. Raises UnusableCertificate."""

    def make_socket(info: Any) -> socket.socket:
        """Look at the address that is dialled in the next step."""
        family, kind, protocol, _, (address, *_rest) = info
        line = current.get(None)
        if line is not None:
            line.address = str(address)
        if not is_allowed(str(address), allow):
            raise ForbiddenAddress(f"{address} is not a public address")
        return socket.socket(family, kind, protocol)

    names = Names(allow)
    connector = _Connector(
        resolver=names,
        socket_factory=make_socket,
        ssl=trust(),
        limit=0,  # the drain counts
        ttl_dns_cache=NAMES_FRESH_SECONDS,
        keepalive_timeout=IDLE_SECONDS,
    )
    session = aiohttp.ClientSession(
        connector=connector,
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS),  # attempts have a deadline
        cookie_jar=aiohttp.DummyCookieJar(),
        headers={"User-Agent": f"command-center/{__version__}", "Accept-Encoding": "identity"},
        auto_decompress=False,
        trust_env=False,
        max_line_size=MAX_HEADER_BYTES,
        max_field_size=MAX_HEADER_BYTES,
        max_headers=MAX_HEADERS,
    )
    try:
        yield session
    finally:
        await session.close()
        await names.close()


def _name_of(certificate: dict[str, Any] | None) -> str:
    """Return whom a certificate that was verified is for."""
    if not certificate:
        return ""
    names = [name for kind, name in certificate.get("subjectAltName", ()) if kind in {"DNS", "IP Address"}]
    common = [name for part in certificate.get("subject", ()) for kind, name in part if kind == "commonName"]
    return ", ".join(dict.fromkeys(common + names)).replace("\x00", "")[:300]
