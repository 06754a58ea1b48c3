"""Every hostile source ends complete, partial or refused with a sentence: in bounds, and nothing of the host is touched."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import psutil
import pytest

from commandcenter.engine.client import EngineProcess
from commandcenter.engine.errors import SourceError
from commandcenter.engine.limits import MIB, Limits
from commandcenter.engine.plan import plan
from commandcenter.engine.source import SourcePolicy, open_source
from commandcenter.engine.tests.hostile import files, histories
from commandcenter.engine.tests.hostile.making import CASES, Case, Place

CANARY = "canary-7f3a9c"
SECONDS = 40.0  # for any of them, on a busy machine
LIMITS = Limits(max_archive_bytes=64 * MIB, fetch_seconds=SECONDS, tool_seconds=SECONDS)
SILENT = 60.0


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EngineProcess]:
    root = tmp_path_factory.mktemp("engine")
    with EngineProcess(
        scratch_root=root / "scratch", limits=LIMITS, cache_path=root / "cache.sqlite"
    ) as process:
        yield process


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """A folder that may be read, and beside it one that may not, with canaries."""
    (tmp_path / "sources").mkdir()
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "canary.py").write_text(f"password = '{CANARY}'\n")
    return Place(tmp_path / "sources" / "source", outside, tmp_path / "outside" / "marker")


def _state(folder: Path) -> dict[str, tuple[int, int, int]]:
    """Every path of a folder with its mode, size and time."""
    found = {}
    for path in folder.rglob("*"):
        stat = path.lstat()
        found[str(path)] = (stat.st_mode, stat.st_size, stat.st_mtime_ns)
    return found


def _analyse(case: Case, source: Path, place: Place, engine: EngineProcess) -> tuple[str, str, list[Any]]:
    """Return how it ended, in which words, and all that was said."""
    try:
        opened = open_source(
            str(source),
            ref=case.ref,
            mirrors=place.outside.parent / "mirrors",
            policy=SourcePolicy(roots=(place.source.parent,)),
            limits=LIMITS,
            progress=lambda _step: None,
            cancelled=lambda: False,
        )
    except SourceError as error:
        return error.code, str(error), []
    said = list(engine.analyse(opened.git_dir, opened.commit, engines=plan().engines, idle_seconds=SILENT))
    return said[-1]["status"], "", said


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_it_ends_well_and_touches_nothing(case: Case, place: Place, engine: EngineProcess) -> None:
    source = case.make(place)
    assert not place.marker.exists()
    before = {folder: _state(folder) for folder in (place.outside, place.source.parent)}
    begun = time.monotonic()
    outcome, words, said = _analyse(case, source, place, engine)
    seconds = time.monotonic() - begun
    failed = {
        m["id"]: m["detail"] for m in said if m["type"] == "engine" and m["status"] not in {"ok", "skipped"}
    }
    assert outcome in case.outcome, (outcome, words, failed)
    assert seconds < SECONDS
    if said:
        assert outcome == "partial" or not failed
        assert all(detail.endswith((".", "…")) for detail in failed.values()), failed
    else:
        assert words.endswith((".", "...")), words
    everything = orjson.dumps(said, default=str).decode() + words
    assert CANARY not in everything
    assert not place.marker.exists()
    assert {folder: _state(folder) for folder in before} == before
    assert _strays(engine) == []
    if engine.program_pid is not None:
        assert _peak(engine.program_pid) < LIMITS.memory_bytes


def test_there_are_many_and_no_two_alike() -> None:
    assert files.__name__ != histories.__name__
    assert len({case.name for case in CASES}) == len(CASES) >= 40


def _strays(engine: EngineProcess) -> list[str]:
    """What runs below us and is neither the engine nor its shim, once those had a moment to end."""
    deadline = time.monotonic() + 10
    while True:
        ours = {engine.pid, engine.program_pid}
        names = [
            _name(process) for process in psutil.Process().children(recursive=True) if process.pid not in ours
        ]
        names = [name for name in names if name in _TOOLS]
        if not names or time.monotonic() > deadline:
            return names
        time.sleep(0.02)


def _name(process: psutil.Process) -> str:
    """The name of a process that still runs."""
    try:
        return "" if process.status() == psutil.STATUS_ZOMBIE else process.name()
    except psutil.NoSuchProcess:
        return ""


_TOOLS = {"git", "ruff", "betterleaks", "zizmor", "hadolint", "shellcheck", "ast-grep", "sg", "sh", "touch"}


def _peak(pid: int) -> int:
    """The largest resident memory that a process ever had, in bytes."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return 0
