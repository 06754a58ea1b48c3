"""Prometheus' multi-process files: put in order what dead processes left, so that a scrape costs the same after months.

A killed process cannot take back its gauges, and each one that ends leaves a file of counters for ever.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path

from prometheus_client.core import Metric
from prometheus_client.mmap_dict import MmapedDict
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

MAX_DEAD = 30  # files of counters that may lie about before they are folded into one
FOLDED = "folded"


class ProcessesCollector(Collector):
    """What all processes of one PROMETHEUS_MULTIPROC_DIR have counted."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def collect(self) -> Iterator[Metric]:
        """Yield their metrics, added up."""
        with _locked(self._folder):
            fold(self._folder)
            found = list(MultiProcessCollector(None, str(self._folder)).collect())  # type: ignore[no-untyped-call]
        yield from found


def fold(folder: Path, *, most: int = MAX_DEAD) -> None:
    """Delete the present that dead processes speak of; fold their counts into one file once there are too many."""
    if not Path("/proc/self").exists():
        return  # without it nobody can tell cheaply who is alive
    dead = [file for file in folder.glob("*_*.db") if _dead(file)]
    for file in dead:
        if file.name.startswith("gauge_live"):
            file.unlink(missing_ok=True)
    counts = sorted(file for file in dead if not file.name.startswith("gauge_"))
    if len(counts) > most:
        for kind, files in groupby(counts, key=lambda file: file.name.partition("_")[0]):
            _fold(folder / f"{kind}_{FOLDED}.db", list(files))


def _fold(target: Path, files: list[Path]) -> None:
    """Add files to the target, which is replaced as a whole before they go."""
    new = target.with_suffix(".new")
    new.unlink(missing_ok=True)
    sums = MmapedDict(str(new))  # type: ignore[no-untyped-call]
    try:
        for file in (target, *files):
            if file.exists():
                for key, value, stamp, _place in MmapedDict.read_all_values_from_file(str(file)):  # type: ignore[no-untyped-call]
                    sums.write_value(key, sums.read_value(key)[0] + value, stamp)  # type: ignore[no-untyped-call]
    finally:
        sums.close()  # type: ignore[no-untyped-call]
    new.rename(target)
    for file in files:
        file.unlink(missing_ok=True)


def _dead(file: Path) -> bool:
    pid = file.stem.rpartition("_")[2]
    return pid.isdigit() and not Path(f"/proc/{pid}").exists()


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Keep other readers out, threads of this process among them: a file must not be read while it is folded."""
    lock = os.open(folder / "lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)
