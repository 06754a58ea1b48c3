"""The `Range` of a request: one part of a file, so that a broken download goes on where it ended."""

from __future__ import annotations

import re
from dataclasses import dataclass

_ONE = re.compile(r"bytes=(?P<first>[0-9]{0,18})-(?P<last>[0-9]{0,18})", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Part:
    """Bytes of a file: the first, and how many."""

    start: int
    length: int


class Unsatisfiable(Exception):
    """No byte of the file lies in the range."""


def part_asked_for(header: str, size: int) -> Part | None:
    """Return the part that a `Range` names; None for what is sent whole: no range, several, or none that can be read.

    Raises Unsatisfiable.
    """
    match = _ONE.fullmatch(header.strip()[:100])
    if match is None or not (match["first"] or match["last"]):
        return None
    if not match["first"]:
        length = min(int(match["last"]), size)
        if length == 0:
            raise Unsatisfiable
        return Part(size - length, length)
    start = int(match["first"])
    last = min(int(match["last"]), size - 1) if match["last"] else size - 1
    if match["last"] and int(match["last"]) < start:
        return None  # no range by RFC 9110, and so as if there were none
    if start >= size:
        raise Unsatisfiable
    return Part(start, last - start + 1)
