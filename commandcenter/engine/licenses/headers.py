"""Reads the `SPDX-License-Identifier:` lines at the beginning of files."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

from commandcenter.engine.textlines import numbered_pieces

HEAD_BYTES = 8 * 1024
MAX_LINES = 60
MAX_HEADERS = 5
_TAG = b"SPDX-License-Identifier:"
# Only marks of comments may stand before it: prose that speaks of such lines is no licence.
_LINE = re.compile(
    r"(?:[\s/*#;!%<>\-\"'.({|]|dnl|rem|@license){0,20}SPDX-License-Identifier:[ \t]*(.{1,1000})",
    re.IGNORECASE,
)
_AFTER = re.compile(r"\s*(?:\*+/|--+>|-\}|\*\)|\"\"\"|'''|#\}|%>|\?>|\*+|#+|//+|;+)\s*$")


def headers_in(data: bytes) -> Iterator[tuple[int, str]]:
    """Give (line, words) of the first such lines of a file."""
    head = data[:HEAD_BYTES]
    if _TAG not in head:
        return
    found = 0
    for number, line in islice(numbered_pieces(head.decode("utf-8", "replace")), MAX_LINES):
        match = _LINE.match(line)
        words = _AFTER.sub("", match[1]).strip() if match is not None else ""
        if words:
            yield number, words
            found += 1
            if found == MAX_HEADERS:
                return
