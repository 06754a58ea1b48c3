"""Turns byte offsets of a file into lines and columns as people count them."""

from __future__ import annotations

from bisect import bisect_right

BOM = b"\xef\xbb\xbf"


class Places:
    """The lines of one file in UTF-8. Lines and columns count from 1, columns characters; a byte order mark is none."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._starts = [0]
        at = data.find(b"\n")
        while at >= 0:
            self._starts.append(at + 1)
            at = data.find(b"\n", at + 1)

    def place(self, offset: int) -> tuple[int, int]:
        """Return the line and the column of the character that begins at this byte."""
        line = bisect_right(self._starts, offset)
        before = self._data[self._starts[line - 1] : offset]
        if line == 1:
            before = before.removeprefix(BOM)
        return line, len(before.decode("utf-8", "replace")) + 1

    def lines(self, first: int, last: int) -> bytes:
        """Return these lines, from 1, as they stand in the file."""
        end = self._starts[last] if last < len(self._starts) else len(self._data)
        return self._data[self._starts[first - 1] : end]
