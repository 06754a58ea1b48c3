"""A history that is continued from an earlier commit gives what a full read gives, and reads the new commits alone."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from commandcenter.engine.cache import Cache
from commandcenter.engine.engines import Registry
from commandcenter.engine.engines.history import HistoryEngine
from commandcenter.engine.history.commits import Commits, Unreadable, unpack
from commandcenter.engine.limits import MIB, Limits
from commandcenter.engine.plan import plan
from commandcenter.engine.run import run
from commandcenter.engine.source.tree import Tree
from commandcenter.engine.tests.making import NOW, Made, git, only, report, results, rows

DAY = 86_400
PEOPLE = [
    "Ada <ada@x>",
    "Bob <bob@x>",
    "Bob <bob@home>",
    "dependabot[bot] <1+dependabot[bot]@users.noreply.github.com>",
]
FILES = ["a.py", "b/c.py", "b/d e.py", "ü.py"]
MAILMAPS = ["", "Bob <bob@x> <bob@home>\n"]


class Recording(Tree):
    """A tree that remembers which commits git was asked to show with their files."""

    shown: int = 0

    def git(self, args: Sequence[str]) -> Iterator[bytes]:
        if "--numstat" in args or "--raw" in args:
            self.shown += sum(len(each) == 40 for each in args)
        return super().git(args)


def analyse(
    git_dir: Path,
    commit: str,
    cache: Cache | None,
    scratch: Path,
    *,
    limits: Limits | None = None,
    force: bool = False,
) -> tuple[list[dict[str, Any]], int]:
    """Run the engine; return what it said, and how many commits it read in full."""
    limits = limits or Limits()
    scratch.mkdir(exist_ok=True)
    with Recording.open(git_dir, commit, limits) as tree:
        planned = plan(limits=limits, force=force, registry=Registry({}, instances=[HistoryEngine()]))
        return list(run(tree, planned, cache=cache, scratch=scratch)), tree.shown


@pytest.fixture
def made(tmp_path: Path) -> Made:
    return Made(tmp_path)


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[Cache]:
    with Cache(tmp_path / "cache.sqlite", maximum_bytes=64 * MIB) as opened:
        yield opened


_COMMIT = st.fixed_dictionaries(
    {
        "parents": st.lists(st.integers(0, 30), max_size=2),
        "age": st.sampled_from([0, 1, 5, 200, 364, 365, 366, 700, -3]),
        "author": st.integers(0, len(PEOPLE) - 1),
        "files": st.dictionaries(st.sampled_from(FILES), st.none() | st.integers(0, 3), max_size=3),
        "mailmap": st.sampled_from([None, None, None, 0, 1]),
    }
)


def _import(git_dir: Path, commits: list[dict[str, Any]]) -> list[str]:
    """Make the commits, each on those before it that it names, and return their ids."""
    stream: list[bytes] = []
    for number, commit in enumerate(commits, 1):
        when = NOW - commit["age"] * DAY + number
        stream.append(f"commit refs/heads/c{number}\nmark :{number}\n".encode())
        stream.append(f"author {PEOPLE[commit['author']]} {when} +0000\n".encode())
        stream.append(f"committer C <c@x> {when} +0000\ndata 1\nc\n".encode())
        parents = list(dict.fromkeys(parent % number for parent in commit["parents"]))
        known = [parent for parent in parents if parent]  # 0: a root
        stream += [f"{'merge' if at else 'from'} :{parent}\n".encode() for at, parent in enumerate(known)]
        for path, lines in commit["files"].items():
            if lines is None:
                stream.append(f"D {path}\n".encode())
            else:
                text = "".join(f"{number} {line}\n" for line in range(lines)).encode()
                stream.append(f"M 100644 inline {path}\ndata {len(text)}\n".encode() + text + b"\n")
        if commit["mailmap"] is not None:
            text = MAILMAPS[commit["mailmap"]].encode()
            stream.append(f"M 100644 inline .mailmap\ndata {len(text)}\n".encode() + text + b"\n")
    subprocess.run(["git", "init", "-q", "--bare", str(git_dir)], check=True, capture_output=True)
    subprocess.run(
        ["git", "-C", str(git_dir), "fast-import", "--quiet"],
        input=b"".join(stream),
        check=True,
        capture_output=True,
    )
    asked = ["git", "-C", str(git_dir), "rev-parse", *(f"c{number}" for number in range(1, len(commits) + 1))]
    return subprocess.run(asked, check=True, capture_output=True, text=True).stdout.split()


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    commits=st.lists(_COMMIT, min_size=2, max_size=14),
    visits=st.lists(st.integers(0, 30), min_size=2, max_size=4),
    maximum=st.sampled_from([3, 50_000, 50_000]),
)
def test_any_order_of_commits_gives_what_full_reads_give(
    commits: list[dict[str, Any]], visits: list[int], maximum: int
) -> None:
    """Merges, force-pushes, clocks that go backwards, windows that move, other mailmaps: nothing makes a difference."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        ids = _import(place / "r.git", commits)
        limits = Limits(max_history_commits=maximum)
        with Cache(place / "cache.sqlite", maximum_bytes=64 * MIB) as cache:
            for visit in visits:
                commit = ids[visit % len(ids)]
                continued, _ = analyse(place / "r.git", commit, cache, place / "scratch", limits=limits)
                full, _ = analyse(place / "r.git", commit, None, place / "scratch", limits=limits)
                assert report(full, "history")["status"] == "ok"
                assert results(continued) == results(full)


