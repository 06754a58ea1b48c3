"""Local repositories: read as they are, while nothing that they configure is ever obeyed."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from commandcenter.engine.source.tests.conftest import Desk
from commandcenter.engine.source.tests.servers import Repo

HOSTILE = """
[core]
	repositoryformatversion = 1
	fsmonitor = "{run} #"
	hooksPath = {hooks}
	sshCommand = "{run} #"
	gitProxy = "{run}"
	pager = "{run}"
	editor = "{run}"
	alternateRefsCommand = "{run} #"
	attributesFile = {hooks}/attributes
	worktree = /etc
[extensions]
	partialClone = origin
[remote "origin"]
	url = "ext::{run}"
	promisor = true
	uploadpack = "{run}"
	vcs = "{run}"
[uploadpack]
	packObjectsHook = "{run}"
[filter "x"]
	smudge = "{run}"
	clean = "{run}"
	process = "{run}"
	required = true
[diff]
	external = "{run}"
[diff "x"]
	textconv = "{run}"
	command = "{run}"
[credential]
	helper = "!{run}"
[protocol]
	allow = always
[protocol "ext"]
	allow = always
[alias]
	fetch = "!{run}"
[include]
	path = /etc/shadow
"""


def test_configuration_hooks_filters_and_attributes_of_a_hostile_repository_run_nothing(
    desk: Desk, repo: Repo
) -> None:
    commit = repo.commit(
        {".gitattributes": "* filter=x diff=x\n", ".lfsconfig": "[lfs]\n\turl = http://127.0.0.1:9/\n"}
    )
    marker = desk.root / "marker"
    hooks = desk.root / "hooks"
    hooks.mkdir()
    run = hooks / "run"
    names = (
        "post-checkout",
        "reference-transaction",
        "post-index-change",
        "fsmonitor-watchman",
        "pre-auto-gc",
    )
    for name in ("run", *names):
        (hooks / name).write_text(f"#!/bin/sh\ntouch {marker}\n")
        (hooks / name).chmod(0o755)
    shutil.copytree(hooks, repo.path / ".git" / "hooks", dirs_exist_ok=True)
    (repo.path / ".git" / "config").write_text(HOSTILE.format(run=run, hooks=hooks))
    opened = desk.open(repo.path)
    assert opened.commit == commit
    assert set(desk.files(opened)) == {".gitattributes", ".lfsconfig", "README.md", "src/app.py"}
    assert not marker.exists()


@pytest.mark.parametrize("packed", [False, True])
def test_bare_shallow_and_worktree_repositories_are_read(desk: Desk, repo: Repo, packed: bool) -> None:
    commit = repo.commit({"two.txt": "2"})
    repo.git("tag", "v1", "-a", "-m", "One")
    if packed:
        repo.git("gc", "--quiet")
    repo.git("clone", "--quiet", "--bare", str(repo.path), str(desk.root / "bare.git"))
    repo.git("clone", "--quiet", "--depth=1", repo.path.as_uri(), str(desk.root / "shallow"))
    repo.git("worktree", "add", "--quiet", "--detach", str(desk.root / "tree"), "HEAD~1")
    repo.git("worktree", "add", "--quiet", "-b", "side", str(desk.root / "side"))
    side = Repo.__new__(Repo)
    side.path = desk.root / "side"
    on_side = side.commit({"side.txt": "side"})
    assert desk.open(desk.root / "bare.git").commit == commit
    assert desk.open(desk.root / "shallow").commit == commit
    detached = desk.open(desk.root / "tree")
    assert (detached.commit, detached.reference) == (repo.git("rev-parse", "HEAD~1"), "")
    opened = desk.open(desk.root / "side")
    assert (opened.commit, opened.default_branch) == (on_side, "side")
    assert desk.open(desk.root / "bare.git", "v1").commit == commit


def test_a_repository_of_another_user_is_read(desk: Desk, repo: Repo) -> None:
    if os.geteuid() == 0:
        for path in (repo.path, *repo.path.rglob("*")):
            os.chown(path, 12345, 12345)
    assert desk.open(repo.path).entries == 2


def test_uncommitted_files_are_not_part_of_the_tree(desk: Desk, repo: Repo) -> None:
    (repo.path / "draft.txt").write_text("draft")
    assert "draft.txt" not in desk.files(desk.open(repo.path))


def outside(tmp_path: Path) -> Repo:
    repo = Repo(tmp_path / "elsewhere")
    repo.commit({"private.txt": "private"})
    return repo


def test_a_git_file_that_leads_out_of_the_roots_is_refused(desk: Desk, tmp_path: Path) -> None:
    other = outside(tmp_path)
    folder = desk.root / "trap"
    folder.mkdir()
    (folder / ".git").write_text(f"gitdir: {other.path}/.git\n")
    there = desk.refuse(folder)
    (folder / ".git").write_text(f"gitdir: {other.path}/nothing\n")
    missing = desk.refuse(folder)
    assert (missing.code, str(missing)) == (there.code, str(there))  # it does not say what exists out there
    assert there.code == "source_forbidden"
    assert "linked worktree" in str(there)
    assert "CC_SOURCE_ROOTS" in str(there)


def test_a_worktree_without_its_repository_is_refused_with_a_remedy(desk: Desk, repo: Repo) -> None:
    repo.git("worktree", "add", "--quiet", "-b", "side", str(desk.root / "side"))
    shutil.rmtree(repo.path)
    error = desk.refuse(desk.root / "side")
    assert error.code == "source_invalid"
    assert "is not there" in str(error)
    (desk.root / "side" / ".git").unlink()
    assert desk.files(desk.open(desk.root / "side"))


def test_a_git_folder_that_is_a_link_out_of_the_roots_is_refused(desk: Desk, tmp_path: Path) -> None:
    other = outside(tmp_path)
    folder = desk.root / "trap"
    folder.mkdir()
    (folder / ".git").symlink_to(other.path / ".git")
    assert desk.refuse(folder).code == "source_forbidden"


@pytest.mark.parametrize("line", ["{objects}", '"{objects}"', "../../../../elsewhere/.git/objects"])
def test_objects_borrowed_from_outside_of_the_roots_are_refused(
    desk: Desk, repo: Repo, tmp_path: Path, line: str
) -> None:
    other = outside(tmp_path)
    (repo.path / ".git" / "refs" / "heads" / "main").write_text(other.git("rev-parse", "HEAD") + "\n")
    alternates = repo.path / ".git" / "objects" / "info" / "alternates"
    alternates.parent.mkdir(exist_ok=True)
    alternates.write_text(line.format(objects=other.path / ".git" / "objects") + "\n")
    error = desk.refuse(repo.path)
    assert error.code in {"source_forbidden", "source_invalid"}
    assert "private" not in str(error)


def test_objects_borrowed_from_inside_of_the_roots_are_read(desk: Desk, repo: Repo) -> None:
    repo.git("clone", "--quiet", "--shared", str(repo.path), str(desk.root / "shared"))
    assert desk.open(desk.root / "shared").entries == 2


@pytest.mark.parametrize("what", ["objects", "pack", "loose"])
def test_linked_objects_are_refused(desk: Desk, repo: Repo, tmp_path: Path, what: str) -> None:
    other = outside(tmp_path)
    head = other.git("rev-parse", "HEAD")
    (repo.path / ".git" / "refs" / "heads" / "main").write_text(head + "\n")
    theirs, ours = other.path / ".git" / "objects", repo.path / ".git" / "objects"
    if what == "loose":
        (ours / head[:2]).mkdir(exist_ok=True)
        (ours / head[:2] / head[2:]).symlink_to(theirs / head[:2] / head[2:])
    else:
        target = theirs if what == "objects" else theirs / "pack"
        link = ours if what == "objects" else ours / "pack"
        shutil.rmtree(link)
        link.symlink_to(target)
    assert desk.refuse(repo.path).code == "source_forbidden"


@pytest.mark.parametrize("folder", ["refs", "refs/heads"])
def test_reference_folders_that_are_links_are_not_followed(
    desk: Desk, repo: Repo, tmp_path: Path, folder: str
) -> None:
    other = outside(tmp_path)
    other.git("branch", "secret-branch")
    link = repo.path / ".git" / folder
    shutil.rmtree(link)
    link.symlink_to(other.path / ".git" / folder)
    error = desk.refuse(repo.path, "nothing")
    assert error.code in {"source_empty", "ref_not_found"}
    assert "secret-branch" not in str(error)


def test_references_that_are_links_or_nonsense_are_left_out(desk: Desk, repo: Repo) -> None:
    heads = repo.path / ".git" / "refs" / "heads"
    (heads / "link").symlink_to("/etc/passwd")
    (heads / "nonsense").write_text("root:x:0:0")
    (heads / "bad name").write_text("1" * 40)
    os.mkfifo(heads / "pipe")
    (repo.path / ".git" / "packed-refs").write_text(f"{'2' * 40} refs/heads/missing\nrubbish\n")
    opened = desk.open(repo.path)
    assert opened.entries == 2
    assert desk.refuse(repo.path, "missing").code == "source_invalid"
    error = desk.refuse(repo.path, "nonsense")
    assert error.code == "ref_not_found"
    assert "branches: main, missing" in str(error)
    assert "root:" not in str(error)


def test_a_repository_with_lost_objects_is_told_as_broken(desk: Desk, repo: Repo) -> None:
    blob = repo.git("rev-parse", "HEAD:README.md")
    (repo.path / ".git" / "objects" / blob[:2] / blob[2:]).unlink()
    assert desk.refuse(repo.path).code == "source_invalid"
