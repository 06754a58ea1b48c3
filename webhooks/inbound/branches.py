"""Which branches are watched: names, in which * stands for any characters, / among them."""

from __future__ import annotations

from collections.abc import Collection
from fnmatch import fnmatchcase
from typing import Any

MOST_PATTERNS = 50
LONGEST = 250
_WILD = frozenset("?[]")  # fnmatch knows them; no branch has them


def fault(pattern: Any) -> str:
    """Say what keeps this from being a pattern, apart from what can name a branch; the empty text: nothing."""
    if not isinstance(pattern, str) or not pattern or len(pattern) > LONGEST:
        return f"A pattern is a text of 1 to {LONGEST} characters."
    if _WILD & set(pattern) or "**" in pattern or not pattern.isprintable():
        return "A pattern is the name of a branch, in which * stands for any characters: main, release/*."
    return ""


def watches(patterns: Collection[str], branch: str) -> bool:
    """Tell whether one of these patterns is the branch's name or stands for it."""
    return any(fnmatchcase(branch, pattern) for pattern in patterns)
