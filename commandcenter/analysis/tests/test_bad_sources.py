"""Hostile and broken sources as whole jobs: a complete analysis or a clear error, in bounds, and nothing of the host."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import psutil
import pytest
from django.db import connection

from commandcenter.analysis.models import Analysis, ResultSet
from commandcenter.analysis.tests import hostile
from commandcenter.analysis.tests.conftest import COMMITTED
from commandcenter.analysis.tests.factories import make_repository
from commandcenter.analysis.tests.running import analysis_of, run
from commandcenter.engine.scratch import MEMORY, in_memory
from commandcenter.engine.source.tests.servers import Repo, free_port, git_daemon
from jobs.models import JobStatus

TOOLS = {"git", "ruff", "betterleaks"}

pytestmark = [COMMITTED, pytest.mark.usefixtures("nothing_is_left")]


@pytest.fixture
def nothing_is_left(folders: Any) -> Any:
    """After the test no scratch folder and no process of a tool or of git remains."""
    yield
    scratch = folders / "engine" / "scratch"
    assert not scratch.exists() or list(scratch.iterdir()) == []
    assert list(MEMORY.glob(f"{in_memory(scratch)}*")) == []
    mirrors = folders / "mirrors"
    assert (
        not mirrors.exists()
        or [p for p in mirrors.rglob("*") if "scratch" in p.name and any(p.iterdir())] == []
    )
    # The engine process says that it is done before it closes its last git.
    deadline = time.monotonic() + 10
    while left := TOOLS & {process.name() for process in psutil.Process().children(recursive=True)}:
        assert time.monotonic() < deadline, left
        time.sleep(0.02)


@pytest.fixture
def sources(folders: Any) -> Path:
    return Path(folders / "sources")


@pytest.fixture
def outside(folders: Any) -> Path:
    """A folder that may not be read, with a secret that would be found."""
    return hostile.write(folders / "outside", {"secret.py": hostile.SECRET + hostile.BAD})


def complete(source: Path | str, **options: Any) -> Any:
    job = run(make_repository(source=str(source)), **options)
    assert job.status == JobStatus.COMPLETED, (job.error_code, job.error_message)
    analysis = analysis_of(job)
    assert analysis.status == "complete", analysis.result_set.engines
    return analysis


def refused(source: Path | str, code: str, **options: Any) -> str:
    """Run to the expected error; return its message."""
    before = ResultSet.objects.count()
    job = run(make_repository(source=str(source)), **options)
    assert (job.status, job.error_code) == (JobStatus.FAILED, code), job.error_message
    assert (Analysis.objects.get(job=job).status, ResultSet.objects.count()) == ("failed", before)
    assert len(job.error_message) > 20
    return str(job.error_message)


def paths(analysis: Any) -> set[str]:
    return set(analysis.result_set.files.values_list("path", flat=True))


def findings(analysis: Any) -> list[tuple[str, str]]:
    rows = analysis.result_set.occurrences.values_list("rule__rule_id", "path")
    return sorted(rows)


def test_odd_names_kinds_and_sizes_in_a_folder_are_read_or_counted(sources: Path, outside: Path) -> None:
    analysis = complete(hostile.odd_folder(sources / "odd", outside))
    skipped = analysis.result_set.summary["skipped"]
    assert (skipped["symlink"], skipped["special"]) == (3, 3)
    assert skipped["too_large"] == 1
    shown = {name for name in paths(analysis) if not name.startswith("empty")}
    assert {"-rf.py", "$(id).py", "new\\x0aline.py", "\\x1b[31mred.py", "caf\\xe9.py"} <= shown
    assert all(name.isprintable() for name in shown)
    seen = Counter(rule for rule, _ in findings(analysis))
    assert seen == {"S307": len(hostile.NAMES) + 1}, "each file has its finding, and nothing outside was read"


def test_nesting_and_lines_without_end_cost_their_own_file_only(sources: Path) -> None:
    analysis = complete(hostile.deep_folder(sources / "deep"))
    assert ("S307", "good.py") in findings(analysis)
    assert analysis.result_set.summary["skipped"]["too_large"] == 1


def test_text_in_other_encodings_disturbs_nothing(sources: Path) -> None:
    analysis = complete(hostile.utf16_folder(sources / "utf16"))
    assert {("S307", "good.py"), ("S307", "mark.py")} <= set(findings(analysis))


def test_a_repository_that_tells_tools_to_ignore_everything_is_read_whole_and_runs_nothing(
    sources: Path, folders: Path
) -> None:
    witness = folders / "witness"
    repo = hostile.deaf_repository(sources / "deaf", witness)
    analysis = complete(repo.path)
    assert not witness.exists()
    assert {("S307", "a.py")} < set(findings(analysis))
    assert any(path == "key.py" for _, path in findings(analysis)), "the secret is found"
    lines = dict(analysis.result_set.files.values_list("path", "code"))
    assert (lines["a.py"], lines["key.py"]) == (1, 1)
    assert paths(analysis) == {*hostile.IGNORE_ALL, "a.py", "key.py"}
    assert hostile.TOKEN not in stored_text(), "nowhere in the database"


def stored_text() -> str:
    """All that the database holds of analyses, jobs and events, as text."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT quote_ident(tablename) FROM pg_tables WHERE schemaname = 'public' "
            "AND tablename ~ '^(analysis|jobs|events|inventory)_'"
        )
        texts = []
        for (table,) in cursor.fetchall():
            cursor.execute(f"SELECT coalesce(string_agg(t::text, ' '), '') FROM {table} t")
            texts.append(cursor.fetchone()[0])
    return " ".join(texts)


