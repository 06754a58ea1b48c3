"""A tree lists once, streams its blobs in order, and lets only read-only git commands through."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from commandcenter.engine.contract.files import Link, Links
from commandcenter.engine.errors import EngineError, SourceError
from commandcenter.engine.limits import Limits
from commandcenter.engine.source import Tree
from commandcenter.engine.source.tests.conftest import Desk
from commandcenter.engine.source.tests.servers import Repo


def test_blobs_come_in_the_order_asked_for_and_a_broken_off_read_disturbs_nothing(
    desk: Desk, repo: Repo
) -> None:
    commit = repo.commit({f"f{n:04}.txt": f"{n}\n" * (n % 50) for n in range(1000)})
    with Tree.open(desk.open(repo.path).git_dir, commit, Limits()) as tree:
        wanted = list(reversed(tree.entries))
        blobs = list(tree.read_many(wanted))
        assert [blob.entry for blob in blobs] == wanted
        assert all(len(blob.data) == blob.entry.size for blob in blobs)
        reading = tree.read_many(wanted)
        next(reading)
        del reading
        entry = next(e for e in tree.entries if e.path == "f0049.txt")
        assert tree.read(entry) == b"49\n" * 49


def test_a_large_file_is_listed_and_counted_and_never_read(desk: Desk, repo: Repo) -> None:
    commit = repo.commit({"big.bin": b"x" * 2000})
    limits = replace(Limits(), max_blob_bytes=1000)
    with Tree.open(desk.open(repo.path).git_dir, commit, limits) as tree:
        assert tree.skipped == {"too_large": 1}
        big = next(e for e in tree.entries if e.path == "big.bin")
        assert big.size == 2000
        assert {blob.entry.path for blob in tree.read_many(tree.entries)} == {"README.md", "src/app.py"}
        with pytest.raises(SourceError) as caught:
            tree.read(big)
    assert caught.value.code == "source_too_large"


def test_modes_and_strange_names_are_told(desk: Desk, repo: Repo) -> None:
    (repo.path / "run.sh").write_text("#!/bin/sh\n")
    (repo.path / "run.sh").chmod(0o755)
    commit = repo.commit()
    opened = desk.open(repo.path)
    with Tree.open(opened.git_dir, commit, Limits()) as tree:
        assert {e.path: e.executable for e in tree.entries} == {
            "README.md": False,
            "run.sh": True,
            "src/app.py": False,
        }


def test_symlinks_are_told_as_text_and_never_followed(desk: Desk, repo: Repo) -> None:
    (repo.path / "there").symlink_to("README.md")
    (repo.path / "away").symlink_to("/etc/pass\nwd")
    (repo.path / "long").symlink_to("x" * 4000)
    commit = repo.commit()
    with Tree.open(desk.open(repo.path).git_dir, commit, Limits()) as tree:
        assert tree.links == Links(
            (Link("away", "/etc/pass\\x0awd"), Link("long", "x" * 4000), Link("there", "README.md")), 0
        )
        assert tree.skipped == {"symlink": 3}
        assert {entry.path for entry in tree.entries} == {"README.md", "src/app.py"}
        assert tree.read(tree.entries[0]) == b"hello\n"


def test_a_tree_of_trees_that_multiplies_stops_at_the_limit(desk: Desk, repo: Repo) -> None:
    """Ten levels of ten times the same folder: ten thousand million files in a few kilobytes."""
    child = repo.git("hash-object", "-w", "--stdin", stdin=b"boom")
    mode, kind = "100644", "blob"
    for _ in range(10):
        lines = "".join(f"{mode} {kind} {child}\tf{n}\n" for n in range(10))
        child = repo.git("mktree", stdin=lines.encode())
        mode, kind = "040000", "tree"
    commit = repo.git("commit-tree", child, "-m", "bomb")
    repo.git("update-ref", "refs/heads/main", commit)
    error = desk.refuse(repo.path)
    assert error.code == "source_too_large"


def test_history_is_read_and_nothing_else_is_run(desk: Desk, repo: Repo) -> None:
    commit = repo.commit({"two.txt": "2"}, "Second")
    with Tree.open(desk.open(repo.path).git_dir, commit, Limits()) as tree:
        assert list(tree.git(["log", "--format=%s", commit])) == [b"Second", b"First"]
        for args in (
            [],
            ["gc"],
            ["fetch"],
            ["log", "--output=/tmp/x", commit],
            ["log", "--ext-diff"],
            ["log", "--outpu=/tmp/x"],
            ["-c", "a=b"],
        ):
            with pytest.raises(EngineError, match="read-only"):
                list(tree.git(args))
        with pytest.raises(SourceError):
            list(tree.git(["log", "nothing-of-that-name"]))


@pytest.mark.parametrize("commit", ["HEAD", "main", "1" * 40, "--all", "abc"])
def test_a_commit_that_is_not_there_is_an_error(desk: Desk, repo: Repo, commit: str) -> None:
    git_dir = desk.open(repo.path).git_dir
    with pytest.raises(SourceError):
        Tree.open(git_dir, commit, Limits())


def test_a_closed_tree_leaves_no_process(desk: Desk, repo: Repo) -> None:
    opened = desk.open(repo.path)
    with Tree.open(opened.git_dir, opened.commit, Limits()) as tree:
        tree.read(tree.entries[0])
        assert running(opened.git_dir)
    assert not running(opened.git_dir)


def running(git_dir: Path) -> list[str]:
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if (
                str(git_dir) in (folder / "environ").read_text(errors="replace")
                and (folder / "cmdline").read_bytes()
            ):
                found.append(folder.name)
        except OSError:
            continue
    return found


def test_git_reads_no_configuration_of_the_user(
    desk: Desk, repo: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = desk.root / "home"
    home.mkdir()
    marker = desk.root / "marker"
    (home / ".gitconfig").write_text(f'[core]\n\tfsmonitor = "touch {marker} #"\n[alias]\n\tx = y\n[broken')
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("GIT_DIR", "/nowhere")
    monkeypatch.setenv("GIT_CONFIG_PARAMETERS", "'broken")
    assert subprocess.run(["git", "version"], check=False, capture_output=True).returncode != 0
    opened = desk.open(repo.path)
    assert desk.files(opened)["README.md"] == b"hello\n"
    assert not marker.exists()
