"""Reads a few lines of one file at one commit from a mirror, without taking its lock and without fetching anything."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from pathlib import Path

from commandcenter.engine.errors import EngineTimeout, SourceError
from commandcenter.engine.source.location import Remote, parse
from commandcenter.engine.source.mirror import folder_of
from commandcenter.engine.source.model import SourcePolicy
from commandcenter.engine.source.pipe import GitPipe
from commandcenter.engine.source.roots import locate

MAX_BYTES = 1 << 20
MAX_LINES = 60
MAX_LINE = 400  # characters
AROUND = 5
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
# Characters that change the order in which others are shown, and controls: a page must show what is there.
_DECEIVING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")


@dataclass(frozen=True, slots=True)
class Passage:
    """Lines of a file from `first` on, at most 60, each cut at 400 characters."""

    first: int
    lines: tuple[str, ...]


def read_passage(
    source: str,
    commit: str,
    path: str,
    start: int,
    end: int,
    *,
    mirrors: Path,
    policy: SourcePolicy,
    seconds: float = 2.0,
) -> Passage:
    """Return lines `start` to `end` with five around them. Raises SourceError, and EngineTimeout after `seconds`."""
    git_dir = _git_dir(source, mirrors.absolute(), policy)
    if not git_dir.is_dir():
        raise SourceError(
            "The mirror of this repository is not on the machine that shows this page: it lies with the workers, or "
            "was removed to make room. The next analysis brings it back.",
            code="source_not_found",
        )
    text = _read(git_dir, commit, path, seconds)
    first = max(1, start - AROUND)
    last = min(max(start, end) + AROUND, first + MAX_LINES - 1)
    found = text.removesuffix("\n").split("\n")
    if start > len(found):
        raise SourceError("The file is shorter than the line that was reported.", code="source_not_found")
    lines = tuple(_shown(line) for line in found[first - 1 : last])
    return Passage(first, lines)


def _git_dir(source: str, mirrors: Path, policy: SourcePolicy) -> Path:
    location = parse(source, policy)
    name = source if isinstance(location, Remote) else str(locate(location, policy).path)
    return folder_of(mirrors, name) / "repo.git"


def _read(git_dir: Path, commit: str, path: str, seconds: float) -> str:
    if not _COMMIT.fullmatch(commit) or not _plain(path):
        raise SourceError("The file has a name that cannot be looked up.", code="source_not_found")
    until = time.monotonic() + seconds

    def check() -> None:
        if time.monotonic() > until:
            raise EngineTimeout(f"The mirror did not answer within {seconds:g} s. Try again later.")

    with GitPipe(git_dir, ["cat-file", "--batch"], seconds=seconds, stdin=True, check=check) as pipe:
        pipe.write(f"{commit}:{path}\n".encode())
        words = pipe.line().split(b" ")
        if words[-1] == b"missing" or len(words) != 3 or words[1] != b"blob" or not words[2].isdigit():
            raise SourceError(
                "The mirror no longer holds this file at this commit: it was removed from the history, or made room.",
                code="source_not_found",
            )
        if int(words[2]) > MAX_BYTES:
            raise SourceError("The file is larger than 1 MiB and is not shown here.", code="source_too_large")
        data = pipe.exactly(int(words[2]))
    if b"\0" in data:
        raise SourceError("The file is not text.", code="source_invalid")
    return data.decode("utf-8", "replace")


def _plain(path: str) -> bool:
    """Tell whether git would take the path for one from the top of the tree, and the pipe for one line."""
    return path.isprintable() and {"", ".", ".."}.isdisjoint(path.split("/"))


def _shown(line: str) -> str:
    line = line.removesuffix("\r")
    cut = line if len(line) <= MAX_LINE else f"{line[:MAX_LINE]}…"
    return _DECEIVING.sub(lambda found: f"\\u{ord(found[0]):04x}", cut)
