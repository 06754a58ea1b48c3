"""A receiver of webhooks with a process of its own: `python -m tests.faults.listening LOG`; its first line is its port.

Each request is in the log before it is answered, as a line of JSON. What the path asks for is how it is answered:
/204/..., /500/..., and /flaky/..., which refuses each 20th. `?wait=0.02` keeps the answer back for so many seconds.
"""

from __future__ import annotations

import asyncio
import base64
import itertools
import json
import sys
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import TextIO
from urllib.parse import parse_qs, urlsplit

FLAKY = 20
KEPT = ("webhook-id", "webhook-timestamp", "webhook-signature", "webhook-sequence")


class Listener:
    """Writes down what it is sent, and how many requests of a path wait for their answer at once."""

    def __init__(self, log: TextIO) -> None:
        self._log = log
        self._at_once: Counter[str] = Counter()
        self._numbers = itertools.count(1)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            while True:
                await self._one(reader, writer)
        writer.close()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in head[1:] if line)}
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        target = urlsplit(head[0].split(" ")[1])
        path = target.path
        status = self._status(path.split("/")[1])
        self._at_once[path] += 1
        try:
            line = {
                "path": path,
                "status": status,
                "headers": {name: headers[name] for name in KEPT if name in headers},
                "body": base64.b64encode(body).decode(),
                "at_once": self._at_once[path],
            }
            self._log.write(json.dumps(line) + "\n")
            self._log.flush()
            if wait := parse_qs(target.query).get("wait"):
                await asyncio.sleep(float(wait[0]))
            writer.write(f"HTTP/1.1 {status} Said\r\nContent-Length: 0\r\n\r\n".encode())
            await writer.drain()
        finally:
            self._at_once[path] -= 1

    def _status(self, manner: str) -> int:
        if manner == "flaky":
            return 503 if next(self._numbers) % FLAKY == 0 else 200
        return int(manner)


async def main(log: TextIO) -> None:
    """Serve until the process is ended."""
    server = await asyncio.start_server(Listener(log).serve, "127.0.0.1", 0, backlog=1024)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


if __name__ == "__main__":
    with Path(sys.argv[1]).open("a", encoding="ascii") as file:
        asyncio.run(main(file))