def test_only_new_commits_are_read(made: Made, cache: Cache, tmp_path: Path) -> None:
    for number in range(5):
        first = made.commit({"a.py": f"{number}\n"})
    assert analyse(made.git_dir, first, cache, tmp_path / "s")[1] == 5
    for number in range(2):
        second = made.commit({"b.py": f"{number}\n"})
    said, shown = analyse(made.git_dir, second, cache, tmp_path / "s")
    assert shown == 2
    assert {row["path"]: row["commits"] for row in rows(said, "files")} == {"a.py": 5, "b.py": 2}
    assert analyse(made.git_dir, second, cache, tmp_path / "s")[1] == 0
    assert analyse(made.git_dir, second, cache, tmp_path / "s", force=True)[1] == 7


def test_a_force_push_goes_on_from_what_both_have(made: Made, cache: Cache, tmp_path: Path) -> None:
    base = made.commit({"a.py": "1\n"})
    analyse(made.git_dir, base, cache, tmp_path / "s")
    gone = made.commit({"a.py": "2\n", "b.py": "1\n"})
    analyse(made.git_dir, gone, cache, tmp_path / "s")
    git(made.work, "reset", "-q", "--hard", base)
    pushed = made.commit({"a.py": "3\n"})
    said, shown = analyse(made.git_dir, pushed, cache, tmp_path / "s")
    assert shown == 1
    assert [(row["path"], row["commits"]) for row in rows(said, "files")] == [("a.py", 2)]


def test_another_window_that_begins_earlier_reads_everything(
    made: Made, cache: Cache, tmp_path: Path
) -> None:
    made.commit({"a.py": "1\n"}, when=NOW - 100 * DAY)
    commit = made.commit({"a.py": "2\n"})
    short = Limits(history_days=30)
    assert analyse(made.git_dir, commit, cache, tmp_path / "s", limits=short)[1] == 1
    said, shown = analyse(made.git_dir, commit, cache, tmp_path / "s")
    assert (shown, only(said, "summary")["history"]["commits"]) == (2, 2)
    assert (
        only(analyse(made.git_dir, commit, cache, tmp_path / "s", limits=short)[0], "summary")["history"][
            "commits"
        ]
        == 1
    )


def test_a_shallow_mirror_that_is_deepened_is_read_anew(made: Made, cache: Cache, tmp_path: Path) -> None:
    for number in range(4):
        commit = made.commit({"a.py": f"{number}\n"})
    git(tmp_path, "clone", "-q", "--bare", "--depth", "2", f"file://{made.work}", "shallow.git")
    mirror = tmp_path / "shallow.git"

    def history() -> tuple[int, bool]:
        said = only(analyse(mirror, commit, cache, tmp_path / "s")[0], "summary")["history"]
        return said["commits"], said["truncated"]

    assert history() == (2, True)
    git(mirror, "fetch", "-q", "--depth", "3")
    assert history() == (3, True)
    git(mirror, "fetch", "-q", "--unshallow")
    assert history() == (4, False)


def test_what_is_kept_is_read_back_or_refused() -> None:
    commits = Commits()
    place = commits.author("ada@x", "Ädä")
    commits.add(NOW, place, [(commits.path(b'"\\303\\274.py"'), 3, 2**40)])
    commits.add(NOW + 1, place, [])
    packed = commits.pack(since=1)
    assert packed is not None
    again, notes = unpack(packed)
    assert notes["since"] == 1
    assert list(again.each()) == list(commits.each())
    assert (again.authors, again.paths) == (commits.authors, commits.paths)
    for broken in (b"", b"x", packed[:-9], packed[9:]):
        with pytest.raises(Unreadable):
            unpack(broken)
