"""The analysis job from end to end: real sources, the real engine process, the real job machinery."""

from __future__ import annotations

import threading
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection

from commandcenter.analysis import engines
from commandcenter.analysis.models import (
    AnalysedFile,
    Analysis,
    Dependency,
    Finding,
    FindingTransition,
    ResultSet,
    ResultSetStatus,
    TechnologyUse,
)
from commandcenter.analysis.results.ingest import Ingest
from commandcenter.analysis.results.reference import reference_of
from commandcenter.analysis.running import ledger
from commandcenter.analysis.running.requests import request_analysis
from commandcenter.analysis.tests.conftest import COMMITTED, FILES, GitRepository
from commandcenter.analysis.tests.factories import file_row, make_repository, tree_ref
from commandcenter.analysis.tests.running import analysis_of, run
from commandcenter.events.models import Event
from commandcenter.inventory.flows.repositories import delete_repository
from jobs.cancellation import cancel
from jobs.creation import create_job
from jobs.exceptions import InvalidParameters
from jobs.models import FOREGROUND, Job, JobEvent, JobStatus
from jobs.running.execution import run_in_foreground

pytestmark = [COMMITTED, pytest.mark.usefixtures("folders")]


@pytest.fixture
def repository(git_repository: Any) -> Any:
    return make_repository(source=str(git_repository.folder))


@pytest.fixture
def scripted(scripted_engines: Any, repository: Any) -> Any:
    """The repository, analysed by engines whose behaviour its files say."""
    return repository


def test_a_repository_is_analysed_from_end_to_end(repository: Any, git_repository: Any) -> None:
    job = run(repository)
    assert (job.status, job.error_message) == (JobStatus.COMPLETED, "")
    analysis = analysis_of(job)
    assert analysis.status == "complete", analysis.result_set.engines
    assert (analysis.ref, analysis.commit) == ("main", git_repository.git("rev-parse", "HEAD"))
    assert analysis.tree == git_repository.git("rev-parse", "HEAD^{tree}")
    assert job.result["analysis"] == analysis.pk
    assert job.result["findings"] == job.result["new"] > 0
    files = AnalysedFile.objects.filter(result_set=analysis.result_set).order_by("pk")
    assert list(files.values_list("path", flat=True)) == sorted(FILES)
    main = files.get(path="app/main.py")
    assert (main.language, main.functions, main.commits) == ("Python", 2, 1)
    assert main.heat == main.complexity
    packages = Dependency.objects.filter(result_set=analysis.result_set)
    assert set(packages.values_list("name", "version")) >= {("django", "5.2.1"), ("requests", None)}
    assert TechnologyUse.objects.filter(result_set=analysis.result_set, name="Django").exists()
    assert Finding.objects.filter(repository=repository, rule__engine="ruff", path="app/main.py").exists()
    summary = analysis.result_set.summary
    assert summary["languages"]["Python"]["files"] == 1
    assert summary["contributors"] == 1


def test_its_events_are_published_once_each(repository: Any) -> None:
    run(repository)
    types = list(
        Event.objects.filter(type__startswith="analysis.").order_by("pk").values_list("type", flat=True)
    )
    assert types == ["analysis.started", "analysis.completed"]
    new = Event.objects.get(type="finding.new").data
    assert new["count"] == sum(new["by_severity"].values()) == len(new["findings"]) > 0
    assert "Django" in set(
        Event.objects.filter(type="technology.detected").values_list("data__name", flat=True)
    )
    completed = Event.objects.get(type="analysis.completed")
    assert completed.data["summary"]["findings"]["new"] == new["count"]
    run(repository)
    assert Event.objects.filter(type="finding.new").count() == 1
    assert Event.objects.filter(type="technology.detected", data__name="Django").count() == 1


def test_progress_rises_and_the_log_says_what_was_read(repository: Any) -> None:
    job = run(repository)
    steps = [e.data["progress"] for e in JobEvent.objects.filter(job=job, type="progress").order_by("seq")]
    assert steps == sorted(steps)
    lines = JobEvent.objects.filter(job=job, type="log").values_list("data__message", flat=True)
    assert any("Read main at" in line for line in lines)


def test_an_unchanged_repository_shares_the_results_and_starts_no_run(
    scripted: Any, git_repository: Any
) -> None:
    git_repository.commit({"a.py": "BAD one\n"})
    first = analysis_of(run(scripted))
    with engines.lend_process() as process:
        process.kill()
    second_job = run(scripted)
    second = analysis_of(second_job)
    assert second.result_set == first.result_set
    with engines.lend_process() as process:
        assert not process.alive, "nothing had to be run"
    assert FindingTransition.objects.filter(analysis=second).count() == 0
    assert second.baseline == first
    assert second_job.result["new"] == second_job.result["fixed"] == 0


