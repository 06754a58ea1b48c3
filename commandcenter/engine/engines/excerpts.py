"""What findings may quote of a file: folded, cut, and without what may be a secret."""

from __future__ import annotations

import functools
import re

MAX_SNIPPET = 500
REDACTED = "[redacted]"
_LINE = 2 * MAX_SNIPPET
# A run of letters and digits as long as a key; words, paths and versions are shorter or have no digits among letters.
_LIKE_A_SECRET = re.compile(r"(?<![\w+=])(?=[\w+=]*\d[\w+=]*\d)(?=[\w+=]*[A-Za-z])[\w+=]{16,}")
# A name is looked at once, from its beginning, and given back by nothing: lines of thousands of "token" are hostile.
_NAMED = r"(?=[\w-]*?(?:passw(?:or)?d|passphrase|secret|token|api[_-]?key|private[_-]?key))[\w-]++"
_ASSIGNED = re.compile(
    rf"(?i)(?<![\w-])(--{_NAMED}[= ]\s*+|{_NAMED}[\"']?\s*+[=:]\s*+)(\"[^\"]*\"|'[^']*'|[^\s\"';|&<>)]+)"
)
_HARMLESS = re.compile(r"[\"']?(\$|true\b|false\b|null\b|none\b|read\b|write\b)", re.IGNORECASE)


def excerpt(data: bytes, first: int, last: int) -> str:
    """Return the lines `first` to `last` (from 1, at most 20 of them), folded and redacted."""
    lines = _lines(data)[first - 1 : min(last, first + 19)]
    text = " ".join(line[:_LINE].decode("utf-8", "replace") for line in lines)
    return " ".join(redacted(text).split())[:MAX_SNIPPET]


@functools.lru_cache(maxsize=2)
def _lines(data: bytes) -> list[bytes]:
    """Split a file once for all of its findings: there may be tens of thousands."""
    return data.removeprefix(b"\xef\xbb\xbf").split(b"\n")


def redacted(text: str) -> str:
    """Return the text without values of passwords and without words that look like keys."""
    return _LIKE_A_SECRET.sub(REDACTED, _ASSIGNED.sub(_hide, text))


def _hide(assigned: re.Match[str]) -> str:
    return assigned[0] if _HARMLESS.match(assigned[2]) else f"{assigned[1]}{REDACTED}"
