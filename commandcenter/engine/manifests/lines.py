"""Finds the line on which a package stands, by scanning beside the parser."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Collection, Sequence

_JSON_KEY = re.compile(r'^([ \t]*)"((?:[^"\\\n]|\\.)*)"[ \t]*:', re.MULTILINE)
_TOML_HEADER = re.compile(r"^[ \t]*\[{1,2}([^\[\]\n]+)\]{1,2}", re.MULTILINE)
_TOML_LINE = re.compile(
    r"^[ \t]*(?:\[{1,2}(?P<header>[^\[\]\n]+)\]{1,2}|(?P<key>[\w.-]+|\"[^\"\n]+\")[ \t]*=)", re.MULTILINE
)


class LineIndex:
    """Turns offsets into 1-based line numbers."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._starts = [0, *(match.end() for match in re.finditer("\n", text))]

    def at(self, offset: int) -> int:
        return bisect_right(self._starts, offset)

    def of(self, needle: str, start: int = 0) -> int | None:
        """The line of the first occurrence of `needle` from an offset on."""
        offset = self._text.find(needle, start)
        return None if offset < 0 else self.at(offset)


def json_lines(text: str, tops: Collection[str], depth: int = 2) -> dict[tuple[str, ...], int]:
    """The line of each key under the top-level keys `tops`, as a path of at most `depth` keys.

    Keys are told apart by their indentation, as every tool writes them; a file on one line has no lines. Keys with
    escapes stand as they are written.
    """
    found: dict[tuple[str, ...], int] = {}
    stack: list[tuple[int, str]] = []
    line, last = 1, 0
    for match in _JSON_KEY.finditer(text):
        indent = len(match[1])
        while stack and stack[-1][0] >= indent:
            stack.pop()
        if len(stack) >= depth or (stack and stack[0][1] not in tops):
            continue
        stack.append((indent, match[2]))
        line += text.count("\n", last, match.start())
        last = match.start()
        path = tuple(key for _, key in stack)
        found.setdefault(path, line)
    return found


def toml_array_lines(text: str, header: str, names: Sequence[str | None]) -> list[int | None]:
    """The line of `name = ...` in each `[[header]]`, in order; all None where the file is not laid out like that."""
    index = LineIndex(text)
    starts = [match.end() for match in re.finditer(rf"^\[\[{re.escape(header)}\]\]", text, re.MULTILINE)]
    if len(starts) != len(names):
        return [None] * len(names)
    lines: list[int | None] = []
    for name, start in zip(names, starts, strict=True):
        match = re.compile(r'[ \t\r]*\n[ \t]*name[ \t]*=[ \t]*"([^"\n]*)"').match(text, start)
        lines.append(index.at(match.start(1)) if match and match[1] == name else None)
    return lines


def toml_key_lines(text: str) -> dict[tuple[str, str], int]:
    """The line of each `key =` by (table header, key), and of each header by (header, "")."""
    found: dict[tuple[str, str], int] = {}
    header, line, last = "", 1, 0
    for match in _TOML_LINE.finditer(text):
        line += text.count("\n", last, match.start())
        last = match.start()
        if match["header"] is not None:
            header = re.sub(r"[\"']", "", match["header"].strip())
            found.setdefault((header, ""), line)
        else:
            key = match["key"]
            found.setdefault((header, key.strip('"')), line)
            if key[0] != '"':  # the first part of a dotted key is a key of this table
                found.setdefault((header, key.partition(".")[0]), line)
    return found


def literal_line(text: str, index: LineIndex, literal: str, start: int = 0) -> int | None:
    """The line of a quoted string from an offset on; None where it is written with escapes."""
    offsets = [offset for quote in "\"'" if (offset := text.find(f"{quote}{literal}{quote}", start)) >= 0]
    return index.at(min(offsets)) if offsets else None
