"""The same commit gives the same results by any way; a finding's life follows the code through renames and reverts."""

from __future__ import annotations

from typing import Any

import pytest

from commandcenter.analysis.models import Finding, FindingTransition
from commandcenter.analysis.tests import hostile
from commandcenter.analysis.tests.conftest import COMMITTED, FILES
from commandcenter.analysis.tests.factories import make_repository
from commandcenter.analysis.tests.running import analysis_of, run
from jobs.models import JobStatus

pytestmark = [COMMITTED, pytest.mark.usefixtures("folders")]

TABLES = ("files", "dependencies", "technologies", "occurrences")


@pytest.fixture
def repository(git_repository: Any) -> Any:
    return make_repository(source=str(git_repository.folder))


def analyse(repository: Any, **options: Any) -> Any:
    job = run(repository, **options)
    assert job.status == JobStatus.COMPLETED, job.error_message
    analysis = analysis_of(job)
    assert analysis.status == "complete", analysis.result_set.engines
    return analysis


def content(analysis: Any) -> dict[str, Any]:
    """All rows of an analysis in their order, and its summary, without ids."""
    found: dict[str, Any] = {"summary": analysis.result_set.summary}
    for name in TABLES:
        rows = getattr(analysis.result_set, name).order_by("pk").values()
        found[name] = [{k: v for k, v in row.items() if k not in {"id", "result_set_id"}} for row in rows]
        assert rows, name
    return found


def changes(analysis: Any) -> set[tuple[str, str]]:
    rows = FindingTransition.objects.filter(analysis=analysis)
    return set(rows.values_list("to_state", "finding__path"))


def test_cold_cached_and_forced_runs_of_one_commit_give_the_same_rows(
    repository: Any, git_repository: Any
) -> None:
    git_repository.commit({"key.py": hostile.SECRET, "copy/main.py": FILES["app/main.py"]})
    first = analyse(repository)
    expected = content(first)
    for options in ({"force": True}, {}, {"force": True}):
        again = analyse(repository, **options)
        assert content(again) == expected
        assert changes(again) == set()
        assert (again.delta["new"], again.delta["fixed"]) == (0, 0)
    # Another repository with the same commit has only the cache of files in common.
    twin = analyse(make_repository(source=f"{git_repository.folder}/.git"))
    assert content(twin) == expected


def test_a_rename_keeps_its_finding_and_a_revert_of_a_deletion_reopens_it(
    repository: Any, git_repository: Any
) -> None:
    git_repository.commit({"a.py": hostile.BAD})
    analyse(repository)
    known = Finding.objects.get(path="a.py")
    git_repository.commit({"a.py": None, "b.py": hostile.BAD})
    assert changes(analyse(repository)) == set()
    assert Finding.objects.get(path="b.py").pk == known.pk
    git_repository.git("revert", "--no-edit", "HEAD")
    assert changes(analyse(repository)) == set()
    git_repository.commit({"a.py": None})
    assert changes(analyse(repository)) == {("fixed", "a.py")}
    git_repository.git("revert", "--no-edit", "HEAD")
    assert changes(analyse(repository)) == {("reopened", "a.py")}
    git_repository.commit({"a.py": f"# moved\n\n\n{hostile.BAD}"})
    assert changes(analyse(repository)) == set()
    assert Finding.objects.get(path="a.py").pk == known.pk
    moved = Finding.objects.get(path="a.py")
    assert (moved.state, moved.start_line) == ("existing", 4)


def test_branches_and_older_commits_do_not_disturb_the_default_branch(
    repository: Any, git_repository: Any
) -> None:
    old = git_repository.commit({"old.py": hostile.BAD})
    git_repository.commit({"old.py": None, "new.py": hostile.BAD})
    main = analyse(repository)
    before = {f.fingerprint: f.state for f in Finding.objects.filter(branch_line=main.branch_line)}
    past = analyse(repository, ref=old)
    assert changes(past) == set(), "there it has another name, and is the same"
    assert past.branch_line.findings.filter(path="old.py", state="existing").exists()
    git_repository.git("checkout", "-q", "-b", "topic")
    git_repository.commit({"topic.py": hostile.BAD})
    git_repository.git("checkout", "-q", "main")
    assert changes(analyse(repository, ref="topic")) == {("new", "topic.py")}
    again = analyse(repository)
    assert (changes(again), again.baseline) == (set(), main)
    rows = Finding.objects.filter(branch_line=main.branch_line)
    assert {f.fingerprint for f in rows} == set(before)
    assert "fixed" not in {f.state for f in rows}
