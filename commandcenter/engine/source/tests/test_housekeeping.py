"""The mirrors folder keeps to its size, and the longest unused mirrors go first."""

from __future__ import annotations

import os
from pathlib import Path

from commandcenter.engine.source import prune_mirrors
from commandcenter.engine.source.guard import disk_bytes
from commandcenter.engine.source.tests.conftest import Desk


def test_the_longest_unused_mirror_is_removed_and_made_again_when_needed(desk: Desk) -> None:
    opened = {}
    for number, name in enumerate(("old", "new")):
        (desk.root / name).mkdir()
        (desk.root / name / "file").write_text(name)
        opened[name] = desk.open(desk.root / name)
        lock = lock_of(opened[name].git_dir)
        os.utime(lock, (1_000_000_000 + number, 1_000_000_000 + number))
    total = sum(disk_bytes(tree.git_dir.parent) for tree in opened.values())
    assert prune_mirrors(desk.mirrors, total) == 0
    assert prune_mirrors(desk.mirrors, total - 1) > 0
    assert not opened["old"].git_dir.exists()
    assert opened["new"].git_dir.exists()
    assert desk.open(desk.root / "old") == opened["old"]


def test_a_mirror_that_was_opened_lately_stays(desk: Desk) -> None:
    (desk.root / "one").mkdir()
    (desk.root / "one" / "file").write_text("one")
    opened = desk.open(desk.root / "one")
    assert prune_mirrors(desk.mirrors, 0) == 0
    assert desk.files(opened) == {"file": b"one"}


def lock_of(git_dir: Path) -> Path:
    return git_dir.parent.with_name(f"{git_dir.parent.name}.lock")