def test_submodules_links_large_files_and_inner_repositories_are_told_and_not_followed(
    sources: Path, outside: Path
) -> None:
    other = Repo(sources / "other")
    other.commit({"only-there.py": hostile.BAD})
    analysis = complete(hostile.odd_repository(sources / "odd", other.path, outside).path)
    skipped = analysis.result_set.summary["skipped"]
    assert (skipped["submodule"], skipped["symlink"], skipped["too_large"]) == (1, 1, 1)
    assert findings(analysis) == [("S307", "a.py"), ("S307", "caf\\xe9.py")]
    assert "inner.git/HEAD" in paths(analysis)


def test_what_borrows_objects_from_outside_is_refused(sources: Path, outside: Path) -> None:
    Repo(outside / "repo").commit({"a.py": hostile.SECRET})
    borrowing = Repo(sources / "borrowing")
    borrowing.git("fetch", "--quiet", str(outside / "repo"), "main:taken")
    (borrowing.path / ".git/objects/info").mkdir(exist_ok=True)
    (borrowing.path / ".git/objects/info/alternates").write_text(f"{outside}/repo/.git/objects\n")
    assert "outside" in refused(borrowing.path, "source_forbidden")


def test_members_of_archives_stay_inside(sources: Path, outside: Path) -> None:
    for archive in (
        hostile.climbing_zip(sources / "climbing.zip"),
        hostile.climbing_tar(sources / "climbing.tar.gz", outside),
    ):
        analysis = complete(archive)
        assert {rule for rule, _ in findings(analysis)} == {"S307"}
        assert not any(".." in path or path.startswith("/") for path in paths(analysis))
        assert analysis.result_set.summary["skipped"]["unsafe_path"] >= 1


def test_a_bomb_is_refused(sources: Path) -> None:
    refused(hostile.bomb_zip(sources / "bomb.zip"), "archive_bomb")


def test_a_long_history_is_read_up_to_its_limit(sources: Path, settings: Any) -> None:
    settings.ENGINE_LIMITS = replace(settings.ENGINE_LIMITS, max_history_commits=500)
    analysis = complete(hostile.long_history(sources / "long", 20_000).path)
    assert len(paths(analysis)) == 20
    history = analysis.result_set.summary["history"]
    assert history["truncated"]
    assert history["commits"] <= 500


def test_a_lock_file_of_a_hundred_thousand_packages_is_read_within_the_memory(sources: Path) -> None:
    analysis = complete(hostile.large_lock(sources / "lock", 100_000))
    assert analysis.result_set.summary["dependencies"]["total"] == 100_000


def test_refs_lead_to_commits_or_to_a_sentence(sources: Path) -> None:
    repo = Repo(sources / "tags")
    commit = repo.commit({"a.py": hostile.BAD})
    repo.git("tag", "-a", "one", "-m", "one")
    repo.git("tag", "-a", "two", "-m", "two", "one")
    repo.git("tag", "blob", repo.git("rev-parse", "HEAD:a.py"))
    repo.git("tag", "tree", "HEAD^{tree}")
    assert complete(repo.path, ref="two").commit == commit
    for ref in ("blob", "tree", "nowhere", "0" * 40):
        assert ref in refused(repo.path, "ref_not_found", ref=ref)
    repo.git("symbolic-ref", "HEAD", "refs/heads/unborn")
    repo.git("branch", "--move", "main", "other")
    assert complete(repo.path).ref == "other"


def test_servers_that_are_gone_or_hold_no_repository_are_told_apart(sources: Path, settings: Any) -> None:
    refused(f"git://127.0.0.1:{free_port()}/x.git", "source_forbidden")
    settings.OUTBOUND_ALLOW = (ip_network("127.0.0.0/8"),)
    refused(f"git://127.0.0.1:{free_port()}/x.git", "source_unreachable")
    with git_daemon(sources) as address:
        refused(f"{address}/missing", "source_not_found")


Limit = tuple[str, int, Callable[[Path], Path], str]
LIMITS: list[Limit] = [
    (
        "max_entries",
        10,
        lambda folder: hostile.write(folder, {f"{n}.py": "" for n in range(20)}),
        "source_too_large",
    ),
    (
        "max_repository_bytes",
        1 << 20,
        lambda folder: hostile.write(folder, {f"{n}.bin": os.urandom(1 << 19) for n in range(6)}),
        "source_too_large",
    ),
    (
        "max_archive_bytes",
        100,
        lambda folder: hostile.climbing_zip(folder.with_suffix(".zip")),
        "source_too_large",
    ),
]


@pytest.mark.parametrize("limit", LIMITS, ids=[limit[0] for limit in LIMITS])
def test_each_limit_is_a_setting_and_ends_the_job_with_its_code(
    sources: Path, settings: Any, limit: Limit
) -> None:
    name, value, make, code = limit
    settings.ENGINE_LIMITS = replace(settings.ENGINE_LIMITS, **{name: value})
    refused(make(sources / "x"), code)
