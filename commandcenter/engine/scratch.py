"""Folders for one run each, which a later process finds and removes when their owner was killed."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_PREFIX = "run-"
_LOCK = "lock"
MEMORY = Path("/dev/shm")  # noqa: S108 (what is made in it has a name that nobody can foresee, and is ours alone)
ROOM_BYTES = 256 * 1024 * 1024  # a run needs about a fifth of it: files of one window, and what tools note


def in_memory(disk: Path) -> str:
    """Return how folders in memory begin that stand for those below a scratch root on disk."""
    return f"commandcenter-{hashlib.sha256(os.fsencode(disk.absolute())).hexdigest()[:16]}-{_PREFIX}"


def has_room() -> bool:
    """Tell whether a run can be afforded in memory now.

    It is worth it: to make thousands of small files on a disk takes several times as long as to read them.
    """
    try:
        free = os.statvfs(MEMORY)
    except OSError:
        return False
    return free.f_bavail * free.f_frsize >= ROOM_BYTES and os.access(MEMORY, os.W_OK | os.X_OK)


@contextmanager
def scratch_folder(root: Path) -> Iterator[Path]:
    """Lend an empty folder and remove it afterwards, with everything in it: in memory, or below `root` without room.

    A locked file beside it says that its owner lives, in whatever container that is.
    """
    if has_room():
        folder = Path(tempfile.mkdtemp(prefix=in_memory(root), dir=MEMORY))
    else:
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=root))
    lock = os.open(folder / _LOCK, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        lent = folder / "work"
        lent.mkdir(mode=0o700)
        yield lent
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


def sweep(root: Path) -> int:
    """Remove the folders whose owner has ended without doing so. Returns how many there were."""
    removed = 0
    for folder in (*root.glob(f"{_PREFIX}*"), *MEMORY.glob(f"{in_memory(root)}*")):
        try:
            found = folder.lstat()
            if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
                continue  # everybody may write to /dev/shm
            lock = os.open(folder / _LOCK, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
        except OSError:
            continue  # made a moment ago, or removed by its owner a moment ago
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            continue
        else:
            shutil.rmtree(folder, ignore_errors=True)
            removed += 1
        finally:
            os.close(lock)
    return removed
