"""Which server mail is handed to: EMAIL_URL."""

from __future__ import annotations

from dataclasses import dataclass
from email.utils import parseaddr
from urllib.parse import unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

PORTS = {"smtp": 25, "smtp+tls": 587, "smtps": 465}


@dataclass(frozen=True, slots=True)
class Server:
    """A server that takes mail. `starttls`: encrypted after the first words; `tls`: from the first byte."""

    host: str = ""
    port: int = 25
    user: str = ""
    password: str = ""
    starttls: bool = False
    tls: bool = False


def server(url: str | None) -> Server:
    """Return the server of smtp://, smtp+tls:// or smtps:// [USER:PASSWORD@]HOST[:PORT]; one without host for none."""
    if not url:
        return Server()
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, None
    if not host or parts.scheme not in PORTS or parts.path.strip("/") or parts.query:
        raise ImproperlyConfigured(
            "EMAIL_URL must be smtp://HOST, smtp+tls://USER:PASSWORD@HOST:587 or smtps://USER:PASSWORD@HOST."
        )
    return Server(
        host=host,
        port=port or PORTS[parts.scheme],
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        starttls=parts.scheme == "smtp+tls",
        tls=parts.scheme == "smtps",
    )


def sender(given: str | None, public_host: str | None) -> str:
    """Return the sender's address, by default one of the public address's host."""
    if given is None:
        return f"Command Center <command-center@{public_host or 'localhost'}>"
    if not given.isprintable() or "@" not in parseaddr(given)[1]:
        raise ImproperlyConfigured(
            "CC_EMAIL_FROM must be an address such as Command Center <center@example.com>."
        )
    return given
