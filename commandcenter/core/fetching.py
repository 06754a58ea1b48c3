"""Asks another server over HTTP: through the address guard, with a deadline and a cap on what it says."""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import urlsplit

from django.conf import settings

from commandcenter import __version__
from commandcenter.outbound import ForbiddenAddress, resolve

SECONDS = 20.0
MAX_BYTES = 32 << 20
_CHUNK = 1 << 16
_PORTS = {"http": 80, "https": 443}
_MOST_DIALLED = 3  # addresses of one name


class FetchError(Exception):
    """No answer that can be used; the message says why."""


class Elsewhere(FetchError):
    """An answer that points to another address; it is not followed."""


class TooMuch(FetchError):
    """An answer that is longer than was wanted."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server said."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Pace:
    """At most so many requests a second, by waiting before each."""

    def __init__(self, per_second: float) -> None:
        self._gap = 1.0 / per_second
        self._next = 0.0

    def wait(self) -> None:
        """Wait until the next request may go."""
        now = time.monotonic()
        if now < self._next:
            time.sleep(self._next - now)
        self._next = max(now, self._next) + self._gap


def fetch(
    url: str,
    *,
    method: str = "GET",
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
    seconds: float = SECONDS,
    limit: int = MAX_BYTES,
) -> Answer:
    """Return the answer of any status but a redirect, which is not followed. Raises FetchError.

    The address that was checked is the one that is dialled. `seconds` are for everything, name lookup to last byte.
    """
    until = time.monotonic() + seconds
    parts = urlsplit(url)
    host = parts.hostname
    if parts.scheme not in _PORTS or not host:
        raise FetchError(f"{url[:200]} is no http address.")
    try:
        port = parts.port or _PORTS[parts.scheme]
        addresses = resolve(host, port, settings.OUTBOUND_ALLOW, seconds=min(5.0, seconds))
        plain = _dial(addresses, port, until)
    except ForbiddenAddress:
        raise FetchError(f"{host} is not a public address: see CC_OUTBOUND_ALLOW.") from None
    except (OSError, ValueError) as error:
        raise FetchError(f"{host} cannot be reached ({type(error).__name__}).") from error
    with _Line(plain, until) as line:
        try:
            if parts.scheme == "https":
                line.secure(host)
            client = http.client.HTTPConnection(host, port)
            client.default_port = _PORTS[parts.scheme]  # which the Host header leaves out
            client.sock = line.socket
            target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
            with suppress(
                BrokenPipeError, ConnectionResetError
            ):  # it may answer before it has heard everything
                client.request(method, target, body, _headers(body) | dict(headers or {}))
            answer = _read(client.getresponse(), host, limit)
        except (OSError, http.client.HTTPException, ValueError) as error:
            if not line.cut:
                raise FetchError(f"{host} broke off ({type(error).__name__}).") from error
            answer = None
    if answer is None or line.cut:  # a line that is cut looks like one that has ended
        raise FetchError(f"{host} took longer than {seconds:g} s.")
    return answer


class _Line:
    """A connection that is cut at a deadline: a server that drips passes the time-out of every single read."""

    def __init__(self, plain: socket.socket, until: float) -> None:
        self.socket = plain
        self.cut = False
        self._timer = threading.Timer(max(0.0, until - time.monotonic()), self._cut)
        self._timer.daemon = True

    def secure(self, host: str) -> None:
        """Begin TLS with the server of this name."""
        context = ssl.create_default_context()
        self.socket = context.wrap_socket(self.socket, server_hostname=host, do_handshake_on_connect=False)
        if self.cut:  # while the connection changed hands, so that the cut missed it
            raise TimeoutError
        self.socket.do_handshake()

    def _cut(self) -> None:
        self.cut = True
        with suppress(OSError):
            socket.socket.shutdown(self.socket, socket.SHUT_RDWR)  # of TLS too, without its farewell

    def __enter__(self) -> _Line:
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()
        self.socket.close()


def _dial(addresses: list[str], port: int, until: float) -> socket.socket:
    failure: OSError = OSError("no address")
    chosen = addresses[:_MOST_DIALLED]
    for place, address in enumerate(chosen):
        left = max(0.1, until - time.monotonic())
        try:  # one that does not answer leaves the others their share of the time
            connection = socket.create_connection((address, port), timeout=left / (len(chosen) - place))
        except OSError as error:
            failure = error
            continue
        connection.settimeout(max(0.1, until - time.monotonic()))
        return connection
    raise failure


def _headers(body: bytes | None) -> dict[str, str]:
    headers = {"User-Agent": f"command-center/{__version__}", "Accept": "application/json, */*;q=0.5"}
    return headers if body is None else {**headers, "Content-Type": "application/json"}


def _read(response: http.client.HTTPResponse, host: str, limit: int) -> Answer:
    if 300 <= response.status < 400:
        raise Elsewhere(f"{host} points elsewhere ({response.status}), which is not followed.")
    data = bytearray()
    while chunk := response.read(_CHUNK):
        data += chunk
        if len(data) > limit:
            raise TooMuch(f"{host} says more than {limit >> 20} MiB.")
    if response.length:
        raise FetchError(f"{host} broke off before its end.")
    return Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, bytes(data))
