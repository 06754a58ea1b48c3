"""Exports of a whole project: the latest complete analysis of each repository, and what was left out."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from commandcenter.accounts.tests.factories import api
from commandcenter.analysis.models import Analysis
from commandcenter.analysis.tests.factories import (
    end,
    finding,
    make_project,
    make_repository,
    make_user,
    messages,
    start,
    tree_ref,
)
from commandcenter.inventory.models import Role
from exports import portfolio
from exports.models import Export
from exports.tests.conftest import COMMITTED
from exports.tests.factories import analysis_of, run_queued
from jobs.models import Job
from jobs.retry import retry
from jobs.running.attempt import Attempt

pytestmark = [COMMITTED, pytest.mark.usefixtures("media")]

URL = "/api/v1/exports"
Stored = Callable[[], list[Path]]


@pytest.fixture
def project() -> Any:
    return make_project("Payments")


@pytest.fixture
def operator(project: Any) -> Any:
    return make_user(project, Role.OPERATOR)


def asked(operator: Any, project: Any, **body: Any) -> Export:
    answer = api(operator).post(URL, {"project": project.pk, "format": "json", **body})
    assert answer.status_code == 202, answer.json()
    assert answer.json()["job"]["parameters"] == {"portfolio": True, "format": "json", "options": {}}
    assert answer.json()["export"]["portfolio"] is True
    return run_queued(Job.objects.get(pk=answer.json()["job"]["id"]))


def contents(stored: Stored) -> tuple[dict[str, Any], list[str]]:
    (file,) = stored()
    with zipfile.ZipFile(file) as archive:
        assert archive.testzip() is None
        return json.loads(archive.read("manifest.json")), archive.namelist()


def test_each_repository_is_as_its_latest_complete_analysis_saw_it(
    project: Any, operator: Any, stored: Stored
) -> None:
    web, app = make_repository(project, name="web"), make_repository(project, name="app")
    never = make_repository(project, name="never")
    make_repository(name="of another project")
    analysis_of(web, 1)
    latest = analysis_of(web, 2)
    end(start(web, tree_ref(ref="feature"), asked_for="feature"), messages([finding("x")]))
    complete = analysis_of(app, 1)
    partial = analysis_of(app, 2)
    Analysis.objects.filter(pk=partial.pk).update(status="partial")
    export = asked(operator, project)
    assert (export.status, export.analyses) == ("completed", [complete.pk, latest.pk])
    assert export.file_name == f"{project.slug}-portfolio-{export.pk}.zip"
    manifest, names = contents(stored)
    assert [row["repository_name"] for row in manifest["files"]] == ["app", "web"]
    assert names == [*(row["name"] for row in manifest["files"]), "manifest.json"]
    said = manifest["portfolio"]
    assert said["project"] == {"id": project.pk, "name": "Payments", "slug": project.slug}
    assert said["left_out"] == {
        "count": 1,
        "repositories": [{"id": never.pk, "name": "never", "reason": "no_complete_analysis"}],
    }


def test_beyond_the_limit_those_analysed_last_are_taken_and_the_others_named(
    project: Any, operator: Any, stored: Stored, monkeypatch: Any
) -> None:
    for name in ("c", "b", "a"):
        analysis_of(make_repository(project, name=name), 1)
    monkeypatch.setattr(portfolio, "MAX_REPOSITORIES", 2)
    monkeypatch.setattr(portfolio, "MAX_NAMED", 1)
    make_repository(project, name="d")
    asked(operator, project)
    manifest, _names = contents(stored)
    assert [row["repository_name"] for row in manifest["files"]] == ["a", "b"]
    left = manifest["portfolio"]["left_out"]
    assert left["count"] == 2
    assert [(each["name"], each["reason"]) for each in left["repositories"]] == [("c", "limit")]


def test_one_repository_is_an_archive_too(project: Any, operator: Any, stored: Stored) -> None:
    analysis_of(make_repository(project), 1)
    assert asked(operator, project).media_type == "application/zip"
    assert len(contents(stored)[1]) == 2


def test_a_retry_takes_what_is_the_latest_by_then(project: Any, operator: Any) -> None:
    repository = make_repository(project)
    analysis_of(repository, 1)
    first = asked(operator, project)
    newer = analysis_of(repository, 2)
    again = retry(Job.objects.get(export=first), operator)
    assert Export.objects.get(job=again).analyses == [newer.pk]


def test_a_job_asks_for_a_portfolio_as_well(project: Any, operator: Any) -> None:
    analysis = analysis_of(make_repository(project), 1)
    body = {"project": project.pk, "job_type": "export"}
    parameters: dict[str, Any] = {"portfolio": True, "format": "json"}
    asked_for = api(operator).post("/api/v1/jobs", {**body, "parameters": parameters})
    assert asked_for.status_code == 201
    assert Export.objects.get(job=asked_for.json()["id"]).analyses == [analysis.pk]
    for wrong in ({"portfolio": "yes"}, {"analyses": [analysis.pk]}):
        refused = api(operator).post("/api/v1/jobs", {**body, "parameters": {**parameters, **wrong}})
        assert refused.status_code == 400, wrong


def test_what_cannot_be_asked_for_is_named(project: Any, operator: Any) -> None:
    def errors(user: Any, **body: Any) -> list[tuple[str, str]]:
        answer = api(user).post(URL, {"format": "json", **body})
        assert answer.status_code == 400, answer.json()
        return [(each["field"], each["code"]) for each in answer.json()["errors"]]

    make_repository(project)
    assert errors(operator, project=project.pk) == [("project", "nothing")]
    analysis = analysis_of(make_repository(project), 1)
    assert errors(operator) == [("analyses", "required")]
    assert errors(operator, project=project.pk, analyses=[analysis.pk]) == [("project", "invalid")]
    assert errors(operator, project=2**40) == [("project", "does_not_exist")]
    assert errors(make_user(), project=project.pk) == [("project", "does_not_exist")]
    assert errors(operator, project=project.pk, format="docx") == [("format", "unknown")]
    viewer = api(make_user(project)).post(URL, {"format": "json", "project": project.pk})
    assert viewer.status_code == 403


def test_progress_tells_which_repository_and_how_many_rows(
    project: Any, operator: Any, monkeypatch: Any
) -> None:
    for name, rows in (("app", 1500), ("web", 3)):
        analysis_of(make_repository(project, name=name), rows)
    told: list[tuple[int, str]] = []
    progress = Attempt.progress

    def noted(self: Attempt, percent: int, step: str) -> None:
        told.append((percent, step))
        progress(self, percent, step)

    monkeypatch.setattr(Attempt, "progress", noted)
    asked(operator, project)
    percents = [percent for percent, _step in told]
    assert percents == sorted(percents)
    assert any(0 < percent < 49 for percent in percents)
    steps = [step for _percent, step in told]
    assert any(step.startswith("Writing 1 of 2: app-") and "of 1,500 findings" in step for step in steps)
    assert any(step.startswith("Writing 2 of 2: web-") for step in steps)


def test_the_analyses_are_found_in_one_query(project: Any) -> None:
    for _ in range(3):
        analysis_of(make_repository(project), 1)
    with CaptureQueriesContext(connection) as queries:
        assert len(portfolio.latest_analyses(project.pk)) == 3
    assert len(queries) == 1
