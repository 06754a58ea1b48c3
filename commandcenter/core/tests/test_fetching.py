"""Calls to other servers: what they are told, and what a slow or hasty one does to us."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from ipaddress import ip_network
from typing import Any

import pytest

from commandcenter.core import fetching
from commandcenter.core.fetching import fetch


@pytest.fixture(autouse=True)
def loopback(settings: Any) -> None:
    settings.OUTBOUND_ALLOW = (ip_network("127.0.0.0/8"),)


@contextmanager
def serving(
    answer: Callable[[socket.socket], object], host: str = "127.0.0.1", port: int = 0
) -> Iterator[int]:
    """Serve one connection and yield the port."""
    with socket.create_server((host, port)) as listener:

        def serve() -> None:
            peer, _address = listener.accept()
            with peer:
                answer(peer)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        thread.join(10)


def heard(peer: socket.socket) -> bytes:
    """Read a request without a body and answer 200."""
    request = b""
    while b"\r\n\r\n" not in request:
        request += peer.recv(1 << 16)
    peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
    return request


@pytest.mark.parametrize("default", [True, False])
def test_the_host_is_named_with_its_port_unless_that_is_the_schemes(
    monkeypatch: pytest.MonkeyPatch, default: bool
) -> None:
    requests: list[bytes] = []
    with serving(lambda peer: requests.append(heard(peer))) as port:
        if default:
            monkeypatch.setitem(fetching._PORTS, "http", port)
        assert fetch("http://127.0.0.1/" if default else f"http://127.0.0.1:{port}/").status == 200
    named = b"127.0.0.1" if default else b"127.0.0.1:%d" % port
    assert b"\r\nHost: " + named + b"\r\n" in requests[0]


def test_an_answer_before_the_end_of_what_is_sent_is_heard() -> None:
    """A server that takes no more than so many bytes answers 413 and leaves."""

    def hasty(peer: socket.socket) -> None:
        peer.recv(1000)
        peer.sendall(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")

    with serving(hasty) as port:
        answer = fetch(f"http://127.0.0.1:{port}/", method="POST", body=bytes(64 << 20), seconds=10)
    assert answer.status == 413


@pytest.mark.allow_hosts(["127.0.0.2", "127.0.0.3"])
def test_an_address_that_does_not_answer_leaves_the_next_one_its_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with ExitStack() as stack:
        silent = stack.enter_context(socket.create_server(("127.0.0.2", 0), backlog=0))
        port = silent.getsockname()[1]
        for _ in range(4):  # its queue is full, and what comes now is dropped
            client = stack.enter_context(socket.socket())
            client.setblocking(False)
            client.connect_ex(("127.0.0.2", port))
        stack.enter_context(serving(heard, "127.0.0.3", port))
        with pytest.raises(TimeoutError):
            socket.create_connection(("127.0.0.2", port), timeout=0.2)
        monkeypatch.setattr(fetching, "resolve", lambda *_args, **_more: ["127.0.0.2", "127.0.0.3"])
        assert fetch(f"http://two.example:{port}/", seconds=2).body == b"ok"
