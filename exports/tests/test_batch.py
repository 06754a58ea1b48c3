"""Exporting many analyses: which may be asked for, by whom, and the files that come of it."""

from __future__ import annotations

from typing import Any

import pytest
from rest_framework.test import APIClient

from commandcenter.analysis.models import Analysis
from commandcenter.analysis.tests.factories import make_repository, make_user, start, tree_ref
from commandcenter.inventory.models import Role
from exports.models import Export
from exports.tests.conftest import COMMITTED
from exports.tests.factories import analysis_of
from jobs.models import Job
from jobs.retry import retry
from jobs.running.execution import execute

pytestmark = [COMMITTED, pytest.mark.usefixtures("media")]


@pytest.fixture(autouse=True)
def unlimited(settings: Any) -> None:
    """Count no requests."""
    settings.RATE_LIMITS = dict.fromkeys(settings.RATE_LIMITS)


def client(user: Any) -> APIClient:
    made = APIClient()
    made.force_authenticate(user)
    return made


def ask(asker: APIClient, *analyses: Any, **body: Any) -> Any:
    ids = [each.pk if isinstance(each, Analysis) else each for each in analyses]
    return asker.post("/api/v1/batch/export", {"analysis_ids": ids, "format": "json", **body}, format="json")


def run(pk: int) -> Job:
    """Run the job's present dispatch in this process."""
    job = Job.objects.get(pk=pk)
    assert job.dispatch_id
    execute(pk, job.dispatch_id)
    return Job.objects.get(pk=pk)


def test_each_analysis_becomes_a_file_of_its_own(stored: Any) -> None:
    repository = make_repository()
    analyses = [analysis_of(repository), analysis_of(make_repository(repository.project))]
    operator = client(make_user(repository.project, Role.OPERATOR))
    response = ask(operator, *analyses, analyses[0])
    assert response.status_code == 202
    parent = run(response.json()["id"])
    children = Job.objects.filter(parent=parent).order_by("pk")
    assert [child.parameters["analyses"] for child in children] == [[each.pk] for each in analyses]
    for child in children:
        run(child.pk)
    parent.refresh_from_db()
    assert parent.result
    assert (parent.status, parent.result["outcome"]) == ("completed", "complete")
    assert Export.objects.filter(job__parent=parent, outcome="completed").count() == 2
    assert len(stored()) == 2


def test_an_analysis_deleted_meanwhile_costs_its_own_file_only() -> None:
    repository = make_repository()
    kept, gone = analysis_of(repository), analysis_of(make_repository(repository.project))
    operator = client(make_user(repository.project, Role.OPERATOR))
    pk = ask(operator, kept, gone).json()["id"]
    gone.delete()
    parent = run(pk)
    for child in Job.objects.filter(parent=parent):
        run(child.pk)
    parent.refresh_from_db()
    assert parent.result
    assert parent.result["outcome"] == "partial"
    assert parent.result["children"]["skipped"] == 1


def test_a_failed_export_runs_again_in_another_format() -> None:
    repository = make_repository()
    analysis = analysis_of(repository)
    operator = client(make_user(repository.project, Role.OPERATOR))
    parent = run(ask(operator, analysis).json()["id"])
    child = Job.objects.get(parent=parent)
    assert operator.post(f"/api/v1/jobs/{child.pk}/cancel").status_code == 202
    parent.refresh_from_db()
    assert parent.status == "cancelled"
    again = run(retry(parent, None, parameters={"format": "sarif"}, only_failed=True).pk)
    new = Job.objects.get(parent=again)
    assert (new.parameters["format"], new.retry_of_id) == ("sarif", child.pk)
    assert run(new.pk).status == "completed"


def test_operators_of_the_project_may_and_nobody_else() -> None:
    analysis = analysis_of(make_repository())
    project = analysis.project
    assert ask(client(make_user(project, Role.VIEWER)), analysis).status_code == 403
    assert ask(client(make_user()), analysis).status_code == 400
    assert ask(APIClient(), analysis).status_code == 401
    assert ask(client(make_user(staff=True)), analysis).status_code == 202


def test_analyses_of_two_projects_are_refused() -> None:
    staff = client(make_user(staff=True))
    response = ask(staff, analysis_of(make_repository()), analysis_of(make_repository()))
    assert response.status_code == 400
    assert "several projects" in response.json()["errors"][0]["message"]


def test_more_than_one_batch_takes_is_refused_before_anything_is_looked_up(settings: Any) -> None:
    settings.BATCH_MAX_CHILDREN = 2
    response = ask(client(make_user(staff=True)), 1, 2, 3)
    assert response.status_code == 400
    assert [each["code"] for each in response.json()["errors"]] == ["too_many"]


def test_what_cannot_be_exported_is_named() -> None:
    repository = make_repository()
    analysis = analysis_of(repository)
    staff = client(make_user(staff=True))
    running = start(make_repository(repository.project), tree_ref())
    cases: list[tuple[dict[str, Any], str]] = [
        ({"analysis_ids": []}, "analysis_ids"),
        ({"analysis_ids": [10**9]}, "analysis_ids"),
        ({"analysis_ids": "all"}, "analysis_ids"),
        ({"analysis_ids": [analysis.pk, running.pk]}, "analysis_ids"),
        ({"format": "docx"}, "format"),
        ({"format": ""}, "format"),
        ({"options": {"colour": "red"}}, "options"),
        ({"colour": "red"}, "colour"),
    ]
    for body, field in cases:
        response = ask(staff, analysis, **body)
        assert response.status_code == 400, (body, response.content)
        assert response.json()["errors"][0]["field"].startswith(field), body
    assert not Job.objects.filter(job_type="batch_export").exists()
