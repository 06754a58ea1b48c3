"""A passage is a few honest lines of one file at one commit, or a sentence that says why there is none."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from commandcenter.engine.errors import EngineTimeout, SourceError
from commandcenter.engine.source import Passage, read_passage
from commandcenter.engine.source.passage import MAX_BYTES, MAX_LINE, MAX_LINES
from commandcenter.engine.source.tests.conftest import Desk
from commandcenter.engine.source.tests.servers import Repo


def read(
    desk: Desk, repo: Repo, commit: str, path: str, lines: int | tuple[int, int], **more: Any
) -> Passage:
    start, end = lines if isinstance(lines, tuple) else (lines, lines)
    return read_passage(
        str(repo.path), commit, path, start, end, mirrors=desk.mirrors, policy=desk.policy, **more
    )


def opened(desk: Desk, repo: Repo, files: dict[str, Any]) -> str:
    repo.commit(files)
    return desk.open(repo.path).commit


def test_lines_come_with_five_around_them_at_the_commit_that_was_asked_for(desk: Desk, repo: Repo) -> None:
    old = opened(desk, repo, {"a b.txt": "".join(f"{n}\n" for n in range(1, 31))})
    opened(desk, repo, {"a b.txt": "changed\n"})
    assert read(desk, repo, old, "a b.txt", (12, 13)) == Passage(7, tuple(str(n) for n in range(7, 19)))
    assert read(desk, repo, old, "a b.txt", 1) == Passage(1, tuple(str(n) for n in range(1, 7)))
    assert read(desk, repo, old, "a b.txt", 30) == Passage(25, tuple(str(n) for n in range(25, 31)))


def test_what_is_long_is_cut_and_what_deceives_is_spelt_out(desk: Desk, repo: Repo) -> None:
    commit = opened(desk, repo, {"a": "x" * 1000 + "\n" + "y\n" * 500, "b": "a\u202eb\x1b[31m\r\n\xe9\tc\n"})
    long = read(desk, repo, commit, "a", (1, 500))
    assert (len(long.lines), long.lines[0]) == (MAX_LINES, "x" * MAX_LINE + "…")
    assert read(desk, repo, commit, "b", 1).lines == ("a\\u202eb\\u001b[31m", "é\tc")


@pytest.mark.parametrize(
    ("path", "start", "code"),
    [
        ("missing", 1, "source_not_found"),
        ("a", 9, "source_not_found"),
        ("folder", 1, "source_not_found"),
        ("", 1, "source_not_found"),
        ("a\nHEAD:a", 1, "source_not_found"),
        ("/etc/passwd", 1, "source_not_found"),
        ("../../etc/passwd", 1, "source_not_found"),
        ("big", 1, "source_too_large"),
        ("binary", 1, "source_invalid"),
    ],
)
def test_what_cannot_be_shown_is_refused_with_a_reason(
    desk: Desk, repo: Repo, path: str, start: int, code: str
) -> None:
    files = {"a": "1\n", "folder/a": "1\n", "big": "x" * (MAX_BYTES + 1), "binary": "a\0b"}
    commit = opened(desk, repo, files)
    with pytest.raises(SourceError) as refused:
        read(desk, repo, commit, path, start)
    assert (refused.value.code, str(desk.mirrors) in str(refused.value)) == (code, False)


@pytest.mark.parametrize("commit", ["0" * 40, "HEAD", "--help", ""])
def test_only_a_full_commit_that_is_there_is_read(desk: Desk, repo: Repo, commit: str) -> None:
    opened(desk, repo, {})
    with pytest.raises(SourceError):
        read(desk, repo, commit, "README.md", 1)


def test_a_mirror_that_is_not_here_or_broken_says_so(desk: Desk, repo: Repo) -> None:
    commit = opened(desk, repo, {})
    (mirror,) = Path(desk.mirrors).glob("*/repo.git")
    shutil.rmtree(mirror / "objects")
    with pytest.raises(SourceError):
        read(desk, repo, commit, "README.md", 1)
    shutil.rmtree(mirror)
    with pytest.raises(SourceError) as gone:
        read(desk, repo, commit, "README.md", 1)
    assert "not on the machine" in str(gone.value)


def test_it_takes_no_longer_than_it_may(desk: Desk, repo: Repo) -> None:
    commit = opened(desk, repo, {})
    with pytest.raises(EngineTimeout):
        read(desk, repo, commit, "README.md", 1, seconds=-1.0)
