"""The client's address, decided in one place for limits, lock-outs and the audit trail."""

from __future__ import annotations

import ipaddress
from typing import Any

from django.http import HttpRequest

UNKNOWN = "0.0.0.0"  # noqa: S104  (a label for "no address", as over a Unix socket; nothing binds to it)


def client_address(request: HttpRequest | Any) -> str:
    """Return the peer's IP address; forwarding headers are not believed, for anybody can send them."""
    raw = str(request.META.get("REMOTE_ADDR", "")).partition("%")[0]
    try:
        address = ipaddress.ip_address(raw)
    except ValueError:
        return UNKNOWN
    mapped = getattr(address, "ipv4_mapped", None)
    return str(mapped or address)
