"""Headers that an endpoint is sent besides ours: which may be, and that their values are never shown."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping

MASK = "********"
MOST = 20
LONGEST_NAME, LONGEST_VALUE = 100, 2000
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}")
# What belongs to the connection, to the body, or to us.
_OURS = frozenset(
    {
        "accept-encoding", "connection", "content-encoding", "content-length", "content-type", "expect", "host",
        "http2-settings", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade",
    }
)  # fmt: skip
_PREFIXES = ("proxy-", "webhook-")


def faults(headers: object) -> Iterator[str]:
    """Yield what is wrong with headers as they are entered."""
    if not isinstance(headers, Mapping):
        yield 'Give an object, such as {"Authorization": "Bearer ..."}.'
        return
    if len(headers) > MOST:
        yield f"Give at most {MOST} headers."
        return
    seen: set[str] = set()
    for name, value in headers.items():
        shown, low = str(name)[:60], str(name).lower()
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            yield f"{shown!r} is no name of a header."
        elif low in _OURS or low.startswith(_PREFIXES):
            yield f"The header {shown} is set by the sender itself."
        elif low in seen:
            yield f"The header {shown} is there twice."
        elif not _is_value(value):
            yield f"The value of {shown} is a text of 1 to {LONGEST_VALUE:,} visible ASCII characters."
        seen.add(low)


def _is_value(value: object) -> bool:
    return (
        isinstance(value, str)
        and 0 < len(value) <= LONGEST_VALUE
        and value.isascii()
        and value.isprintable()
        and value == value.strip()
    )


def masked(names: Collection[str]) -> dict[str, str]:
    """Return headers as they are shown."""
    return dict.fromkeys(names, MASK)


def merged(stored: str | None, given: Mapping[str, str]) -> dict[str, str]:
    """Return the headers given, with the stored value where the mask is given for it. Raises KeyError naming others."""
    before = {name.lower(): value for name, value in read(stored).items()}
    return {name: before[name.lower()] if value == MASK else value for name, value in given.items()}


def read(stored: str | None) -> dict[str, str]:
    """Return the headers that are kept as JSON text."""
    found: dict[str, str] = json.loads(stored) if stored else {}
    return found


def written(headers: Mapping[str, str]) -> str | None:
    """Return what is kept of headers."""
    return json.dumps(dict(headers)) if headers else None
