"""Cuts texts into lines that have the numbers which git, editors and line counters give them.

`str.splitlines` also ends lines at form feeds, at U+2028 and at other separators: every number behind one is wrong.
"""

from __future__ import annotations

from collections.abc import Iterator


def lines_of(text: str) -> list[str]:
    """Return the lines of a text, which end with LF or CR LF, without their ends."""
    lines = text.split("\n")
    if not lines[-1]:
        lines.pop()
    return [line.removesuffix("\r") for line in lines]


def numbered_pieces(text: str) -> Iterator[tuple[int, str]]:
    """Yield (line, piece): cut at every separator that Python knows, lone CRs of old files too, but numbered by LF.

    For texts in which what stands at the beginning of a piece counts, whatever ended the one before.
    """
    for number, line in enumerate(lines_of(text), 1):
        for piece in line.splitlines() or [line]:
            yield number, piece
