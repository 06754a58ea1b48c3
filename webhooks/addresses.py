"""Addresses of endpoints: whether one that is entered leads anywhere, and what others are told of one."""

from __future__ import annotations

from urllib.parse import SplitResult, urlsplit

from django.conf import settings

from commandcenter.outbound import ASK_TO_ALLOW, ForbiddenAddress, MalformedHost, resolve, url_fault
from webhooks.exceptions import InvalidEndpoint

LOOK_UP_SECONDS = 3.0


def require_reachable(url: str) -> None:
    """Look the name up, which may take seconds; so never while a row is locked. Raises InvalidEndpoint.

    The sender looks again each time it dials: what a name stands for may change.
    """
    if fault := url_fault(url, settings.OUTBOUND_ALLOW):
        raise InvalidEndpoint.single("url", "invalid", fault)
    parts = urlsplit(url)
    host = parts.hostname or ""
    try:
        resolve(host, _port(parts), settings.OUTBOUND_ALLOW, seconds=LOOK_UP_SECONDS)
    except MalformedHost as error:
        raise InvalidEndpoint.single("url", "invalid", _unusable(error)) from None
    except ForbiddenAddress as error:
        raise InvalidEndpoint.single("url", "forbidden_host", f"{error}. {ASK_TO_ALLOW}") from None
    except TimeoutError:
        message = f"Looking up {host} took too long; try again."
        raise InvalidEndpoint.single("url", "unresolvable", message) from None
    except OSError:
        message = f"No host named {host} is known. Is it spelt right?"
        raise InvalidEndpoint.single("url", "unresolvable", message) from None


def told(url: str) -> str:
    """Return the address as events tell it to others: without its query, which may hold a secret."""
    return url.partition("?")[0]


def origin(url: str) -> tuple[str, str, int]:
    """Return scheme, host and port: to whom what is sent there is known."""
    parts = urlsplit(url)
    return parts.scheme, parts.hostname or "", _port(parts)


def _unusable(error: Exception) -> str:
    return f"This address cannot be used: {error}."


def _port(parts: SplitResult) -> int:
    return parts.port or (443 if parts.scheme == "https" else 80)
