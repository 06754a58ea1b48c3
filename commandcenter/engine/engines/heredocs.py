"""Writes a Dockerfile as hadolint can read it: it wants an empty line behind every here-document."""

from __future__ import annotations

import re
from bisect import bisect_left
from dataclasses import dataclass

_INSTRUCTION = re.compile(rb"[ \t]*(?:ONBUILD[ \t]+)?(?:RUN|COPY|ADD)[ \t]", re.IGNORECASE)
_OPENS = re.compile(rb"(?<!<)<<(-?)([\"']?)([A-Za-z_]\w*)\2")


@dataclass(frozen=True, slots=True)
class Closed:
    """The text with empty lines put in, and which of its lines (from 1) they are."""

    text: bytes
    added: tuple[int, ...]

    def original(self, line: int) -> int:
        """Return the number that a line of this text has in the file."""
        return max(1, line - bisect_left(self.added, line))


def closed(data: bytes) -> Closed:
    """Return the Dockerfile with an empty line behind each here-document that has none. Linear in its size."""
    if b"<<" not in data:
        return Closed(data, ())
    lines = data.split(b"\n")
    out: list[bytes] = []
    added: list[int] = []
    place, inside = 0, False
    while place < len(lines):
        line = lines[place]
        inside = inside or _INSTRUCTION.match(line) is not None
        opened = _OPENS.search(line) if inside else None
        end = _end(lines, place + 1, opened) if opened else None
        if end is not None:
            out += lines[place : end + 1]
            place, inside = end + 1, False
            if place < len(lines) and lines[place].strip():
                out.append(b"")
                added.append(len(out))
            continue
        out.append(line)
        inside = inside and line.rstrip().endswith(b"\\")
        place += 1
    return Closed(b"\n".join(out), tuple(added))


def _end(lines: list[bytes], start: int, opened: re.Match[bytes]) -> int | None:
    """Return the line with the delimiter, None where there is none."""
    for place in range(start, len(lines)):
        line = lines[place].rstrip(b"\r")
        if (line.lstrip(b"\t") if opened[1] else line) == opened[3]:
            return place
    return None
