"""Reads commits from git in two passes: which of them count, then what each of those touched.

The first pass walks every commit and compares dates itself: git's own --since stops at the first old commit that it
meets, so that what it finds depends on where it began.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from time import monotonic
from typing import cast

from commandcenter.engine.contract.engines import Context
from commandcenter.engine.errors import EngineTimeout
from commandcenter.engine.history.commits import TOUCH_BYTES, UNKNOWN, Commits, Touch
from commandcenter.engine.history.people import is_bot

IDS_AT_ONCE = 2000  # in one argument list: 82 kB
MAX_ROOM = 96 * 1024 * 1024  # bytes of memory for commits and what they touched
LINES_SHARE = 0.6  # of the time, for counting lines; the rest is left to read without them
_FIELD = b"\0"
_PLAIN = (
    "--no-renames", "--no-ext-diff", "--no-textconv", "--no-show-signature", "--no-color", "--encoding=UTF-8",
    "--no-decorate", "--no-notes",
)  # fmt: skip


@dataclass(frozen=True, slots=True, order=True)
class Head:
    """A commit that counts."""

    when: int
    id: str
    address: str
    name: str
    root: bool


LAST_SECOND = 253_402_300_799  # of the year 9999


class Deadline:
    """When the engine must have ended."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._begun = monotonic()

    def check(self, share: float = 1.0) -> None:
        """Raise EngineTimeout when this share of the time is over."""
        if monotonic() - self._begun > self._seconds * share:
            raise EngineTimeout(f"git log took longer than {self._seconds:g} s.")


def heads(
    context: Context, *, since: int, without: str | None, maximum: int, deadline: Deadline
) -> tuple[list[Head], bool]:
    """Return the newest commits of people in the window, merges left out, and whether some more were left out.

    `without` names a commit whose ancestors are known already.
    """
    chosen: list[Head] = []
    more = False
    found = _walk(context, without)
    for seen, line in enumerate(found):
        if seen % 1000 == 0:
            deadline.check()
        commit, date, parents, address, name = line.split(_FIELD, 4)
        when = seconds_of(date)
        if when < since:
            continue
        head = Head(when, commit.decode(), _text(address), _text(name), not parents)
        if is_bot(head.address, head.name):
            continue
        if len(chosen) < maximum:
            heapq.heappush(chosen, head)
        else:
            more = True
            heapq.heappushpop(chosen, head)
    return chosen, more


def _walk(context: Context, without: str | None) -> Iterator[bytes]:
    known = [f"^{without}"] if without else []
    return context.git(
        [
            "log", "--no-merges", "--use-mailmap", *_PLAIN, "--no-patch",
            "--format=%H%x00%ct%x00%P%x00%aE%x00%aN", context.commit, *known, "--",
        ]
    )  # fmt: skip


class _Full(Exception):
    """There is no room for more."""


@dataclass(frozen=True, slots=True)
class Read:
    """What the second pass gave. `whole`: every chosen commit is in it; `lines`: their lines were counted."""

    commits: Commits
    whole: bool
    lines: bool


def read(
    context: Context, chosen: Sequence[Head], *, shallow: bool, deadline: Deadline, lines: bool = True
) -> Read:
    """Return the commits with what they touched, the newest first, as many as there is room for.

    When counting lines takes too long, all of it is read again without them. Raises EngineTimeout.
    """
    newest = sorted(chosen, reverse=True)
    if lines:
        try:
            return _read(context, newest, shallow, lambda: deadline.check(LINES_SHARE), lines=True)
        except EngineTimeout:
            context.log("warning", "Counting changed lines takes too long here: commits alone are counted.")
    return _read(context, newest, shallow, deadline.check, lines=False)


def _read(
    context: Context, newest: Sequence[Head], shallow: bool, check: Callable[[], None], *, lines: bool
) -> Read:
    made = Commits()
    by_id = {head.id: head for head in newest}
    # Where a shallow clone was cut, a commit seems to add every file that there was.
    whole = [head.id for head in newest if not (head.root and shallow)]
    for head in newest if shallow else ():
        if head.root:
            made.add(head.when, made.author(head.address, head.name), [])
    try:
        for start in range(0, len(whole), IDS_AT_ONCE):
            ids = whole[start : start + IDS_AT_ONCE]
            with closing(_touches(context, made, ids, check, lines=lines)) as touched:
                for commit, touches in touched:
                    head = by_id[commit]
                    made.add(head.when, made.author(head.address, head.name), touches)
    except _Full:
        return Read(made, whole=False, lines=lines)
    return Read(made, whole=True, lines=lines)


def _touches(
    context: Context, made: Commits, ids: Sequence[str], check: Callable[[], None], *, lines: bool
) -> Generator[tuple[str, list[Touch]], None, None]:
    """Yield each commit's id with the files that it touched."""
    check()
    kind = "--numstat" if lines else "--raw"
    said = context.git(["log", "--no-walk=unsorted", kind, "--root", *_PLAIN, "--format=%x00%H", *ids, "--"])
    commit = ""
    touches: list[Touch] = []
    with closing(cast("Generator[bytes, None, None]", said)):
        for seen, line in enumerate(said):
            if seen % 5000 == 0:
                check()
            if line.startswith(_FIELD):
                if commit:
                    yield commit, touches
                commit, touches = line[1:].strip().decode(), []
            elif line and (touch := _touch(made, line, lines=lines)) is not None:
                touches.append(touch)
                if made.room + TOUCH_BYTES * len(touches) > MAX_ROOM:
                    raise _Full
    if commit:
        yield commit, touches


def _touch(made: Commits, line: bytes, *, lines: bool) -> Touch | None:
    if not lines:
        _, tab, path = line.partition(b"\t")
        return (made.path(path), UNKNOWN, UNKNOWN) if tab else None
    fields = line.split(b"\t", 2)
    if len(fields) != 3:
        return None
    added, deleted, path = fields
    if added == b"-":  # a binary file has no lines
        return made.path(path), 0, 0
    return made.path(path), int(added), int(deleted)


def first_line(context: Context, args: Sequence[str]) -> bytes:
    """Return the first line of a git command's output, empty where there is none."""
    return next(iter(context.git(args)), b"").strip()


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")


def seconds_of(date: bytes) -> int:
    """Read a commit's date. Before the epoch git prints none; one that no calendar holds is the last that one does."""
    return min(int(date), LAST_SECOND) if date.isdigit() else 0
