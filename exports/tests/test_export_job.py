"""The job type `export`: one file, whole or not at all."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from commandcenter.analysis.models import Analysis
from commandcenter.analysis.tests.factories import make_project, make_repository, start, tree_ref
from commandcenter.events.models import Event
from exports.models import Export
from exports.registry import FORMATS
from exports.settle import settle
from exports.tests.conftest import COMMITTED
from exports.tests.factories import analysis_of, make_job, run_export, run_queued
from exports.tests.test_formats import export as streamed
from jobs.creation import JobRequest, create_jobs
from jobs.exceptions import InvalidParameters
from jobs.models import Job
from jobs.retry import retry

pytestmark = [COMMITTED, pytest.mark.usefixtures("media")]

Stored = Callable[[], list[Path]]


@pytest.mark.parametrize("name", ["sarif", "json", "csv", "excel"])
def test_the_file_is_what_a_streamed_export_is(stored: Stored, name: str) -> None:
    analysis = analysis_of(make_repository(), 300)
    export = run_export(analysis, name=name)
    assert (export.status, export.error_code) == ("completed", "")
    (file,) = stored()
    content = file.read_bytes()
    assert content == streamed(analysis, name)
    assert (export.bytes, export.sha256) == (len(content), hashlib.sha256(content).hexdigest())
    assert file.as_posix().endswith(export.artifact)
    assert (
        export.file_name
        == f"{analysis.repository.name}-{analysis.commit[:12]}.{FORMATS[name].info.extension}"
    )
    assert export.media_type == FORMATS[name].info.media_type
    assert export.completed_at
    assert export.expires_at == export.completed_at + timedelta(days=30)


def test_the_job_and_the_world_learn_of_the_file() -> None:
    analysis = analysis_of(make_repository())
    export = run_export(analysis)
    assert export.job.status == "completed"
    facts = {"file_name": export.file_name, "bytes": export.bytes, "sha256": export.sha256}
    assert export.job.result == {"export": export.pk, **facts}
    event = Event.objects.get(type="export.completed")
    assert (event.subject_kind, event.subject_id, event.project_id) == (
        "export",
        export.pk,
        export.project_id,
    )
    assert event.data == {
        "export": export.pk,
        "job": export.job_id,
        "format": "json",
        "analyses": [analysis.pk],
        **facts,
    }


def test_several_analyses_are_one_zip_in_the_order_asked_for(stored: Stored) -> None:
    """Each under a name of its own, also when repositories have the same one; a manifest says which is which."""
    project = make_project()
    repository, twin = make_repository(project, name="web"), make_repository(project, name="WEB")
    first, second = analysis_of(repository, 50), analysis_of(twin, 5)
    again = analysis_of(repository)
    Analysis.objects.update(commit="a" * 40)
    export = run_export(second, first, again)
    assert (export.status, export.media_type) == ("completed", "application/zip")
    assert export.file_name == f"{project.slug}-export-{export.pk}.zip"
    (file,) = stored()
    with zipfile.ZipFile(file) as archive:
        assert archive.testzip() is None
        names = ["WEB-aaaaaaaaaaaa.json", "web-aaaaaaaaaaaa-2.json", "web-aaaaaaaaaaaa-3.json"]
        assert archive.namelist() == [*names, "manifest.json"]
        for name, analysis in zip(names, (second, first, again), strict=True):
            assert archive.read(name) == streamed(analysis, "json")
        manifest = json.loads(archive.read("manifest.json"))
        assert [row["analysis"] for row in manifest["files"]] == [second.pk, first.pk, again.pk]
        for row in manifest["files"]:
            assert hashlib.sha256(archive.read(row["name"])).hexdigest() == row["sha256"]


def test_two_exports_of_one_analysis_are_two_files(stored: Stored) -> None:
    analysis = analysis_of(make_repository())
    first, second = run_export(analysis), run_export(analysis)
    assert first.pk != second.pk
    assert first.artifact != second.artifact
    assert first.sha256 == second.sha256
    assert len(stored()) == 2


@pytest.mark.django_db
def test_an_export_exists_from_the_moment_its_job_does() -> None:
    job = make_job(analysis_of(make_repository()), dispatch=False)
    export = Export.objects.with_status().get(job=job)
    assert (export.status, export.artifact, export.expires_at) == ("pending", "", None)


@pytest.mark.django_db
def test_jobs_made_together_have_their_exports_by_one_statement_and_one_look_at_a_portfolio() -> None:
    first, second = (analysis_of(make_repository()) for _ in range(2))
    named = {"analyses": [first.pk], "format": "csv"}
    asked = [
        JobRequest(each.project, "export", given, "schedule")
        for each in (first, second)
        for given in [named] * (each is first) + [{"portfolio": True, "format": "json"}] * 5
    ]
    with CaptureQueriesContext(connection) as queries:
        made = create_jobs(asked)
    exports = {export.job_id: export for export in Export.objects.all()}
    found = [exports[job.pk] for job in made if isinstance(job, Job)]
    assert [(each.format, each.portfolio, each.analyses) for each in found] == [
        ("csv", False, [first.pk]),
        *[("json", True, [first.pk])] * 5,
        *[("json", True, [second.pk])] * 5,
    ]
    said = [each["sql"] for each in queries if "exports_export" in each["sql"]]
    assert len(said) == 1
    # One a request when it is validated, and one a project when its export is made.
    assert sum("analysis_branchline" in each["sql"] for each in queries) == 10 + 2


def test_a_retry_is_an_export_of_its_own() -> None:
    export = run_export(analysis_of(make_repository()))
    again = retry(Job.objects.get(export=export), None)
    assert Export.objects.get(job=again).analyses == export.analyses


@pytest.mark.django_db  # nothing is committed, which is quicker
@pytest.mark.parametrize(
    ("given", "field", "code"),
    [
        ({"format": "pdf"}, "format", "unknown"),
        ({"format": 7}, "format", "unknown"),
        ({"format": None}, "format", "required"),
        ({"format": ["json"]}, "format", "unknown"),
        ({"analyses": []}, "analyses", "required"),
        ({"analyses": "1"}, "analyses", "invalid"),
        ({"analyses": [True]}, "analyses", "invalid"),
        ({"analyses": [2**70]}, "analyses", "invalid"),
        ({"analyses": [1.5]}, "analyses", "invalid"),
        ({"analyses": list(range(1, 102))}, "analyses", "too_many"),
        ({"analyses": [2**60]}, "analyses", "unknown"),
        ({"options": [1]}, "options", "invalid"),
        ({"portfolio": []}, "portfolio", "invalid"),
        ({"portfolio": 1}, "portfolio", "invalid"),
        ({"options": {"prettier": True}}, "options.prettier", "unknown"),
        ({"fromat": "json"}, "fromat", "unknown"),
    ],
)
def test_bad_parameters_are_named(given: dict[str, Any], field: str, code: str) -> None:
    analysis = analysis_of(make_repository())
    with pytest.raises(InvalidParameters) as caught:
        make_job(analysis, given=given)
    assert [(error["field"], error["code"]) for error in caught.value.errors] == [
        (f"parameters.{field}", code)
    ]
    assert not Job.objects.filter(job_type="export").exists()


@pytest.mark.django_db
def test_analyses_of_other_projects_and_without_results_are_named() -> None:
    repository = make_repository()
    usable, running = analysis_of(repository), start(repository, tree_ref())
    foreign = analysis_of(make_repository())
    with pytest.raises(InvalidParameters) as caught:
        make_job(usable, running, foreign)
    assert {error["code"]: error["message"] for error in caught.value.errors} == {
        "unknown": f"The project has no analysis {foreign.pk}.",
        "no_results": f"Without results, so there is nothing to export: {running.pk} (running).",
    }


def test_an_analysis_named_twice_counts_once(stored: Stored) -> None:
    analysis = analysis_of(make_repository())
    export = run_export(analysis, analysis)
    assert (export.analyses, export.media_type) == ([analysis.pk], "application/json")


def test_an_analysis_deleted_before_its_export_fails_it_with_its_id(stored: Stored) -> None:
    repository = make_repository()
    first, second = analysis_of(repository), analysis_of(make_repository(repository.project))
    job = make_job(first, second)
    pk = second.pk
    second.repository.delete()
    run_queued(job)
    settle()
    export = Export.objects.with_status().get(job=job)
    assert (export.status, export.error_code) == ("failed", "analysis_deleted")
    assert str(pk) in export.error_message
    assert stored() == []


def test_a_finished_file_outlives_its_analysis_and_its_job(stored: Stored) -> None:
    analysis = analysis_of(make_repository())
    export = run_export(analysis)
    export.job.delete()
    analysis.repository.delete()
    kept = Export.objects.with_status().get(pk=export.pk)
    assert (kept.status, kept.job_id, kept.analyses) == (
        "completed",
        None,
        [analysis.pk],
    )
    assert settle() == 0
    assert len(stored()) == 1