def test_force_runs_the_engines_again_and_replaces_the_shared_results(scripted: Any) -> None:
    first = analysis_of(run(scripted))
    forced = analysis_of(run(scripted, force=True))
    assert forced.result_set != first.result_set
    first.result_set.refresh_from_db()
    assert first.result_set.status == ResultSetStatus.SUPERSEDED
    assert FindingTransition.objects.filter(analysis=forced).count() == 0
    assert analysis_of(run(scripted)).result_set == forced.result_set


def test_a_change_is_told_as_new_and_fixed(scripted: Any, git_repository: Any) -> None:
    git_repository.commit({"a.py": "BAD one\nBAD two\n"})
    run(scripted)
    git_repository.commit({"a.py": "\n\nBAD two\n", "b.py": "BAD three\n"})
    job = run(scripted)
    assert (job.result["new"], job.result["fixed"]) == (2, 2), "two engines report each line"
    found = Finding.objects.filter(rule__engine="words").values_list("message", "state", "start_line")
    assert set(found) == {("BAD one", "fixed", 1), ("BAD two", "existing", 3), ("BAD three", "new", 1)}
    fixed = Event.objects.get(type="finding.fixed").data
    assert (fixed["count"], fixed["by_severity"]) == (2, {"high": 2})


def test_a_branch_is_analysed_when_it_is_asked_for(repository: Any, git_repository: Any) -> None:
    git_repository.git("checkout", "-q", "-b", "topic")
    commit = git_repository.commit({"x.py": "x = 1\n"})
    git_repository.git("checkout", "-q", "main")
    git_repository.git("tag", "v1", "topic")
    analysis = analysis_of(run(repository, ref="topic"))
    assert (analysis.ref, analysis.commit) == ("topic", commit)
    assert reference_of(analysis) == "refs/heads/topic"
    assert reference_of(analysis_of(run(repository, ref="v1"))) == "refs/tags/v1"
    assert reference_of(analysis_of(run(repository, ref=commit[:9]))) == ""
    assert not analysis.branch_line.is_default


def test_a_plain_folder_and_an_archive_are_analysed(folders: Any) -> None:
    folder = folders / "sources" / "plain"
    folder.mkdir()
    (folder / "a.py").write_text("x = eval('1')\n")
    archive = folders / "sources" / "a.zip"
    with zipfile.ZipFile(archive, "w") as writer:
        writer.writestr("top/a.py", "x = eval('1')\n")
    for source in (folder, archive):
        job = run(make_repository(source=str(source)))
        assert job.status == JobStatus.COMPLETED, job.error_message
        analysis = analysis_of(job)
        assert list(analysis.result_set.files.values_list("path", flat=True)) == ["a.py"]
        assert job.result["incomplete_engines"] == [], "having no history is not incomplete"
        assert analysis.branch_line.is_default


UNREADABLE = [
    ("{sources}/missing", {}, "source_not_found"),
    ("/etc", {}, "source_forbidden"),
    ("http://127.0.0.1:1/x.git", {}, "source_forbidden"),
    ("https://10.1.2.3/x.git", {}, "source_forbidden"),
    ("ftp://example.com/x", {}, "source_invalid"),
    ("{sources}/empty", {}, "source_empty"),
    ("{sources}/example", {"ref": "nowhere"}, "ref_not_found"),
    ("{sources}/text.txt", {}, "archive_invalid"),
    ("{sources}/link", {}, "source_forbidden"),
]


def test_a_source_that_cannot_be_read_ends_with_a_clear_error(folders: Any, git_repository: Any) -> None:
    sources = folders / "sources"
    GitRepository(sources / "empty")
    (sources / "text.txt").write_text("no archive")
    (sources / "link").symlink_to("/etc")
    for source, options, code in UNREADABLE:
        job = run(make_repository(source=source.format(sources=sources)), **options)
        assert (job.status, job.error_code) == (JobStatus.FAILED, code), (source, job.error_message)
        assert len(job.error_message) > 20
        analysis = Analysis.objects.get(job=job)
        assert (analysis.status, analysis.error_code, analysis.result_set) == ("failed", code, None)
    assert ResultSet.objects.count() == 0


