"""Keeps the folder of mirrors within a size, for a periodic task."""

from __future__ import annotations

import fcntl
import os
import shutil
import time
from contextlib import suppress
from pathlib import Path

from commandcenter.engine.source.guard import disk_bytes

_LEAST_SECONDS = 86_400.0


def prune_mirrors(mirrors: Path, max_bytes: int, *, unused_seconds: float = _LEAST_SECONDS) -> int:
    """Remove the mirrors that were opened longest ago until the rest fits; return how many bytes became free.

    One that is being opened, or was opened within `unused_seconds`, stays: an analysis may still read from it.
    """
    found = []
    for lock in mirrors.glob("*.lock"):
        with suppress(FileNotFoundError):
            found.append((lock.stat().st_mtime, lock, disk_bytes(lock.with_suffix(""))))
    total = sum(size for _, _, size in found)
    freed = 0
    for opened, lock, size in sorted(found):
        if total - freed <= max_bytes or time.time() - opened < unused_seconds:
            break
        handle = os.open(lock, os.O_RDWR | os.O_CLOEXEC)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # The lock file stays: another process may be waiting on it.
            shutil.rmtree(lock.with_suffix(""), ignore_errors=True)
            freed += size
        except BlockingIOError:
            continue
        finally:
            os.close(handle)
    return freed
