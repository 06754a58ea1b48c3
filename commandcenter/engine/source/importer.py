"""Writes files that are not in git into a mirror, so that there is one kind of tree."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from commandcenter.engine.errors import SourceError
from commandcenter.engine.source.guard import Guard, too_large
from commandcenter.engine.source.mirror import INCOMING, Mirror
from commandcenter.engine.source.tree import IMPORTED, SKIPPED_TRAILER

_AUTHOR = b"Command Center <import@localhost> 0 +0000"  # no clock: the same content must give the same commit


@dataclass(frozen=True, slots=True)
class Member:
    """A file to import: its relative path, its bytes, and whether it can be executed."""

    path: bytes
    data: bytes
    executable: bool = False


@dataclass(slots=True)
class Tally:
    """What an import left out, by reason, and when the newest of its files was changed (seconds of the epoch)."""

    skipped: Counter[str] = field(default_factory=Counter)
    newest: float = 0.0


def import_files(
    mirror: Mirror, members: Iterable[Member], tally: Tally, guard: Guard, *, strip_top: bool = False
) -> str:
    """Import files as one commit without parents and return its id.

    With `strip_top`, a folder that holds all the files is left out of their paths. Raises SourceError `source_empty`
    when there is no file, and whatever the members' iterator raises.
    """
    (mirror.git_dir / IMPORTED).touch()
    stream = _stream(members, tally, guard, strip_top=strip_top)
    mirror.git.local(["fast-import", "--quiet", "--done", "--force"], stdin=stream)
    commit = mirror.resolve(INCOMING)
    if commit is None:
        raise SourceError("The source could not be imported.")
    return commit


def _stream(members: Iterable[Member], tally: Tally, guard: Guard, *, strip_top: bool) -> Iterator[bytes]:
    files: dict[bytes, bytes] = {}
    total = 0
    seen = 0
    for seen, member in enumerate(members, 1):
        guard.check()
        total += len(member.data)
        if total > guard.limits.max_repository_bytes:
            raise too_large(guard.limits)
        if seen > guard.limits.max_entries:
            raise too_many(guard)
        mode = b"100755" if member.executable else b"100644"
        files[member.path] = b"M %s :%d " % (mode, seen)
        guard.say(f"Reading files: {seen}", always=False)
        yield b"blob\nmark :%d\ndata %d\n" % (seen, len(member.data))
        yield member.data
        yield b"\n"
    if not files:
        raise SourceError("There are no files to analyse in the source.", code="source_empty")
    cut = _common_top(files) if strip_top else 0
    trailers = "".join(
        f"{SKIPPED_TRAILER}{reason}: {count}\n" for reason, count in sorted(tally.skipped.items())
    )
    message = f"Import\n\n{trailers}".encode()
    yield b"reset %s\ncommit %s\ncommitter %s\n" % (INCOMING.encode(), INCOMING.encode(), _AUTHOR)
    yield b"data %d\n%s\n" % (len(message), message)
    for path, change in files.items():
        yield change + _quoted(path[cut:]) + b"\n"
    yield b"done\n"


def too_many(guard: Guard) -> SourceError:
    """Build the error for a source with too many files."""
    return SourceError(
        f"The source has more than {guard.limits.max_entries} files, the limit for one repository.",
        code="source_too_large",
    )


def _common_top(files: Iterable[bytes]) -> int:
    """Return the length of `folder/` when all files are in that one folder, else 0."""
    tops = {path.partition(b"/")[0] if b"/" in path else None for path in files}
    top = tops.pop() if len(tops) == 1 else None
    return 0 if top is None else len(top) + 1


def _quoted(path: bytes) -> bytes:
    return b'"' + path.replace(b"\\", b"\\\\").replace(b'"', b'\\"').replace(b"\n", b"\\n") + b'"'
