"""Addresses as other tools may read them: no credentials, percent-encoded, absolute where a standard asks for it."""

from __future__ import annotations

import re
from urllib.parse import quote, urlsplit, urlunsplit

_SCP = re.compile(r"(?:[^@/:\s]+@)?(?P<host>\[[^\]\s]+\]|[^:/@\s\[\]]+):(?P<path>[^\s]+)")
_BYTE = re.compile(rb"\\x([0-9a-f]{2})")
_GIT_SCHEMES = frozenset({"https", "http", "ssh", "git"})


def without_credentials(source: str) -> str:
    """Return a source without the user name and password that its URL may carry; other sources as they are."""
    parts = urlsplit(source) if "://" in source else None
    if parts is None or "@" not in parts.netloc:
        return source
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def repository_uri(source: str) -> str | None:
    """Return the absolute URI of a git repository behind a network address, without credentials; None for others."""
    if "://" not in source:
        match = _SCP.fullmatch(source)
        if match is None or source.startswith(("/", ".")):
            return None
        return f"ssh://{match['host']}/{quote(match['path'].lstrip('/'))}"
    parts = urlsplit(source)
    if parts.scheme.lower() not in _GIT_SCHEMES or not parts.netloc:
        return None
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme.lower(), host, quote(parts.path, safe="/%"), "", ""))


def path_uri(path: str) -> str:
    """Return a path of the tree as a relative URI reference, of the bytes that git has.

    Trees hold no absolute paths and no `..`; a byte that is no text is written `\\xNN` in ours.
    """
    raw = (
        _BYTE.sub(lambda found: bytes([int(found[1], 16)]), path.encode()) if "\\x" in path else path.encode()
    )
    encoded = quote(raw, safe="/-._~!$&'()*+,;=@")
    # A colon in the first segment would read as a scheme; quote() has encoded it. An empty path is no reference.
    return encoded or "."


def http_uri(address: str | None) -> str | None:
    """Return the address when it is an absolute http(s) URL, else None."""
    if not address:
        return None
    try:
        parts = urlsplit(address)
    except ValueError:
        return None
    if parts.scheme not in {"http", "https"} or not parts.hostname or re.search(r"[\s<>\"{}|\\^`]", address):
        return None
    return address
