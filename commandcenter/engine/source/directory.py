"""Reads the regular files of a plain folder, and never follows a link out of it, even one made while we read."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from commandcenter.engine.errors import SourceError
from commandcenter.engine.source.guard import Guard
from commandcenter.engine.source.importer import Member, Tally, too_many
from commandcenter.engine.source.roots import Place

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC


def read_directory(place: Place, avoid: Path, tally: Tally, guard: Guard) -> Iterator[Member]:
    """Yield the files below a place; `.git` folders and the folder `avoid` (our own mirrors) are left out.

    What is no regular file, too large, unreadable or too long a path is counted in the tally. Raises SourceError.
    """
    own = avoid.stat()
    try:
        with place.open(_FOLDER) as top:
            yield from _walk(top, (own.st_dev, own.st_ino), tally, guard)
    except (FileNotFoundError, NotADirectoryError):
        raise SourceError("There is no such folder any more.", code="source_not_found") from None
    except PermissionError:
        raise SourceError(
            "The folder cannot be read: check its permissions.", code="source_forbidden"
        ) from None


def _walk(top: int, own: tuple[int, int], tally: Tally, guard: Guard) -> Iterator[Member]:
    # Folders are remembered by path and opened again from the top, name by name: holding them open would need as many
    # handles as the tree is deep.
    stack: list[bytes] = [b""]
    seen = 0
    while stack:
        path = stack.pop()
        guard.check()
        try:
            folder = _descend(top, path)
        except OSError:
            tally.skipped["unreadable"] += 1
            continue
        try:
            here = os.fstat(folder)
            if (here.st_dev, here.st_ino) == own:
                continue
            with os.scandir(folder) as entries:
                for entry in entries:
                    seen += 1
                    if seen > guard.limits.max_entries * 2:  # folders and what is skipped count as well
                        raise too_many(guard)
                    name = os.fsencode(entry.name)
                    below = path + b"/" + name if path else name
                    if len(below) > guard.limits.max_path_bytes:
                        tally.skipped["long_path"] += 1
                    elif entry.is_dir(follow_symlinks=False):
                        if name.lower() != b".git":
                            stack.append(below)
                    elif entry.is_symlink():
                        tally.skipped["symlink"] += 1
                    elif not entry.is_file(follow_symlinks=False):
                        tally.skipped["special"] += 1  # not even opened: a device may act on it
                    elif name.lower() != b".git":  # a linked worktree's or submodule's file
                        member = _file(folder, name, below, tally, guard.limits.max_blob_bytes)
                        if member is not None:
                            yield member
        finally:
            os.close(folder)


def _descend(top: int, path: bytes) -> int:
    handle = os.dup(top)
    for name in path.split(b"/") if path else ():
        try:
            below = os.open(name, _FOLDER, dir_fd=handle)
        finally:
            os.close(handle)
        handle = below
    return handle


def _file(folder: int, name: bytes, path: bytes, tally: Tally, limit: int) -> Member | None:
    try:
        handle = os.open(name, _FILE, dir_fd=folder)
    except OSError:
        tally.skipped["unreadable"] += 1
        return None
    with os.fdopen(handle, "rb", buffering=0):
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode):
            tally.skipped["special"] += 1
            return None
        if status.st_size > limit:
            tally.skipped["too_large"] += 1
            return None
        data = bytearray()
        try:
            # One byte more than allowed, to notice a file that grows; never more than that.
            while len(data) <= limit and (chunk := os.read(handle, min(1 << 20, limit + 1 - len(data)))):
                data += chunk
        except OSError:
            tally.skipped["unreadable"] += 1
            return None
        if len(data) > limit:
            tally.skipped["too_large"] += 1
            return None
        tally.newest = max(tally.newest, status.st_mtime)
        return Member(path, bytes(data), executable=bool(status.st_mode & stat.S_IXUSR))
