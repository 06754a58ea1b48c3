"""Numbers of the history engine against a repository made by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from commandcenter.engine.engines import Registry
from commandcenter.engine.engines.history import HistoryEngine
from commandcenter.engine.history import log
from commandcenter.engine.history.totals import bus_factor
from commandcenter.engine.limits import Limits
from commandcenter.engine.plan import plan
from commandcenter.engine.run import run
from commandcenter.engine.source.tree import Tree
from commandcenter.engine.tests.making import NOW, Made, git, only, report, rows

DAY = 86_400
WINDOW_DAYS = Limits().history_days
BOB = "Bob <bob@example.org>"
BOT = "dependabot[bot] <49699333+dependabot[bot]@users.noreply.github.com>"


def _run(made: Made, commit: str, tmp_path: Path, limits: Limits | None = None) -> list[dict[str, Any]]:
    limits = limits or Limits()
    scratch = tmp_path / "scratch"
    scratch.mkdir(exist_ok=True)
    with Tree.open(made.git_dir, commit, limits) as tree:
        planned = plan(limits=limits, registry=Registry({}, instances=[HistoryEngine()]))
        return list(run(tree, planned, cache=None, scratch=scratch))


@pytest.fixture
def made(tmp_path: Path) -> Made:
    return Made(tmp_path)


def test_churn_people_and_pace_inside_the_window(made: Made, tmp_path: Path) -> None:
    made.commit(
        {"a.py": "1\n2\n3\n", "gone.py": "x\n"}, when=NOW - (WINDOW_DAYS + 1) * DAY
    )  # before the window
    made.commit({"a.py": "1\n2\n3\n4\n", "b.py": "x\n"}, when=NOW - 3 * DAY)
    made.commit({"a.py": "1\n"}, when=NOW - 2 * DAY, author=BOB)
    made.commit({"a.py": "9\n" * 50}, when=NOW - DAY, author=BOT)
    commit = made.commit({"c.bin": b"\0\1\2"}, remove=["gone.py"], when=NOW)
    said = _run(made, commit, tmp_path)
    files = {
        row["path"]: (row["commits"], row["churn"], row["last_commit_at"]) for row in rows(said, "files")
    }
    assert files == {
        "a.py": (2, 1 + 3, "2023-11-12T22:13:20Z"),
        "b.py": (1, 1, "2023-11-11T22:13:20Z"),
        "c.bin": (1, 0, "2023-11-14T22:13:20Z"),
    }
    summary = only(said, "summary")
    assert (summary["contributors"], summary["bus_factor"]) == (2, 1)
    assert summary["history"] == {
        "commits": 3,
        "contributors": 2,
        "bus_factor": 1,
        "first_commit_at": "2023-11-11T22:13:20Z",
        "last_commit_at": "2023-11-14T22:13:20Z",
        "truncated": False,
        "days": 365,
        "percent": 50,
        "weeks": [0] * 52 + [3],
    }


def test_the_mailmap_makes_one_person_of_two_addresses(made: Made, tmp_path: Path) -> None:
    made.commit({"a.py": "1\n"}, author="Ada <ada@home.example>")
    made.commit({"a.py": "2\n"}, author="Ada L. <ada@work.example>")
    commit = made.commit(
        {".mailmap": "Ada <ada@home.example> <ada@work.example>\n"}, author="Ada <ada@home.example>"
    )
    assert only(_run(made, commit, tmp_path), "summary")["contributors"] == 1


def test_merges_are_left_out(made: Made, tmp_path: Path) -> None:
    made.commit({"a.py": "1\n"})
    git(made.work, "checkout", "-q", "-b", "side")
    made.commit({"b.py": "1\n"}, author=BOB)
    git(made.work, "checkout", "-q", "main")
    made.commit({"c.py": "1\n"})
    git(made.work, "merge", "-q", "--no-ff", "-m", "merge", "side", when=NOW)
    said = _run(made, git(made.work, "rev-parse", "HEAD"), tmp_path)
    assert only(said, "summary")["history"]["commits"] == 3


def test_unusual_names_are_the_names_of_the_tree(made: Made, tmp_path: Path) -> None:
    names = ["tab\tand\nnewline.py", "ünï.py", 'quote".py', "back\\slash.py", "sp ace.py"]
    (made.work / "x").mkdir()
    (Path(str(made.work).encode().decode()) / "x").joinpath("plain.py").write_text("1\n")
    with open(bytes(made.work) + b"/x/\xff\xfe.py", "w") as file:  # noqa: PTH123 (a name that is no text)
        file.write("1\n")
    commit = made.commit(dict.fromkeys(names, "1\n"))
    found = rows(_run(made, commit, tmp_path), "files")
    assert len(found) == len(names) + 2
    assert [row["path"] for row in found if row["commits"] != 1] == []


def test_too_many_commits_are_cut_off_and_said_to_be(made: Made, tmp_path: Path) -> None:
    for number in range(6):
        commit = made.commit({"a.py": f"{number}\n"}, when=NOW + number)
    made.commit({"later.py": "not an ancestor\n"})
    said = _run(made, commit, tmp_path, Limits(max_history_commits=4))
    history = only(said, "summary")["history"]
    assert (history["commits"], history["truncated"]) == (4, True)
    assert report(said, "history")["status"] == "ok"
    exact = only(_run(made, commit, tmp_path, Limits(max_history_commits=6)), "summary")["history"]
    assert (exact["commits"], exact["truncated"]) == (6, False)


def test_a_date_that_no_calendar_holds_is_no_error(made: Made, tmp_path: Path) -> None:
    made.commit({"a.py": "1\n"})
    tree = git(made.work, "rev-parse", "HEAD^{tree}")
    far = f"tree {tree}\nauthor A <a@x> {2**45} +0000\ncommitter A <a@x> {2**45} +0000\n\nfar\n"
    (made.work.parent / "commit").write_text(far)
    commit = git(
        made.work, "hash-object", "-t", "commit", "-w", "--literally", str(made.work.parent / "commit")
    )
    said = _run(made, commit, tmp_path)
    assert report(said, "history")["status"] == "ok"
    assert only(said, "summary")["history"]["commits"] == 1


def test_a_shallow_clone_is_said_to_be_cut_off(made: Made, tmp_path: Path) -> None:
    made.commit({"a.py": "1\n", "b.py": "1\n"})
    made.commit({"a.py": "2\n"})
    commit = made.commit({"a.py": "3\n"})
    git(tmp_path, "clone", "-q", "--depth", "2", f"file://{made.work}", "shallow")
    clone = Made(tmp_path / "second")
    clone.work = tmp_path / "shallow"
    said = _run(clone, commit, tmp_path)
    assert only(said, "summary")["history"]["truncated"] is True
    files = {row["path"]: (row["commits"], row["churn"]) for row in rows(said, "files")}
    assert files == {"a.py": (1, 2), "b.py": (None, None)}


def test_contributors_are_people_with_a_digest_for_their_address(made: Made, tmp_path: Path) -> None:
    made.commit({"a.py": "1\n2\n", "gone.py": "x\n"}, when=NOW - 9 * DAY)
    made.commit({"gone.py": "y\n"}, when=NOW - 8 * DAY, author=BOB)
    made.commit({"a.py": "1\n3\n"}, when=NOW - 7 * DAY, author="B. Other <BOB@example.org>")
    commit = made.commit({}, remove=["gone.py"], when=NOW)
    said = _run(made, commit, tmp_path)
    found = rows(said, "contributors")
    assert [(row["name"], row["commits"], row["changes"], row["added"], row["deleted"]) for row in found] == [
        ("Ada", 2, 1, 2, 0),
        ("B. Other", 2, 1, 1, 1),
    ]
    assert "example.org" not in str(said)
    assert len({row["digest"] for row in found}) == 2
    assert found[1]["first_commit_at"] == "2023-11-06T22:13:20Z"


def test_the_bus_factor_counts_changes_of_files_that_still_exist(made: Made, tmp_path: Path) -> None:
    made.commit({"a.py": "1\n", "old.py": "0\n"})
    for number in range(5):  # Bob's work is all on what is gone
        made.commit({"old.py": f"{number}\n-\n"}, author=BOB)
    made.commit({"a.py": "2\n"}, author="Cleo <cleo@example.org>")
    commit = made.commit({}, remove=["old.py"], author=BOB)
    assert only(_run(made, commit, tmp_path), "summary")["bus_factor"] == 1
    strict = Limits(bus_factor_percent=90)
    assert only(_run(made, commit, tmp_path, strict), "summary")["bus_factor"] == 2


def test_an_old_commit_in_between_hides_no_newer_one_behind_it(made: Made, tmp_path: Path) -> None:
    made.commit({"a.py": "1\n"}, when=NOW - 3 * DAY)
    made.commit({"a.py": "2\n"}, when=NOW - 5000 * DAY)
    commit = made.commit({"a.py": "3\n"}, when=NOW)
    assert only(_run(made, commit, tmp_path), "summary")["history"]["commits"] == 2


def test_lines_that_take_too_long_are_unknown_and_commits_are_counted_all_the_same(
    made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log, "LINES_SHARE", 0.0)
    made.commit({"a.py": "1\n", "tab\t.py": "1\n"})
    commit = made.commit({"a.py": "2\n"})
    said = _run(made, commit, tmp_path)
    assert report(said, "history")["status"] == "ok"
    files = {row["path"]: (row["commits"], row["churn"]) for row in rows(said, "files")}
    assert files == {"a.py": (2, None), "tab\\x09.py": (1, None)}
    assert rows(said, "contributors")[0]["added"] is None


def test_more_than_there_is_room_for_is_cut_off_at_the_newest_commits(
    made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(6):
        commit = made.commit({f"f{number}.py": "1\n"}, when=NOW + number)
    monkeypatch.setattr(log, "MAX_ROOM", 700)
    said = _run(made, commit, tmp_path)
    history = only(said, "summary")["history"]
    assert history["truncated"] is True
    assert 0 < history["commits"] < 6
    assert [row["commits"] for row in rows(said, "files")][-1] == 1


@pytest.mark.parametrize(
    ("commits", "expected"),
    [([], None), ([0, 0], None), ([5], 1), ([5, 5], 1), ([4, 3, 3], 2), ([1] * 9, 5), ([10, 1, 1], 1)],
)
def test_the_bus_factor_is_how_few_made_half_of_the_commits(commits: list[int], expected: int | None) -> None:
    assert bus_factor(commits) == expected
