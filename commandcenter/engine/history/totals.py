"""What the commits of a window add up to. Sums, earliest and latest alone: the order of commits makes no difference."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from commandcenter.engine.contract.files import Entry
from commandcenter.engine.contract.history import Churn, Contributor, HistorySummary
from commandcenter.engine.history.commits import UNKNOWN, Commits
from commandcenter.engine.history.people import digest, person
from commandcenter.engine.source.names import printable

MAX_PEOPLE = 1000
MAX_NAME = 200
WEEK = 7 * 86_400
MAX_WEEKS = 520
_LAST_SECOND = 253_402_300_799  # of the year 9999
_ESCAPE = re.compile(rb"\\([0-7]{3}|.)")
_LETTERS = {b"a": b"\a", b"b": b"\b", b"t": b"\t", b"n": b"\n", b"v": b"\v", b"f": b"\f", b"r": b"\r"}


@dataclass(slots=True)
class _File:
    commits: int = 0
    added: int = 0
    deleted: int = 0
    last: int = 0


@dataclass(slots=True)
class _Person:
    name: tuple[int, str]
    first: int
    last: int
    commits: int = 0
    changes: int = 0
    added: int = 0
    deleted: int = 0


class Totals:
    """Adds up the commits of `days` days before `newest`; `entries` are the files that still exist."""

    def __init__(self, entries: Iterable[Entry], *, newest: int, days: int, percent: int) -> None:
        self._existing = [entry.path for entry in entries]
        self._newest = newest
        self._days = days
        self._percent = min(percent, 100)
        self._files: dict[str, _File] = {}
        self._people: dict[str, _Person] = {}
        self._weeks = [0] * min(-(-days // 7), MAX_WEEKS)
        self._lines = True

    def add(self, commits: Commits) -> None:
        """Take all of these commits."""
        paths = self._living(commits.paths)
        keys = [person(*author) for author in commits.authors]
        for when, author, touches in commits.each():
            who = self._someone(keys[author], commits.authors[author][1], when)
            week = max(0, (self._newest - when) // WEEK)
            if week < len(self._weeks):
                self._weeks[week] += 1
            living = False
            for place, added, deleted in touches:
                path = paths.get(place)
                if path is None:
                    continue
                living = True
                file = self._files.setdefault(path, _File())
                file.commits += 1
                file.last = max(file.last, when)
                if added == UNKNOWN:
                    self._lines = False
                    continue
                file.added += added
                file.deleted += deleted
                who.added += added
                who.deleted += deleted
            who.changes += living

    def _living(self, paths: Iterable[bytes]) -> dict[int, str]:
        """Return the names of those paths that still exist, by their places."""
        existing = frozenset(self._existing)
        named = ((place, printable(unquoted(path))) for place, path in enumerate(paths))
        return {place: path for place, path in named if path in existing}

    def _someone(self, key: str, name: str, when: int) -> _Person:
        who = self._people.get(key)
        if who is None:
            who = self._people[key] = _Person((when, name), when, when)
        who.commits += 1
        who.name = max(who.name, (when, name))  # as they are called now
        who.first, who.last = min(who.first, when), max(who.last, when)
        return who

    def churn(self) -> Iterator[Churn]:
        """Give the files that still exist, in the tree's order."""
        for path in self._existing:
            file = self._files.get(path)
            if file is not None:
                added, deleted = (file.added, file.deleted) if self._lines else (None, None)
                yield Churn(path, file.commits, added, deleted, moment(file.last))

    def contributors(self) -> list[Contributor]:
        """Give the people who made most changes to files that still exist, at most 1,000."""
        rows = [
            Contributor(
                name=(who.name[1].strip() or "(no name)")[:MAX_NAME],
                digest=digest(key),
                commits=who.commits,
                changes=who.changes,
                added=who.added if self._lines else None,
                deleted=who.deleted if self._lines else None,
                first_commit_at=moment(who.first),
                last_commit_at=moment(who.last),
            )
            for key, who in self._people.items()
        ]
        rows.sort(key=lambda row: (-row.changes, -row.commits, row.name, row.digest))
        return rows[:MAX_PEOPLE]

    def summary(self, *, truncated: bool) -> HistorySummary:
        """Give people and pace."""
        people = self._people.values()
        return HistorySummary(
            commits=sum(who.commits for who in people),
            contributors=len(people),
            bus_factor=bus_factor((who.changes for who in people), self._percent),
            first_commit_at=moment(min(who.first for who in people)) if people else None,
            last_commit_at=moment(max(who.last for who in people)) if people else None,
            truncated=truncated,
            days=self._days,
            percent=self._percent,
            weeks=self._weeks[::-1],
        )


def bus_factor(changes: Iterable[int], percent: int = 50) -> int | None:
    """Count how few people made at least this percentage of the changes; None without changes."""
    ordered = sorted(changes, reverse=True)
    total, passed = sum(ordered), 0
    for number, count in enumerate(ordered if total else (), 1):
        passed += count
        if passed * 100 >= total * percent:
            return number
    return None


def moment(seconds: int) -> str:
    """Return a time as RFC 3339; what no calendar holds becomes the nearest that one does."""
    seconds = min(max(seconds, 0), _LAST_SECOND)
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def unquoted(path: bytes) -> bytes:
    """Undo git's quoting of a path with unusual bytes."""
    if not (path.startswith(b'"') and path.endswith(b'"')):
        return path

    def byte(match: re.Match[bytes]) -> bytes:
        code = match[1]
        return bytes([int(code, 8) & 0xFF]) if len(code) == 3 else _LETTERS.get(code, code)

    return _ESCAPE.sub(byte, path[1:-1])
