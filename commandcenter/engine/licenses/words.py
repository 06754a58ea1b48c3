"""Reduces a text to the words by which licences are told apart, as SPDX's guidelines for matching have it."""

from __future__ import annotations

import re
from dataclasses import dataclass

MAX_CHARS = 256 * 1024
"""A text is looked at so far; the longest licence of the list has 42,000 characters."""
MAX_LINE = 20_000

_WORD = re.compile(r"[^\W_]+")
# Who holds the rights, and since when, is no part of a licence; nor is the reservation of all of them.
_HOLDER = re.compile(
    r"\W*(?:portions |all |some )?(?:copyright|copyrights|\(c\)|©)(?:\W*(?:\(c\)|©|&copy;))*\W*"
    r"(?:notice:?)?(?:\d|$|\(c\)|©|<|\[|\{|by\b|year\b|yyyy|xxxx|\$|[A-Z])",
    re.IGNORECASE,
)
_BODY = re.compile(
    r"\W*copyright(?:s|ed)?[ ,]+(?:notices?|holders?|owners?|laws?|and|or|in|is|license|act|the|to|as)\b",
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
    "merchantability": "merchantability",
    "noninfringement": "noninfringement",
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
    for number, line in enumerate(text[:MAX_CHARS].splitlines(), 1):
        kept = line[:MAX_LINE]
        if _HOLDER.match(kept) and not _BODY.match(kept):
            continue
        found = [_SAME.get(word, word) for word in _WORD.findall(_RESERVED.sub(" ", kept).lower())]
        words += found
        lines += [number] * len(found)
    return Words(tuple(words), tuple(lines))
