"""Credentials of repositories: how they are given, taken out of a URL, and when they are dropped."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit, urlunsplit

from commandcenter.inventory.exceptions import InvalidCredentials

MAX_SECRET = 10_000
_KEY = re.compile(
    r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----\r?\n[A-Za-z0-9+/=:,\-\s]*-----END [A-Z0-9 ]*PRIVATE KEY-----\s*"
)
_SECRET_NAMES = ("password", "token", "secret")


@dataclass(frozen=True, slots=True)
class Credentials:
    """A user name, which may be empty, and a secret; repr shows neither."""

    username: str = ""
    secret: str | None = None

    def __repr__(self) -> str:
        return f"Credentials(set={self.secret is not None})"

    @classmethod
    def read(cls, given: Any) -> Credentials:
        """Read a string (a token) or {"username", "password" | "token" | "secret"}; an empty object removes them."""
        if isinstance(given, str):
            given = {"secret": given}
        if not isinstance(given, dict):
            raise InvalidCredentials(
                'Give a string, or an object such as {"username": "ci", "password": "..."}.'
            )
        unknown = sorted(set(given) - {"username", *_SECRET_NAMES})
        if unknown:
            raise InvalidCredentials(
                f"Unknown member {unknown[0]!r}; known are username, password, token, secret."
            )
        username = given.get("username") or ""
        secrets = [given[name] for name in _SECRET_NAMES if given.get(name)]
        if not isinstance(username, str) or not all(isinstance(secret, str) for secret in secrets):
            raise InvalidCredentials("User name and secret must be text.")
        if len(secrets) > 1:
            raise InvalidCredentials("Give one of password, token and secret.")
        if username and not secrets:
            raise InvalidCredentials("A user name needs a password, token or secret.")
        if len(username) > 255 or any(len(secret) > MAX_SECRET for secret in secrets):
            raise InvalidCredentials("The credentials are too long.")
        if set("\r\n\x00") & set(username) or any(not _storable(secret) for secret in secrets):
            raise InvalidCredentials(
                "User name and secret must each be one line; only a private key has several."
            )
        return cls(username, secrets[0] if secrets else None)


def _storable(secret: str) -> bool:
    """Tell whether this is one line, or a private key for ssh."""
    return not set("\r\n\x00") & set(secret) or _KEY.fullmatch(secret) is not None


def take_from_url(source: str) -> tuple[str, Credentials | None]:
    """Return the source without the secret that an http(s) URL may carry, and that secret."""
    parts = _http(source)
    if parts is None or "@" not in parts.netloc:
        return source, None
    userinfo, _, host = parts.netloc.rpartition("@")
    username, _, password = userinfo.partition(":")
    bare = urlunsplit(parts._replace(netloc=host))
    if password:
        return bare, Credentials(unquote(username), unquote(password))
    # https://TOKEN@host is how several forges write a token.
    return bare, Credentials("", unquote(username)) if username else None


def same_place(one: str, other: str) -> bool:
    """Tell whether two sources lie on the same host (scheme and port included): only then may credentials stay."""
    return _place(one) == _place(other)


def _place(source: str) -> tuple[str, str]:
    try:
        parts = urlsplit(source)
    except ValueError:
        return ("", source)
    if parts.scheme and parts.netloc:
        return parts.scheme.lower(), parts.netloc.rpartition("@")[2].lower()
    head, colon, _ = source.partition(":")
    if colon and "/" not in head:  # git@host:path
        return "ssh", head.rpartition("@")[2].lower()
    return "file", source


def _http(source: str) -> SplitResult | None:
    try:
        parts = urlsplit(source)
    except ValueError:
        return None
    return parts if parts.scheme.lower() in {"http", "https"} else None
