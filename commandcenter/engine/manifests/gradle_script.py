"""Cuts a Gradle script, Groovy or Kotlin, into statements with the blocks that they stand in; nothing is evaluated."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from commandcenter.engine.manifests.model import Unreadable

MAX_DEPTH = 60
MAX_CHARACTERS = 300_000
_TOKEN = re.compile(
    r"""(?P<skip>//[^\n]*|/\*.*?(?:\*/|\Z)|[ \t\r\f]+)"""
    r'''|(?P<string>"""(?:.*?)(?:"""|\Z)|\'\'\'(?:.*?)(?:\'\'\'|\Z)|"(?:\$\{[^{}\n]*\}|[^"\\\n]|\\.)*+(?:"|$)|'(?:[^'\\\n]|\\.)*(?:'|$))'''
    r"""|(?P<word>[A-Za-z_][\w.]*)|(?P<number>\d[\w.]*)|(?P<sign>[^\w])""",
    re.DOTALL | re.MULTILINE,
)


class Token(NamedTuple):
    """A word with its dots, a string without its quotes, a number, or one sign."""

    kind: str
    text: str
    line: int


@dataclass(slots=True)
class Statement:
    """The tokens of one statement. `blocks` are the first words of the blocks around it, outermost first."""

    blocks: tuple[str, ...]
    tokens: list[Token] = field(default_factory=list)


def _tokens(text: str) -> Iterator[Token]:
    line = 1
    for match in _TOKEN.finditer(text):
        kind, written = match.lastgroup or "", match[0]
        if kind == "string":
            yield Token(kind, written.strip(written[0]), line)
        elif kind != "skip":
            yield Token(kind, written, line)
        line += written.count("\n")


def statements(text: str) -> Iterator[Statement]:
    """The statements in order; what opens a block is one as well. Raises Unreadable where it is too long or too deep."""
    if len(text) > MAX_CHARACTERS:
        raise Unreadable("It is longer than a script can be.")
    stack: list[tuple[str, int]] = []
    tokens: list[Token] = []
    brackets = 0

    def cut() -> Statement:
        nonlocal tokens
        done, tokens = tokens, []
        return Statement(tuple(word for word, _ in stack), done)

    for token in _tokens(text):
        sign = token.text if token.kind == "sign" else ""
        if sign == "{":
            head = tokens[0].text if tokens else ""
            if tokens:
                yield cut()
            stack.append((head, brackets))
            brackets = 0
            if len(stack) > MAX_DEPTH:
                raise Unreadable(f"It nests deeper than {MAX_DEPTH} blocks.")
        elif sign == "}":
            if tokens:
                yield cut()
            _, brackets = stack.pop() if stack else ("", 0)
        elif sign in ("\n", ";"):
            open_ended = brackets > 0 or (tokens and tokens[-1].text == "," and tokens[-1].kind == "sign")
            if tokens and not open_ended:
                yield cut()
        else:
            brackets += (sign in ("(", "[")) - (sign in (")", "]") and brackets > 0) if sign else 0
            tokens.append(token)
    if tokens:
        yield cut()
