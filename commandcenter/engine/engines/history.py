"""Who worked where, and how much, in the year before the analysed commit."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from time import monotonic

from commandcenter.engine.contract import (
    Blob,
    Churn,
    Context,
    Entry,
    Failure,
    HistorySummary,
    Result,
    Rule,
    Scope,
)
from commandcenter.engine.errors import EngineTimeout
from commandcenter.engine.source.names import printable

REVISION = "1"
WINDOW_DAYS = 365
_LAST_SECOND = 253_402_300_799  # of the year 9999
_FIELD = b"\0"
# A bot's commits are its programmers' pace, not the team's.
_BOT_NAMES = re.compile(
    r"\[bot\]$|^(dependabot|renovate|greenkeeper|github-actions|pre-commit-ci|pyup-bot|snyk-bot|"
    r"allcontributors|mergify|semantic-release-bot|weblate|web-flow)\b",
    re.IGNORECASE,
)
_BOT_ADDRESSES = re.compile(
    r"\[bot\]@|^(noreply|bot|action)@(github|gitlab|renovateapp|dependabot)\.com$", re.IGNORECASE
)
_NUMBERED = re.compile(r"^\d+\+(?=.*@users\.noreply\.)")
_ESCAPE = re.compile(rb"\\([0-7]{3}|.)")
_LETTERS = {b"a": b"\a", b"b": b"\b", b"t": b"\t", b"n": b"\n", b"v": b"\v", b"f": b"\f", b"r": b"\r"}


@dataclass(slots=True)
class _Touched:
    commits: int = 0
    added: int = 0
    deleted: int = 0
    last: int = 0


class HistoryEngine:
    """Churn per file and a summary of people, from `git log` on the mirror.

    The window ends with the analysed commit's own date, so that the same commit always gives the same numbers.
    Merges are left out (their changes are counted where they were made), and so are bots. Renames are not
    followed. The mailmap of the repository only says which names are one person.
    """

    id = "history"
    version = REVISION
    scope = Scope.HISTORY
    config_digest = hashlib.sha256(
        f"{WINDOW_DAYS}|{_BOT_NAMES.pattern}|{_BOT_ADDRESSES.pattern}|{_NUMBERED.pattern}".encode()
    ).hexdigest()

    def unavailable(self) -> str | None:
        return None

    def rules(self) -> Iterable[Rule]:
        return ()

    def select(self, entry: Entry) -> bool:
        return False

    def path_class(self, entry: Entry) -> str:
        return entry.path

    def run(self, batch: Sequence[Blob], context: Context) -> Iterable[Result]:
        shallow = _first_line(context, ["rev-parse", "--is-shallow-repository"]) == b"true"
        newest = int(_first_line(context, ["log", "-1", "--format=%ct", context.commit, "--"]))
        since = max(0, newest - WINDOW_DAYS * 86400)
        reading = _Reading(context.limits.max_history_commits, since=since, shallow=shallow)
        failure = None
        try:
            with closing(_log(context, since)) as lines:
                reading.read(lines, seconds=context.limits.tool_seconds)
        except EngineTimeout as error:
            failure = Failure(f"The history was read only in part: {error}", transient=True)
            reading.truncated = True
        yield reading.summary()
        yield from reading.churn(entry.path for entry in context.entries)
        if failure:
            yield failure


def _first_line(context: Context, args: Sequence[str]) -> bytes:
    return next(iter(context.git(args)), b"").strip()


def _log(context: Context, since: int) -> Generator[bytes, None, None]:
    """Read commits from the newest: a line that begins with NUL per commit, then its numbers per file."""
    # git takes the number for a 32-bit one; a window beyond that is cut by us alone.
    window = [f"--max-age={since}"] if since < 2**31 else []
    yield from context.git(
        [
            "log",
            "--no-merges",
            "--no-renames",
            "--no-ext-diff",
            "--no-textconv",
            "--no-show-signature",
            "--no-color",
            "--use-mailmap",
            "--numstat",
            "--encoding=UTF-8",
            *window,
            f"--max-count={context.limits.max_history_commits + 1}",
            "--format=%x00%ct%x00%P%x00%aE%x00%aN",
            context.commit,
            "--",
        ]
    )


class _Reading:
    """The state of one pass over the log."""

    def __init__(self, maximum: int, *, since: int, shallow: bool) -> None:
        self._maximum = maximum
        self._since = since
        self._shallow = shallow
        self._paths: dict[bytes, _Touched] = {}
        self._people: Counter[str] = Counter()
        self._first: int | None = None
        self._last: int | None = None
        self.truncated = shallow

    def read(self, lines: Iterable[bytes], *, seconds: float) -> None:
        """Take the lines of the log. Raises EngineTimeout when that takes longer than `seconds`."""
        deadline = monotonic() + seconds
        seen = 0
        when = 0
        counted = False
        for line in lines:
            if line.startswith(_FIELD):
                seen += 1
                if seen > self._maximum:
                    self.truncated = True
                    return
                if monotonic() > deadline:
                    raise EngineTimeout(f"git log took longer than {seconds:g} s.")
                _, date, parents, address, name = line.rstrip(b"\n").split(_FIELD, 4)
                when = int(date)
                counted = when >= self._since and self._count_person(_text(address), _text(name), when)
                # Where a shallow clone was cut, a commit seems to add every file that there was.
                counted = counted and (bool(parents) or not self._shallow)
            elif counted and line.count(b"\t") >= 2:
                added, deleted, path = line.rstrip(b"\n").split(b"\t", 2)
                self._touch(added, deleted, path, when)

    def _count_person(self, address: str, name: str, when: int) -> bool:
        if _BOT_NAMES.search(name.strip()) or _BOT_ADDRESSES.search(address):
            return False
        person = _NUMBERED.sub("", address.strip().lower()) or name.strip().lower()
        self._people[person] += 1
        self._first = when if self._first is None else min(self._first, when)
        self._last = when if self._last is None else max(self._last, when)
        return True

    def _touch(self, added: bytes, deleted: bytes, path: bytes, when: int) -> None:
        touched = self._paths.get(path)
        if touched is None:
            touched = self._paths[path] = _Touched()
        touched.commits += 1
        touched.last = max(touched.last, when)
        if added != b"-":  # a binary file has no lines
            touched.added += int(added)
            touched.deleted += int(deleted)

    def churn(self, existing: Iterable[str]) -> Iterator[Churn]:
        """Give the files that still exist, in the tree's order."""
        by_path = {printable(_unquoted(path)): touched for path, touched in self._paths.items()}
        for path in existing:
            touched = by_path.get(path)
            if touched is not None:
                yield Churn(path, touched.commits, touched.added, touched.deleted, _moment(touched.last))

    def summary(self) -> HistorySummary:
        return HistorySummary(
            commits=self._people.total(),
            contributors=len(self._people),
            bus_factor=bus_factor(self._people.values()),
            first_commit_at=None if self._first is None else _moment(self._first),
            last_commit_at=None if self._last is None else _moment(self._last),
            truncated=self.truncated,
        )


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")


def bus_factor(commits: Iterable[int]) -> int | None:
    """Count how few people made at least half of the commits; None without commits."""
    ordered = sorted(commits, reverse=True)
    total, passed = sum(ordered), 0
    for number, count in enumerate(ordered, 1):
        passed += count
        if passed * 2 >= total:
            return number
    return None


def _moment(seconds: int) -> str:
    # A commit may claim any date; what no calendar holds becomes the nearest that one does.
    seconds = min(max(seconds, 0), _LAST_SECOND)
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _unquoted(path: bytes) -> bytes:
    """Undo git's quoting of a path with unusual bytes."""
    if not (path.startswith(b'"') and path.endswith(b'"')):
        return path

    def byte(match: re.Match[bytes]) -> bytes:
        code = match[1]
        return bytes([int(code, 8) & 0xFF]) if len(code) == 3 else _LETTERS.get(code, code)

    return _ESCAPE.sub(byte, path[1:-1])


ENGINE = HistoryEngine()