def test_a_broken_engine_makes_the_analysis_partial_and_closes_nothing(
    scripted: Any, git_repository: Any
) -> None:
    git_repository.commit({"a.py": "BAD one\n"})
    first = analysis_of(run(scripted))
    git_repository.commit({"a.py": "fine\n", "broken.py": "x\n"})
    job = run(scripted)
    second = analysis_of(job)
    assert (job.status, second.status, second.baseline) == (JobStatus.COMPLETED, "partial", first)
    assert job.result["incomplete_engines"] == ["words"]
    report = next(report for report in second.result_set.engines if report["id"] == "words")
    assert (report["status"], report["detail"]) == ("failed", "RuntimeError: words cannot go on")
    states = dict(Finding.objects.values_list("rule__engine", "state"))
    assert states == {"words": "new", "links": "fixed"}
    assert analysis_of(run(scripted)).result_set != second.result_set, "a partial result set is never shared"


def test_a_crashed_engine_process_costs_an_attempt_and_not_the_worker(
    scripted: Any, git_repository: Any
) -> None:
    git_repository.commit({"crash.py": "x\n"})
    job = run(scripted)
    assert (job.status, job.error_code) == (JobStatus.FAILED, "engine_crashed")
    assert Analysis.objects.get(job=job).status == "failed"
    assert ResultSet.objects.count() == 0
    git_repository.commit({"crash.py": None})
    assert run(scripted).status == JobStatus.COMPLETED


@contextmanager
def when_logged(message: str, act: Callable[[], object]) -> Iterator[None]:
    """Do something in another thread as soon as a job has logged this message."""
    seen = JobEvent.objects.filter(type="log", data__message=message)
    given_up = threading.Event()

    def watch() -> None:
        try:
            while not seen.exists():
                if given_up.wait(0.05):
                    return
            act()
        finally:
            connection.close()

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield
    finally:
        given_up.set()
        watcher.join()


def test_a_repository_deleted_while_it_is_analysed_ends_its_job_and_is_not_tried_again(
    scripted: Any, git_repository: Any
) -> None:
    git_repository.commit({"linger.py": "x\n"})
    with when_logged("lingering", lambda: delete_repository(scripted, by=None)):
        job = run(scripted)
    assert (job.status, job.error_code) == (JobStatus.FAILED, "repository_deleted")
    assert not Analysis.objects.exists()
    assert not ResultSet.objects.exists()


def test_cancelling_ends_the_engine_and_the_analysis(scripted: Any, git_repository: Any) -> None:
    git_repository.commit({"slow.py": "x\n"})
    with when_logged("slow now", lambda: cancel(Job.objects.latest("pk"), None)):
        job = run(scripted)
    analysis = Analysis.objects.get(job=job)
    assert (job.status, analysis.status) == (JobStatus.CANCELLED, "cancelled")
    assert ResultSet.objects.count() == 0, "what was written half-way is gone"
    with engines.lend_process() as process:
        assert not process.alive
    assert not Event.objects.filter(type="analysis.failed").exists()


def test_the_second_attempt_of_a_job_uses_the_same_analysis(repository: Any, folders: Any) -> None:
    """A worker that is lost leaves a running analysis and half of its rows; the next attempt starts over."""
    job = create_job(
        project=repository.project,
        job_type="analysis",
        parameters={"repository": repository.pk},
        origin_kind="command",
        dispatch=False,
        queue=FOREGROUND,
    )
    lost = ledger.begin(job, repository, "")
    ledger.locate(lost, tree_ref(), asked_for="")
    ingest = Ingest(repository, job=job, attempt=0, key="k", commit=lost.commit, tree=lost.tree)
    ingest.take({"type": "files", "rows": [file_row("half.py")]})
    ended = run_in_foreground(job)
    assert analysis_of(ended) == lost
    assert ResultSet.objects.count() == 1
    assert not AnalysedFile.objects.filter(path="half.py").exists()
    assert Event.objects.filter(type="analysis.started").count() == 1


def test_parameters_are_checked_when_a_job_is_made(repository: Any) -> None:
    other = make_repository()
    for parameters, field in (
        ({}, "repository"),
        ({"repository": other.pk}, "repository"),
        ({"repository": "1"}, "repository"),
        ({"repository": True}, "repository"),
        ({"repository": repository.pk, "ref": "a..b"}, "ref"),
        ({"repository": repository.pk, "ref": 5}, "ref"),
        ({"repository": repository.pk, "force": "yes"}, "force"),
        ({"repository": repository.pk, "branch": "x"}, "branch"),
    ):
        with pytest.raises(InvalidParameters) as caught:
            create_job(
                project=repository.project, job_type="analysis", parameters=parameters, origin_kind="api"
            )
        assert [error["field"] for error in caught.value.errors] == [f"parameters.{field}"]


def test_request_analysis_queues_a_job(repository: Any) -> None:
    job = request_analysis(repository, ref="main", by=None, origin_kind="page")
    assert (job.status, job.queue, job.origin_kind) == (JobStatus.QUEUED, "analysis", "page")
