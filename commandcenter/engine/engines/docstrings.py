"""Finds docstrings in Python at a tenth of a parser's cost: the line counter calls them code, people comments."""

from __future__ import annotations

import re

_TRIPLE = re.compile(rb'"""|' + rb"'''")
_OPENING = re.compile(rb"[ \t\f]*[rRuU]?\Z")
# What may hide a triple quote on the same line: a comment, or a string in single quotes.
_TOKEN = re.compile(rb"""#|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'""")
_ENDS_STATEMENT = re.compile(rb"[ \t\f]*(?:[#;][^\n]*)?\r?(?:\n|\Z)")
_CONTINUES = frozenset(b"([{,=+-*/%|&<>\\^@~.")
_LOOK_BACK = 50  # comment and blank lines between a statement and its docstring


def docstring_lines(data: bytes) -> tuple[int, int]:
    """Return how many lines of a Python file are docstrings, and how many of these are blank.

    A docstring is a triple-quoted string that is a statement of its own, also after an assignment (an attribute's
    docstring). Not one that is an argument, an operand, or shares its first line with code.
    """
    lines = blank = position = 0
    while (match := _TRIPLE.search(data, position)) is not None:
        start = match.start()
        line_start = data.rfind(b"\n", 0, start) + 1
        prefix = data[max(line_start, position) : start]
        hidden = _hidden_until(data, max(line_start, position), start)
        if hidden is not None:
            position = hidden
            continue
        end = _closing(data, match[0], match.end())
        opening = position <= line_start and _OPENING.match(prefix) is not None
        if opening and _ENDS_STATEMENT.match(data, end) and not _continues(data, line_start):
            body = data[line_start:end].split(b"\n")
            lines += len(body)
            blank += sum(not line.strip() for line in body)
        position = end
    return lines, blank


def _hidden_until(data: bytes, start: int, quote: int) -> int | None:
    """Return where to go on when the triple quote lies in a comment or in a string, else None."""
    position = start
    while (token := _TOKEN.search(data, position)) is not None and token.start() < quote:
        if token[0] == b"#":
            newline = data.find(b"\n", quote)
            return len(data) if newline < 0 else newline
        if token.end() > quote + 2:
            return token.end()
        position = token.end()
    return None


def _closing(data: bytes, quotes: bytes, position: int) -> int:
    """Return the position after the closing quotes; the file's end when there are none."""
    while (found := data.find(quotes, position)) >= 0:
        backslashes = 0
        while data[found - 1 - backslashes : found - backslashes] == b"\\":
            backslashes += 1
        if backslashes % 2 == 0:
            return found + 3
        position = found + 1
    return len(data)


def _continues(data: bytes, line_start: int) -> bool:
    """Tell whether the statement before this line is still open: it ends in an operator, a comma or a bracket."""
    end = line_start
    for _ in range(_LOOK_BACK):
        if end <= 0:
            return False
        start = data.rfind(b"\n", 0, end - 1) + 1
        line = data[start:end].strip()
        if line and not line.startswith(b"#"):
            code = line.partition(b" #")[0].rstrip()
            return bool(code) and (
                code[-1] in _CONTINUES or code.endswith((b" return", b" and", b" or", b" in"))
            )
        end = start
    return False
