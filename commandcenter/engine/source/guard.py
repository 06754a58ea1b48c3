"""Decides whether opening a source may go on: cancelled, out of time, or out of room."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from commandcenter.engine.errors import EngineCancelled, EngineTimeout, SourceError
from commandcenter.engine.limits import MIB, Limits
from commandcenter.engine.memory import tree_bytes

_DISK_EVERY = 0.5


class Guard:
    """The bounds of one opening. `check` is cheap enough to call for every file."""

    def __init__(
        self, limits: Limits, progress: Callable[[str], None], cancelled: Callable[[], bool]
    ) -> None:
        self.limits = limits
        self.seconds = limits.fetch_seconds
        self._end = time.monotonic() + limits.fetch_seconds
        self._progress = progress
        self._cancelled = cancelled
        self._next_poll = 0.0
        self._next_disk = 0.0
        self._next_progress = 0.0

    def check(self) -> None:
        """Raise EngineCancelled or EngineTimeout when the work must stop; polls five times a second at most."""
        now = time.monotonic()
        if now < self._next_poll:
            return
        self._next_poll = now + 0.2
        if self._cancelled():
            raise EngineCancelled("The analysis was cancelled.")
        if now >= self._end:
            raise EngineTimeout(
                f"Reading the source took longer than {self.seconds:g} s.",
                retryable=True,
            )

    def watch(self, folder: Path, pid: int) -> None:
        """Check, and bound the disk space of a folder and the memory of what runs below a process."""
        self.check()
        now = time.monotonic()
        if now < self._next_disk:
            return
        self._next_disk = now + _DISK_EVERY
        if disk_bytes(folder) > self.limits.max_repository_bytes:
            raise too_large(self.limits)
        if tree_bytes(pid) > self.limits.memory_bytes:
            raise SourceError(
                f"Reading the repository takes more than {self.limits.memory_bytes // MIB} MiB of memory.",
                code="source_too_large",
            )

    def say(self, text: str, *, always: bool = True) -> None:
        """Report a step; those that are only nice to have at most four times a second."""
        now = time.monotonic()
        if always or now >= self._next_progress:
            self._next_progress = now + 0.25
            self._progress(text)


def too_large(limits: Limits) -> SourceError:
    """Build the error for a source that takes more room than allowed."""
    return SourceError(
        f"The source takes more than {limits.max_repository_bytes // MIB} MiB, the limit for one repository.",
        code="source_too_large",
    )


def disk_bytes(folder: Path) -> int:
    """Add up the blocks that the files of a folder occupy; those that vanish meanwhile count nothing."""
    total = 0
    stack = [os.fspath(folder)]
    while stack:
        with suppress(OSError), os.scandir(stack.pop()) as entries:
            for entry in entries:
                with suppress(OSError):
                    if entry.is_dir(follow_symlinks=False):
                        stack.append(entry.path)
                    else:
                        total += entry.stat(follow_symlinks=False).st_blocks * 512
    return total
