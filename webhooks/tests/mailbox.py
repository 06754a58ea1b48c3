"""A server on the loopback address that takes mail, or refuses it."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage


@dataclass
class Mailbox:
    """What was taken, and how the server is: `refused` addresses, or `silent` after its greeting."""

    port: int = 0
    mails: list[EmailMessage] = field(default_factory=list)
    connections: int = 0
    refused: set[str] = field(default_factory=set)
    full: bool = False
    silent: bool = False
    end: threading.Event = field(default_factory=threading.Event)


class _Session(socketserver.StreamRequestHandler):
    box: Mailbox

    def handle(self) -> None:
        self.box.connections += 1
        self._say("220 here")
        if self.box.silent:
            self.box.end.wait()
        while line := self.rfile.readline():
            word = line[:4].upper().decode()
            if word == "DATA":
                self._take()
            elif word == "RCPT" and any(each in line.decode() for each in self.box.refused):
                self._say("550 nobody of that name")
            elif word == "QUIT":
                self._say("221 bye")
                return
            else:
                self._say("250 fine")

    def _take(self) -> None:
        self._say("354 go on")
        lines = []
        while (line := self.rfile.readline()) not in {b".\r\n", b""}:
            lines.append(line.removeprefix(b".") if line.startswith(b"..") else line)
        if self.box.full:
            self._say("452 no room")
            return
        mail = message_from_bytes(b"".join(lines), policy=policy.default)
        assert isinstance(mail, EmailMessage)
        self.box.mails.append(mail)
        self._say("250 taken")

    def _say(self, line: str) -> None:
        self.wfile.write(f"{line}\r\n".encode())


@contextmanager
def taking_mail() -> Iterator[Mailbox]:
    """Serve in threads."""
    box = Mailbox()
    session = type("Session", (_Session,), {"box": box})
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), session) as server:
        server.daemon_threads = True
        box.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield box
        finally:
            box.end.set()
            server.shutdown()
            thread.join(5)
