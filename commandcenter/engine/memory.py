"""Measures the memory of a process and all of its descendants; the limit that works for every kind of tool.

RLIMIT_AS would be simpler, but runtimes that reserve address space (Go) die of it at once.
"""

from __future__ import annotations

import os
from pathlib import Path

from commandcenter.engine.shim import descendants

_PAGE = os.sysconf("SC_PAGE_SIZE")


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
