"""A name server on the loopback address whose answers change, and a resolver of this process that asks it.

Its answers have no time to live, as those of an attacker: the first question is answered with the first addresses, and
each one after the last with the last.
"""

from __future__ import annotations

import secrets
import socket
import struct
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

ZONE = ".rebinding.example"
_A, _IN = 1, 1
_SECONDS = 5.0


@dataclass
class Names:
    """What each name means, one list of IPv4 addresses after the other; how often each was asked for."""

    plan: dict[str, list[Sequence[str]]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    port: int = 0

    def answer(self, question: bytes) -> bytes:
        """Return the answer to a message with one question for A records."""
        name = _name(question[12:])
        self.asked.append(name)
        steps = self.plan.get(name, [()])
        addresses = steps.pop(0) if len(steps) > 1 else steps[0]
        records = b"".join(
            struct.pack(">HHHIH", 0xC00C, _A, _IN, 0, 4) + socket.inet_aton(address) for address in addresses
        )
        flags = 0x8400 if addresses else 0x8403
        return question[:2] + struct.pack(">HHHHH", flags, 1, len(addresses), 0, 0) + question[12:] + records

    def ask(self, name: str) -> list[str]:
        """Ask the server, over the network, as a resolver without a cache does."""
        labels = b"".join(bytes([len(part)]) + part.encode() for part in name.split("."))
        number = secrets.token_bytes(2)
        question = (
            number + struct.pack(">HHHHH", 0x0100, 1, 0, 0, 0) + labels + b"\0" + struct.pack(">HH", _A, _IN)
        )
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
            line.settimeout(_SECONDS)
            line.connect(("127.0.0.1", self.port))
            line.send(question)
            answer = line.recv(512)
        assert answer[:2] == number
        (count,) = struct.unpack(">H", answer[6:8])
        if not count:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return [
            socket.inet_ntoa(answer[-4:] if n == 0 else answer[-4 - 16 * n : -16 * n]) for n in range(count)
        ]


def _name(question: bytes) -> str:
    labels, at = [], 0
    while length := question[at]:
        labels.append(question[at + 1 : at + 1 + length].decode())
        at += 1 + length
    return ".".join(labels)


@contextmanager
def name_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Names]:
    """Serve, and let all of this process that looks up a name of the zone ask it; other names are the system's."""
    names, system = Names(), socket.getaddrinfo
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
        line.bind(("127.0.0.1", 0))
        names.port = line.getsockname()[1]

        def serve() -> None:
            while True:
                question, peer = line.recvfrom(512)
                if not question:
                    return
                line.sendto(names.answer(question), peer)

        def look_up(host: Any, port: Any, *args: Any, **values: Any) -> list[Any]:
            if not str(host).rstrip(".").endswith(ZONE):
                return system(host, port, *args, **values)
            return [
                (socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (address, int(port or 0)))
                for address in names.ask(str(host).rstrip("."))
            ]

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        with monkeypatch.context() as patched:
            patched.setattr(socket, "getaddrinfo", look_up)
            yield names
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as end:
            end.sendto(b"", ("127.0.0.1", names.port))
        thread.join(_SECONDS)
