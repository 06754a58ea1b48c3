"""Addresses as other tools may read them: no credentials, percent-encoded, absolute where a standard asks for it."""

from __future__ import annotations

import re
from urllib.parse import quote, urlsplit, urlunsplit

_SCP = re.compile(r"(?:[^@/:\s]+@)?(?P<host>\[[^\]\s]+\]|[^:/@\s\[\]]+):(?P<path>[^\s]+)")
_BYTE = re.compile(rb"\\x([0-9a-f]{2})")
_GIT_SCHEMES = frozenset({"https", "http", "ssh", "git"})
_HOST = r"(?:[A-Za-z0-9][A-Za-z0-9._-]*|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?"
_IS_HOST = re.compile(_HOST)
# Paths, and queries and fragments, as RFC 3986 has them.
_PATH = r"(?:[A-Za-z0-9._~!$&'()*+,;=:@/-]|%[0-9A-Fa-f]{2})*"
_MORE = r"(?:[A-Za-z0-9._~!$&'()*+,;=:@/?-]|%[0-9A-Fa-f]{2})*"
_HTTP = re.compile(rf"https?://{_HOST}(?:/{_PATH})?(?:\?{_MORE})?(?:#{_MORE})?", re.IGNORECASE)
_STRAY = re.compile(r"%(?![0-9A-Fa-f]{2})")
_USER = re.compile(r"([^/?#]*://)[^/?#]*@")


def without_credentials(source: str) -> str:
    """Return a source without the user name and password that its URL may carry; other sources as they are."""
    return _USER.sub(r"\1", source, count=1) if "://" in source else source


def repository_uri(source: str) -> str | None:
    """Return the absolute URI of a git repository behind a network address, without credentials; None for others."""
    if "://" not in source:
        match = _SCP.fullmatch(source)
        if match is None or source.startswith(("/", ".")) or not _IS_HOST.fullmatch(match["host"]):
            return None
        return f"ssh://{match['host']}/{quote(match['path'].lstrip('/'))}"
    try:
        parts = urlsplit(source)
    except ValueError:
        return None
    host = parts.netloc.rpartition("@")[2]
    if parts.scheme.lower() not in _GIT_SCHEMES or not _IS_HOST.fullmatch(host):
        return None
    path = _STRAY.sub("%25", quote(parts.path, safe="/%"))
    return urlunsplit((parts.scheme.lower(), host, path, "", ""))


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
    """Return the address when it is an absolute http(s) URI as RFC 3986 writes one, else None."""
    return address if address and _HTTP.fullmatch(address) else None
