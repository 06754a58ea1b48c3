"""Loopback ports: choosing free ones, and telling whether one is taken."""

from __future__ import annotations

import secrets
import socket
from collections.abc import Mapping, Set

from commandcenter.embedded.errors import Refusal

LOOPBACK = "127.0.0.1"
# Below the range from which Linux and macOS take ports of outgoing connections: a port remembered from there
# could be in passing use at the next start.
_FIRST, _LAST = 20_000, 32_000


def free(port: int) -> bool:
    """Say whether a server could listen on this loopback port now (connections that linger do not count)."""
    return obstacle(port) is None


def obstacle(port: int) -> str | None:
    """Return why no server could listen on this loopback port now, worded after its number; None when one could."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
            probe.listen(1)
        except PermissionError:
            return "may not be used by this user"  # below 1024, as a rule
        except OSError:
            return "is taken by another program"
    return None


def choose(taken: Set[int] = frozenset()) -> int:
    """Return a free loopback port that is none of the taken ones."""
    for _ in range(200):
        port = _FIRST + secrets.randbelow(_LAST - _FIRST)
        if port not in taken and free(port):
            return port
    raise Refusal(f"No free port was found between {_FIRST} and {_LAST} on {LOOPBACK}.")


def web_port(environ: Mapping[str, str]) -> int:
    """Return the port of the web server from CC_PORT or PORT; 8000 without them."""
    for name in ("CC_PORT", "PORT"):
        raw = environ.get(name, "").strip()
        if raw:
            if not raw.isascii() or not raw.isdigit() or not 1 <= int(raw) <= 65_535:
                raise Refusal(f"{name} must be a port number from 1 to 65535, not {raw[:40]!r}.")
            return int(raw)
    return 8000
