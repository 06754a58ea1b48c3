"""Plain folders: only regular files of that folder are read, whatever is put into their way."""

from __future__ import annotations

import os
import socket
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from commandcenter.engine.errors import EngineCancelled, EngineTimeout
from commandcenter.engine.source.tests.conftest import Desk

GIB = 1 << 30


@pytest.fixture
def folder(desk: Desk) -> Path:
    folder = desk.root / "plain"
    (folder / "src").mkdir(parents=True)
    (folder / "src" / "app.py").write_text("print(1)\n")
    (folder / "run.sh").write_text("#!/bin/sh\n")
    (folder / "run.sh").chmod(0o755)
    (folder / "empty").touch()
    return folder


def test_the_same_content_gives_the_same_commit(desk: Desk, folder: Path) -> None:
    first = desk.open(folder)
    assert desk.files(first) == {"src/app.py": b"print(1)\n", "run.sh": b"#!/bin/sh\n", "empty": b""}
    for path in folder.rglob("*"):
        os.utime(path, (1_000_000_000, 1_000_000_000))
    second = desk.open(folder)
    assert (second.commit, second.tree) == (first.commit, first.tree)
    assert second.committed_at == "2001-09-09T01:46:40Z"
    assert (first.ref, first.default_branch) == ("", None)
    (folder / "more.txt").write_text("more")
    assert desk.open(folder).commit != first.commit


def test_links_pipes_sockets_and_git_folders_are_not_read(desk: Desk, folder: Path) -> None:
    (folder / "passwd").symlink_to("/etc/passwd")
    (folder / "etc").symlink_to("/etc")
    (folder / "src" / "up").symlink_to("..")
    os.mkfifo(folder / "pipe")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(folder / "s"))
    (folder / "vendor" / ".git").mkdir(parents=True)
    (folder / "vendor" / ".git" / "config").write_text("[core]")
    (folder / "module").mkdir()
    (folder / "module" / ".git").write_text("gitdir: /etc")
    opened = desk.open(folder)
    assert opened.skipped == {"symlink": 3, "special": 2}
    assert set(desk.files(opened)) == {"src/app.py", "run.sh", "empty"}


def test_a_sparse_file_of_two_gigabytes_costs_nothing(desk: Desk, folder: Path) -> None:
    with (folder / "huge.bin").open("wb") as file:
        file.truncate(2 * GIB)
    start = time.monotonic()
    opened = desk.open(folder)
    assert time.monotonic() - start < 10
    assert (opened.entries, opened.skipped) == (3, {"too_large": 1})


def test_names_that_are_not_utf8_or_not_printable_survive(desk: Desk, folder: Path) -> None:
    names = [
        b"caf\xe9.txt",
        b"new\nline",
        b"tab\there",
        b'quo"te',
        b"back\\slash",
        b"lit\\xe9",
        "gr\u00fcn".encode(),
    ]
    names.append(b"lit\xe9")
    for name in names:
        (folder / os.fsdecode(name)).write_bytes(name)
    opened = desk.open(folder)
    files = desk.files(opened)
    expected = {
        r"caf\xe9.txt",
        r"new\x0aline",
        r"tab\x09here",
        'quo"te',
        r"back\slash",
        r"lit\x5cxe9",
        "gr\u00fcn",
    }
    assert {*expected, r"lit\xe9"} == set(files) - {"src/app.py", "run.sh", "empty"}
    assert files[r"lit\xe9"] == b"lit\xe9"
    assert all(path.isprintable() for path in files)


def test_a_folder_that_turns_into_a_link_while_it_is_read_leads_nowhere(
    desk: Desk, folder: Path, tmp_path: Path
) -> None:
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "app.py").write_text("the secret of the host")
    stop = threading.Event()

    def swap() -> None:
        while not stop.is_set():
            (folder / "src").rename(folder / "moved")
            (folder / "src").symlink_to(secret)
            (folder / "src").unlink()
            (folder / "moved").rename(folder / "src")

    thread = threading.Thread(target=swap)
    thread.start()
    try:
        for _ in range(8):
            assert b"the secret of the host" not in desk.files(desk.open(folder)).values()
    finally:
        stop.set()
        thread.join()


def test_too_many_files_and_too_many_bytes_are_refused(desk: Desk, folder: Path) -> None:
    limits = desk.limits
    desk.limits = replace(limits, max_entries=2)
    error = desk.refuse(folder)
    assert (error.code, "2 files" in str(error)) == ("source_too_large", True)
    (folder / "noise").write_bytes(os.urandom(3 << 20))
    desk.limits = replace(limits, max_repository_bytes=1 << 20)
    assert desk.refuse(folder).code == "source_too_large"
    assert not list(desk.mirrors.glob("*/repo.git"))


def test_paths_over_the_limit_are_counted(desk: Desk, folder: Path) -> None:
    desk.limits = replace(desk.limits, max_path_bytes=50)
    (folder / ("x" * 60)).touch()
    assert desk.open(folder).skipped == {"long_path": 1}


def test_a_very_deep_folder_is_read(desk: Desk, folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    for _ in range(300):
        os.mkdir("d", dir_fd=handle)
        below = os.open("d", os.O_RDONLY, dir_fd=handle)
        os.close(handle)
        handle = below
    os.close(os.open("deep.txt", os.O_WRONLY | os.O_CREAT, dir_fd=handle))
    os.close(handle)
    assert "d/" * 300 + "deep.txt" in desk.files(desk.open(folder))


def test_an_empty_folder_and_a_ref_are_refused(desk: Desk, folder: Path) -> None:
    (desk.root / "nothing").mkdir()
    assert desk.refuse(desk.root / "nothing").code == "source_empty"
    assert desk.refuse(folder, "main").code == "ref_not_found"


def test_our_own_mirrors_are_not_read_into_themselves(desk: Desk, folder: Path) -> None:
    desk.mirrors = folder / "data" / "mirrors"
    assert desk.open(folder).entries == 3
    assert desk.open(folder).entries == 3


def test_cancelling_and_the_deadline_end_a_walk(desk: Desk, folder: Path) -> None:
    desk.limits = replace(desk.limits, fetch_seconds=-1)
    with pytest.raises(EngineTimeout):
        desk.open(folder)
    desk.cancelled = lambda: True
    with pytest.raises(EngineCancelled):
        desk.open(folder)
