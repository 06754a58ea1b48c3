"""A receiver of webhooks in a process of its own: `python -m bench.receiving` prints its port and serves until stdin ends.

It answers 204 as cheaply as Python can; below /hang it never answers. `GET /log` tells when each message came first,
`GET /count` how many requests came. Times are of the clock that all processes of a machine share.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time

HANG = b"/hang"
_ANSWER = b"HTTP/1.1 204 No Content\r\n\r\n"
_ID = b"\r\nwebhook-id: "
_LENGTH = b"\r\nContent-Length: "


class Log:
    """What came."""

    def __init__(self) -> None:
        self.requests = 0
        self.first: dict[str, float] = {}


class Receiver(asyncio.Protocol):
    """One connection. Requests are those of one client, which sends its header names as they are looked for here."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._data = b""
        self._transport: asyncio.WriteTransport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep it for the answers."""
        assert isinstance(transport, asyncio.WriteTransport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer each whole request."""
        self._data += data
        while (end := self._data.find(b"\r\n\r\n")) >= 0:
            head = self._data[:end]
            whole = end + 4 + int(_value(head, _LENGTH) or 0)
            if len(self._data) < whole:
                return
            self._data = self._data[whole:]
            self._answer(head)

    def _answer(self, head: bytes) -> None:
        path = head.split(b" ", 2)[1]
        if path == b"/log":
            self._send(self._log.first)
        elif path == b"/count":
            self._send(self._log.requests)
        else:
            self._log.requests += 1
            self._log.first.setdefault(_value(head, _ID).decode(), time.monotonic())
            if not path.startswith(HANG):
                self._transport.write(_ANSWER)

    def _send(self, document: object) -> None:
        body = json.dumps(document).encode()
        self._transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)


def _value(head: bytes, name: bytes) -> bytes:
    at = head.find(name)
    return b"" if at < 0 else head[at + len(name) :].split(b"\r\n", 1)[0]


async def _serve() -> None:
    log = Log()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Receiver(log), "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    server.close()


if __name__ == "__main__":
    asyncio.run(_serve())
    sys.exit(0)
