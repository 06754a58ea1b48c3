"""A small tree in memory that random edits change, and engines whose results are written in its files.

`marks` reports each line that holds BAD. A line with LOST makes it lose that file for this time, one with CRASH fails it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from commandcenter.engine.contract.engines import Context, Scope
from commandcenter.engine.contract.facts import LineCount
from commandcenter.engine.contract.files import Blob, Entry, Links
from commandcenter.engine.contract.findings import Finding, Rule
from commandcenter.engine.contract.results import Failure, Result
from commandcenter.engine.engines import Registry
from commandcenter.engine.plan import plan
from commandcenter.engine.run import run

Files = dict[str, list[str]]
NAMES = ("a.py", "b.py", "lib/a.py", "lib/c.py")
LINES = ("ok", "BAD one", "BAD two", "BAD three")


class Marks:
    """Finds marks."""

    id, version, config_digest, scope = "marks", "1", "c", Scope.BLOB

    def unavailable(self) -> str | None:
        return None

    def rules(self) -> Iterable[Rule]:
        return [Rule(id="bad", engine=self.id, name="bad-line", short="A bad line.")]

    def select(self, entry: Entry) -> bool:
        return True

    def path_class(self, entry: Entry) -> str:
        return ""

    def run(self, batch: Sequence[Blob], context: Context) -> Iterable[Result]:
        for blob in batch:
            for number, line in enumerate(blob.data.decode().splitlines(), start=1):
                if "CRASH" in line:
                    raise RuntimeError("marks cannot go on")
                if "LOST" in line:
                    yield Failure("Out of time.", blob.entry.path, transient=True)
                if "BAD" in line:
                    yield Finding(blob.entry.path, number, number, "bad", self.id, "high", line, snippet=line)


class Lines(Marks):
    """Counts lines."""

    id = "lines"

    def rules(self) -> Iterable[Rule]:
        return []

    def run(self, batch: Sequence[Blob], context: Context) -> Iterable[Result]:
        for blob in batch:
            yield LineCount(blob.entry.path, len(blob.data.splitlines()), 0, 0)


class MemoryTree:
    """What a run needs of a tree, without git."""

    skipped: dict[str, int] = {}
    links = Links()
    imported = True
    commit = "0" * 40

    def __init__(self, files: Files) -> None:
        self._data = {path: "\n".join(lines).encode() for path, lines in files.items()}
        self.entries = tuple(
            Entry(path, hashlib.sha1(data, usedforsecurity=False).hexdigest(), len(data))
            for path, data in sorted(self._data.items())
        )

    def git(self, args: Sequence[str]) -> Iterator[bytes]:
        raise AssertionError(args)

    def read_many(self, entries: Iterable[Entry]) -> Iterator[Blob]:
        for entry in entries:
            yield Blob(entry, self._data[entry.path])


def said(files: Files, scratch: Path) -> list[dict[str, Any]]:
    """Run the engines over the files, through the engine's own door; return its messages."""
    registry = Registry({}, instances=[Lines(), Marks()])
    return list(run(MemoryTree(files), plan(registry=registry), cache=None, scratch=scratch))


def places(files: Files) -> list[tuple[str, int]]:
    """Where findings are to be, sorted."""
    return sorted(
        (path, number)
        for path, lines in files.items()
        for number, line in enumerate(lines, start=1)
        if "BAD" in line
    )


def edited(files: Files, kind: str, one: int, two: int, three: int) -> Files:
    """Return the files after one edit; the numbers choose file, line and what comes there."""
    made = {path: list(lines) for path, lines in files.items()}
    paths = sorted(made)
    if not paths:
        made[NAMES[one % len(NAMES)]] = [LINES[three % len(LINES)], "ok"]
        return made
    path, name = paths[one % len(paths)], NAMES[two % len(NAMES)]
    lines = made[path]
    at = two % (len(lines) + 1)
    text = LINES[three % len(LINES)]
    if kind == "rename" and name not in made:
        made[name] = made.pop(path)
    elif kind == "copy" and name not in made:
        made[name] = list(lines)
    elif kind == "indent":
        made[path] = [f"    {line}" for line in lines]
    elif kind == "pad":
        made[path] = ["ok", *lines]
    elif kind == "insert":
        lines.insert(at, text)
    elif kind == "edit" and lines:
        lines[at % len(lines)] = text
    elif kind == "cut" and lines:
        del lines[at % len(lines)]
    elif kind == "delete":
        del made[path]
    elif kind == "lose":
        lines.append("LOST")
    elif kind == "crash":
        lines.append("CRASH")
    elif kind == "rework" and name not in made:  # renamed and edited in one
        made[name] = [*made.pop(path), text]
    return made
