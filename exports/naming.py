"""Names of files that any system can store: plain ASCII, short, and told apart without regard to case."""

from __future__ import annotations

import re
from collections.abc import Iterable

from commandcenter.analysis.models import Analysis

MAX_STEM = 80


def file_name(analysis: Analysis, extension: str) -> str:
    """Return a name in plain ASCII: repository, commit, extension."""
    return f"{plain(analysis.repository.name, 'repository')}-{analysis.commit[:12]}.{extension}"


def plain(name: str, otherwise: str) -> str:
    """Return a name as letters, digits, dots and dashes, or `otherwise` when nothing is left of it."""
    return (re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-.") or otherwise)[:MAX_STEM]


def unique(names: Iterable[str]) -> list[str]:
    """Return the names in order, each that comes again with a number before its extension."""
    taken: set[str] = set()
    found = []
    for name in names:
        stem, dot, extension = name.rpartition(".")
        candidate, number = name, 1
        while candidate.lower() in taken:
            number += 1
            candidate = f"{stem}-{number}{dot}{extension}"
        taken.add(candidate.lower())
        found.append(candidate)
    return found
