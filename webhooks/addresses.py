"""Whether an address may be an endpoint's: by its text when it is kept, by what its name stands for when it is entered."""

from __future__ import annotations

from urllib.parse import SplitResult, urlsplit

from django.conf import settings

from commandcenter.outbound import ForbiddenAddress, MalformedHost, is_allowed, literal, resolve
from webhooks.exceptions import InvalidEndpoint

LONGEST = 2000
LOOK_UP_SECONDS = 3.0
_ALLOW = "If it is meant, ask whoever runs this installation to name its network in CC_OUTBOUND_ALLOW."


def url_fault(url: str) -> str:
    """Say what is wrong with an address as far as its text tells; the empty text: nothing."""
    if not url.isascii() or not url.isprintable() or " " in url or len(url) > LONGEST:
        return f"Give an address of at most {LONGEST:,} characters, without blanks and in ASCII (xn--, %20)."
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
        address = literal(host) if host else None
    except (ValueError, ForbiddenAddress) as error:
        return _unusable(error)
    if parts.scheme not in {"http", "https"} or not host:
        return "Give an http or https address with a host."
    if port == 0:
        return "Port 0 cannot be dialled."
    if parts.username is not None or parts.password is not None:
        return "Give it without user name and password; a header can carry them."
    if parts.fragment:
        return "Give it without the part after '#', which is never sent."
    if address is not None and not is_allowed(address, settings.OUTBOUND_ALLOW):
        return f"{host} is not a public address. {_ALLOW}"
    return ""


def require_reachable(url: str) -> None:
    """Look the name up, which may take seconds; so never while a row is locked. Raises InvalidEndpoint.

    The sender looks again each time it dials: what a name stands for may change.
    """
    if fault := url_fault(url):
        raise InvalidEndpoint.single("url", "invalid", fault)
    parts = urlsplit(url)
    host = parts.hostname or ""
    try:
        resolve(host, _port(parts), settings.OUTBOUND_ALLOW, seconds=LOOK_UP_SECONDS)
    except MalformedHost as error:
        raise InvalidEndpoint.single("url", "invalid", _unusable(error)) from None
    except ForbiddenAddress as error:
        raise InvalidEndpoint.single("url", "forbidden_host", f"{error}. {_ALLOW}") from None
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
