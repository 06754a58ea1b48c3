"""Words of a repository inside Markdown: as code, in which nothing mentions, refers, links or is HTML."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

_UNSEEN = frozenset(
    {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
)  # control, bidi and other characters without a shape
_BLANKS = re.compile(r"[ \t\r\n]+")
_TICKS = re.compile("`+")
CUT = "\u2026"


def code(text: str, most: int) -> str:
    """Return a text as code on one line, at most this long; a dash for nothing.

    Mentions, references, links, images and HTML have no meaning in code. A fence of more backticks than the text
    has keeps it there.
    """
    shown = cut(visible(_BLANKS.sub(" ", text).strip()), most)
    if not shown:
        return "\u2013"
    fence = "`" * (1 + max((len(run) for run in _TICKS.findall(shown)), default=0))
    pad = " " if shown.startswith("`") or shown.endswith("`") else ""
    return f"{fence}{pad}{shown}{pad}{fence}"


def cell(text: str, most: int) -> str:
    """Return a text as code for a table, where a pipe would end the cell, and loses the backslash before it."""
    return code(text, most).replace("|", "\\|")


def visible(text: str) -> str:
    """Return a text with what cannot be seen written as escapes, as `\\u202e`."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(_escape(each) if unicodedata.category(each) in _UNSEEN else each for each in text)


def _escape(character: str) -> str:
    number = ord(character)
    return (
        f"\\x{number:02x}" if number < 256 else f"\\u{number:04x}" if number < 65536 else f"\\U{number:08x}"
    )


def cut(text: str, most: int) -> str:
    """Return a text, or its start with the mark of a cut."""
    return text if len(text) <= most else f"{text[: most - 1]}{CUT}"


def link(words: str, address: str) -> str:
    """Return a link of words that are Markdown already to an address of ours."""
    return f"[{words}]({address.replace('(', '%28').replace(')', '%29').replace('|', '%7C')})"


def row(cells: Iterable[str]) -> str:
    """Return a row of a table."""
    return f"| {' | '.join(cells)} |"


def length(text: str) -> int:
    """Count a text as GitHub's limit does at most: in UTF-16 units."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2
