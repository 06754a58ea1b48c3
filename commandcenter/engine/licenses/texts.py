"""The texts of the SPDX list that are shipped, ready to be compared."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import pairwise

import orjson

from commandcenter.engine.licenses.words import words_of

SHORTEST = 30
"""Words below which likeness says nothing."""

# What follows is an explanation of how to use the licence, which many copies leave out.
_END = re.compile(r"^\W*END OF (?:THE )?(?:TERMS AND CONDITIONS|LICENSE)\b.*$", re.MULTILINE | re.IGNORECASE)
# SPDX's text of this licence is followed by the one that it refers to.
_REFERRED = re.compile(r"^\s*GNU GENERAL PUBLIC LICENSE\s*$", re.MULTILINE)
# Notices that licences ask their users to write, cut out of their own explanations: (first words, last words).
_NOTICES = {
    "Apache-2.0": (
        "Apache-2.0",
        r"Licensed under the Apache License, Version 2\.0",
        r"limitations under the License\.",
    ),
    "MPL-2.0": ("MPL-2.0", r"This Source Code Form is subject to", r"http\S*//mozilla\.org/MPL/2\.0/?\.?"),
    "GPL-2.0": ("GPL-2.0-or-later", r"This program is free software; you can", r"for more details\."),
    "GPL-3.0": ("GPL-3.0-or-later", r"This program is free software: you can", r"for more details\."),
    "LGPL-2.1": ("LGPL-2.1-or-later", r"This library is free software; you can", r"for more details\."),
    "AGPL-3.0": ("AGPL-3.0-or-later", r"This program is free software: you can", r"for more details\."),
}
# Texts that name a holder in their terms, where others write their own name: (first words, the name).
_HOLDERS = {"PostgreSQL": ("Permission to use", "THE UNIVERSITY OF CALIFORNIA")}


@dataclass(frozen=True, slots=True)
class Template:
    """A text to compare with, its words as numbers. `spdx` is None for explanations that say nothing by themselves."""

    spdx: str | None
    words: tuple[int, ...]
    pairs: Counter[int]


@dataclass(frozen=True, slots=True)
class Library:
    """All templates, and the number of each word that one of them has, from 1."""

    templates: tuple[Template, ...]
    numbers: dict[str, int]

    def encode(self, words: Iterable[str]) -> list[int]:
        """Give words as numbers, 0 for those that no template has."""
        return [self.numbers.get(word, 0) for word in words]


@cache
def digest() -> str:
    """Name the texts: with others the same files may have other licences."""
    return hashlib.sha256(data()).hexdigest()


def listed() -> dict[str, dict[str, str]]:
    """Give {name, text} of each licence by its SPDX id, as the list has them."""
    licenses: dict[str, dict[str, str]] = orjson.loads(data())["licenses"]
    return licenses


def data() -> bytes:
    """Give the file as it is shipped: {origin, licenses}."""
    return files("commandcenter.engine.data").joinpath("licenses.json").read_bytes()


@cache
def library() -> Library:
    """Load them, each licence's own text, its explanation and its notice apart."""
    made: dict[tuple[int, ...], Template] = {}
    numbers: dict[str, int] = {}
    for spdx, entry in listed().items():
        for name, text in _parts(spdx, entry["text"]):
            words = tuple(numbers.setdefault(word, len(numbers) + 1) for word in words_of(text).words)
            if len(words) >= SHORTEST:
                made.setdefault(words, Template(name, words, pairs_of(words)))
    return Library(tuple(made.values()), numbers)


def pairs_of(words: Sequence[int]) -> Counter[int]:
    """Count the pairs of words that stand side by side, each as one number."""
    return Counter(first << 20 | second for first, second in pairwise(words))


def _parts(spdx: str, text: str) -> list[tuple[str | None, str]]:
    if spdx == "LGPL-3.0":
        (referred,) = list(_REFERRED.finditer(text))[:1]
        text = text[: referred.start()]
    parts: list[tuple[str | None, str]] = [(spdx, text)]
    if (end := _END.search(text)) is not None:
        parts = [(spdx, text[: end.start()]), (None, text[end.start() :])]
    if spdx in _NOTICES:
        name, first, last = _NOTICES[spdx]
        notice = re.search(rf"{first}.*?{last}", text, re.DOTALL)
        if notice is not None:
            parts.append((name, notice[0]))
    if spdx in _HOLDERS:
        first, holder = _HOLDERS[spdx]
        parts.append((spdx, text[text.index(first) :].replace(holder, "")))
    return parts
