"""Temporary files of runs: in memory where there is plenty, in a folder that is ours alone, and never left there."""

from __future__ import annotations

from pathlib import Path

import pytest

from commandcenter.engine import scratch
from commandcenter.engine.client import EngineProcess
from commandcenter.engine.limits import Limits
from commandcenter.engine.tests.making import Made, only


@pytest.fixture
def memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in the place of the one in memory."""
    folder = tmp_path / "memory"
    folder.mkdir()
    monkeypatch.setattr(scratch, "MEMORY", folder)
    return folder


def test_folders_are_private_and_apart_by_installation(memory: Path, tmp_path: Path) -> None:
    with scratch.scratch_folder(tmp_path / "a") as one, scratch.scratch_folder(tmp_path / "b"):
        assert [folder.stat().st_mode & 0o777 for folder in memory.iterdir()] == [0o700, 0o700]
        assert len({folder.name.rpartition("-run-")[0] for folder in memory.iterdir()}) == 2
        assert list(one.iterdir()) == []
    assert list(memory.iterdir()) == []


def test_what_a_killed_owner_left_is_removed_by_its_own_installation_only(
    memory: Path, tmp_path: Path
) -> None:
    for root in ("a", "b"):
        left = memory / f"{scratch.in_memory(tmp_path / root)}left"
        left.mkdir()
        (left / "lock").touch()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "lock").touch()
    (memory / f"{scratch.in_memory(tmp_path / 'a')}link").symlink_to(elsewhere)
    assert scratch.sweep(tmp_path / "a") == 1
    assert scratch.sweep(tmp_path / "a") == 0
    assert (elsewhere / "lock").exists()
    assert len(list(memory.iterdir())) == 2


@pytest.mark.parametrize("room", [1, 1 << 62])
def test_a_run_lies_where_there_is_room_and_leaves_nothing(
    memory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, room: int
) -> None:
    monkeypatch.setattr(scratch, "ROOM_BYTES", room)
    disk, made = tmp_path / "disk", Made(tmp_path / "made")
    commit = made.commit({"a.txt": "1\n2\n", "b.py": "x = eval('1')\n"})
    with EngineProcess(scratch_root=disk, limits=Limits(), cache_path=None) as engine:
        messages = engine.analyse(made.git_dir, commit, engines=["lines", "secrets", "ruff"], idle_seconds=60)
        said = [next(messages)]
        used, unused = (memory, disk) if room == 1 else (disk, memory)
        assert len(list(used.iterdir())) == 1
        assert not unused.exists() or list(unused.iterdir()) == []
        said += messages
    assert only(said, "done")["status"] == "complete"
    assert list(used.iterdir()) == []
