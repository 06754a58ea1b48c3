"""Which process a remembered pid meant: a pid alone may belong to somebody else by now."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Self

import psutil

_PROC = Path("/proc")  # Linux


@dataclass(frozen=True)
class Identity:
    """A process for as long as it lives: its pid, and when it started (opaque; differs after a reboot)."""

    pid: int
    started: str

    @classmethod
    def of(cls, pid: int) -> Self | None:
        """Return the identity of a running process, None when there is none (a zombie is none)."""
        started = _started(pid)
        return None if started is None else cls(pid, started)

    def alive(self) -> bool:
        """Say whether this very process still runs."""
        return _started(self.pid) == self.started


def _started(pid: int) -> str | None:
    if _PROC.joinpath("self").exists():
        # Clock ticks since boot do not move when the wall clock is set, unlike psutil's creation time.
        try:
            fields = (_PROC / str(pid) / "stat").read_text(errors="replace").rpartition(")")[2].split()
        except OSError:
            return None
        return None if fields[0] in {"Z", "X"} else f"{_boot()}:{fields[19]}"
    try:
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else str(process.create_time())
    except psutil.Error:
        return None


@cache
def _boot() -> str:
    try:
        return (_PROC / "sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return "unknown"
