"""Measures the memory of a process and all of its descendants; the limit that works for every kind of tool.

RLIMIT_AS would be simpler, but runtimes that reserve address space (Go) die of it at once.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

from commandcenter.engine.shim import descendants

_PAGE = os.sysconf("SC_PAGE_SIZE")
_LOOK_SECONDS = 0.5  # between two looks for new processes, which read all of /proc


def resident_bytes(pid: int) -> int:
    """Return a process's resident memory without pages of files, 0 when it has ended."""
    try:
        fields = Path(f"/proc/{pid}/statm").read_bytes().split()
    except OSError:
        return 0
    return max(0, int(fields[1]) - int(fields[2])) * _PAGE


def tree_bytes(pid: int) -> int:
    """Return the resident memory of all descendants of a process, without its own."""
    return sum(resident_bytes(child) for child in descendants(pid))


class TreeMemory:
    """The memory of all descendants of a process, cheap enough to be asked for twenty times a second."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._known: list[int] = []
        self._look_at = 0.0

    def resident_bytes(self) -> int:
        """Return their resident memory, without the process's own. Those that are new count within half a second."""
        now = time.monotonic()
        if now >= self._look_at:
            self._known = descendants(self._pid)
            # Until there are some, the tool is about to start.
            self._look_at = now + _LOOK_SECONDS if self._known else 0.0
        return sum(map(resident_bytes, self._known))
