"""Reduces a text to the words by which licences are told apart, as SPDX's guidelines for matching have it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from commandcenter.engine.textlines import numbered_pieces

MAX_CHARS = 256 * 1024
"""A text is looked at so far; the longest licence of the list has 42,000 characters."""
MAX_LINE = 20_000

_WORD = re.compile(r"[^\W_]+")
# Who holds the rights, and since when, is no part of a licence; nor is the reservation of all of them.
_MARK = r"(?:\([cC]\)|©|&copy;|\(?\d|[<\[{$]|[Bb]y\b|[Yy]ear\b|YEAR\b|yyyy|YYYY|xxxx|XXXX|$)"
_HOLDER = re.compile(
    rf"\W*(?:(?:[Pp]ortions?|[Aa]ll|[Ss]ome)\s+)?(?:(?:[Cc]opyrights?|COPYRIGHTS?)[\s:,-]{{0,20}}{_MARK}"
    r"|(?:Copyright|COPYRIGHT)[\s:,-]{1,20}[A-Z]|\([cC]\)\s{0,20}(?:[Cc]opyright\b|\d)|©|&copy;)"
)
_BODY = re.compile(
    r"\W*copyright[\s,]{1,20}(?:notices?|holders?|owners?|laws?|and|or|in|is|license|act|the|to|as)\b",
    re.IGNORECASE,
)
_RESERVED = re.compile(r"\ball rights reserved\b\.?", re.IGNORECASE)
# One meaning, one spelling.
_SAME = {
    "licence": "license",
    "licences": "licenses",
    "licenced": "licensed",
    "licencee": "licensee",
    "sublicence": "sublicense",
    "acknowledgement": "acknowledgment",
    "organisation": "organization",
    "authorised": "authorized",
    "authorisation": "authorization",
    "recognised": "recognized",
    "favour": "favor",
    "fulfil": "fulfill",
    "judgement": "judgment",
    "https": "http",
}


@dataclass(frozen=True, slots=True)
class Words:
    """The words of a text in order, and the line (1-based) on which each stands."""

    words: tuple[str, ...]
    lines: tuple[int, ...]


def words_of(text: str) -> Words:
    """Give the words of a text without the lines that name its holders."""
    words: list[str] = []
    lines: list[int] = []
    for number, line in numbered_pieces(text[:MAX_CHARS]):
        kept = line[:MAX_LINE]
        if _HOLDER.match(kept) and not _BODY.match(kept):
            continue
        found = [_SAME.get(word, word) for word in _WORD.findall(_RESERVED.sub(" ", kept).lower())]
        words += found
        lines += [number] * len(found)
    return Words(tuple(words), tuple(lines))
