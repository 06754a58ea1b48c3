"""Matches many globs against many paths quickly: by base name, by suffix, and only then by expression."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Generic, TypeVar

T = TypeVar("T")


class GlobIndex(Generic[T]):
    """Globs, each with what it stands for. Suffixes are written as `*.suffix` and match without regard to case."""

    def __init__(self, globs: Iterable[tuple[str, T]]) -> None:
        self._names: dict[str, list[T]] = defaultdict(list)
        self._suffixes: dict[str, list[T]] = defaultdict(list)
        self._named: list[tuple[re.Pattern[str], T]] = []
        self._placed: list[tuple[re.Pattern[str], T]] = []
        for glob, meaning in globs:
            suffix = re.fullmatch(r"\*(\.[\w-]+)", glob)
            if suffix is not None:
                self._suffixes[suffix[1].lower()].append(meaning)
            elif "/" in glob:
                self._placed.append((_compile(glob), meaning))
            elif "*" in glob:
                self._named.append((_compile(glob), meaning))
            else:
                self._names[glob].append(meaning)
        self._any_named = _alternatives(self._named)
        self._any_placed = _alternatives(self._placed)

    def matches(self, path: str) -> Iterator[T]:
        """What every glob that matches the path stands for."""
        name = path.rpartition("/")[2]
        yield from self._names.get(name, ())
        dot = name.rfind(".")
        if dot > 0:
            yield from self._suffixes.get(name[dot:].lower(), ())
        # One expression says whether any of the rare ones can match; most paths end here.
        if self._any_named is not None and self._any_named.fullmatch(name):
            yield from (meaning for pattern, meaning in self._named if pattern.fullmatch(name))
        if self._any_placed is not None and self._any_placed.fullmatch(path):
            yield from (meaning for pattern, meaning in self._placed if pattern.fullmatch(path))


def _compile(glob: str) -> re.Pattern[str]:
    tokens = re.findall(r"\*\*/|\*|\?|[^*?]+", glob)
    special = {"**/": "(?:[^/]*/)*", "*": "[^/]*", "?": "[^/]"}
    return re.compile("".join(special.get(token) or re.escape(token) for token in tokens))


def _alternatives(patterns: Iterable[tuple[re.Pattern[str], T]]) -> re.Pattern[str] | None:
    sources = [pattern.pattern for pattern, _ in patterns]
    return re.compile("|".join(sources)) if sources else None
