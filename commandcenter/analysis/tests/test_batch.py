"""Analysing many repositories: which are chosen, who may ask, and the jobs that come of it."""

from __future__ import annotations

from typing import Any

import pytest
from pytest_django import Settings
from rest_framework.test import APIClient

from commandcenter.analysis.running import batch
from commandcenter.analysis.tests.conftest import COMMITTED, FILES, GitRepository
from commandcenter.analysis.tests.factories import make_project, make_repository, make_user
from commandcenter.inventory.models import Project, Role
from jobs.models import Job
from jobs.running.execution import execute
from jobs.tests.conftest import purge

pytestmark = COMMITTED


@pytest.fixture(autouse=True)
def quiet(settings: Settings) -> None:
    """Leave no messages behind, and count no requests."""
    settings.RATE_LIMITS = dict.fromkeys(settings.RATE_LIMITS)
    purge()


@pytest.fixture
def project() -> Project:
    return make_project()


def client(user: Any) -> APIClient:
    made = APIClient()
    made.force_authenticate(user)
    return made


@pytest.fixture
def operator(project: Project) -> APIClient:
    return client(make_user(project, Role.OPERATOR))


def ask(asker: APIClient, project: Project, **body: Any) -> Any:
    return asker.post("/api/v1/batch/analyze", {"project": project.pk, **body}, format="json")


def run(pk: int) -> Job:
    """Run the job's present dispatch in this process."""
    job = Job.objects.get(pk=pk)
    assert job.dispatch_id
    execute(pk, job.dispatch_id)
    return Job.objects.select_related("run").get(pk=pk)


def chosen(pk: int) -> list[int]:
    """Return the repositories that the batch made children for."""
    found = Job.objects.filter(parent=run(pk)).order_by("pk")
    assert all(child.job_type == "analysis" and child.queue == "analysis" for child in found)
    return [child.parameters["repository"] for child in found]


def test_the_named_the_tagged_or_all_repositories_of_the_project_are_analysed(
    project: Project, operator: APIClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch, "PAGE", 2)  # more than one page
    one, two, three = (
        make_repository(project, tags=tags).pk for tags in (["core", "java"], ["cored"], ["core"])
    )
    make_repository(tags=["core"])  # of another project
    named = ask(operator, project, repository_ids=[three, one, three])
    assert named.status_code == 202
    assert named.headers["Location"].endswith(f"/api/v1/jobs/{named.json()['id']}")
    assert named.json()["children"]["total"] == 0
    assert chosen(named.json()["id"]) == [one, three]
    assert chosen(ask(operator, project, tag=" core ").json()["id"]) == [one, three]
    assert chosen(ask(operator, project, all=True).json()["id"]) == [one, two, three]


def test_ref_and_force_reach_each_child(project: Project, operator: APIClient) -> None:
    repository = make_repository(project)
    job = run(ask(operator, project, all=True, ref="develop", force=True).json()["id"])
    child = Job.objects.get(parent=job)
    assert child.parameters == {"repository": repository.pk, "ref": "develop", "force": True}
    assert (child.repository_id, child.child_key) == (repository.pk, f"repository:{repository.pk}")


def test_a_repository_deleted_before_the_batch_runs_is_left_out(
    project: Project, operator: APIClient
) -> None:
    kept, gone = make_repository(project), make_repository(project)
    pk = ask(operator, project, repository_ids=[kept.pk, gone.pk]).json()["id"]
    gone.delete()
    assert chosen(pk) == [kept.pk]


def test_it_can_be_asked_for_as_any_other_job(project: Project, operator: APIClient) -> None:
    repository = make_repository(project)
    body = {"project": project.pk, "job_type": "batch_analysis", "parameters": {"all": True}}
    response = operator.post("/api/v1/jobs", body, format="json")
    assert response.status_code == 201
    assert chosen(response.json()["id"]) == [repository.pk]


def test_the_same_key_asks_once(project: Project, operator: APIClient) -> None:
    make_repository(project)
    body = {"project": project.pk, "all": True}
    first, second = (
        operator.post("/api/v1/batch/analyze", body, format="json", HTTP_IDEMPOTENCY_KEY="once")
        for _ in range(2)
    )
    assert first.json()["id"] == second.json()["id"]
    assert Job.objects.count() == 1


def test_operators_may_and_nobody_else(project: Project) -> None:
    make_repository(project)
    assert ask(client(make_user(project, Role.VIEWER)), project, all=True).status_code == 403
    assert ask(client(make_user()), project, all=True).status_code == 400
    assert ask(APIClient(), project, all=True).status_code == 401
    assert Job.objects.count() == 0


def test_batches_have_a_limit_of_their_own(project: Project, operator: APIClient, settings: Settings) -> None:
    make_repository(project)
    settings.RATE_LIMITS = {**settings.RATE_LIMITS, "batch": "1/m"}
    assert [ask(operator, project, all=True).status_code for _ in range(2)] == [202, 429]
    assert operator.get("/api/v1/jobs").status_code == 200


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "repository_ids"),
        ({"all": False}, "repository_ids"),
        ({"all": True, "tag": "core"}, "all"),
        ({"repository_ids": []}, "repository_ids"),
        ({"repository_ids": ["one"]}, "repository_ids"),
        ({"repository_ids": [10**9, 10**9 + 1]}, "repository_ids"),
        ({"tag": "nowhere"}, "tag"),
        ({"tag": ""}, "tag"),
        ({"all": True, "ref": "--upload-pack=id"}, "ref"),
        ({"all": True, "force": "perhaps"}, "force"),
        ({"all": True, "colour": "red"}, "colour"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_its_field(
    project: Project, operator: APIClient, body: dict[str, Any], field: str
) -> None:
    make_repository(project, tags=["core"])
    response = ask(operator, project, **body)
    assert response.status_code == 400, response.content
    assert response.json()["errors"][0]["field"].startswith(field)
    assert Job.objects.count() == 0


def test_unknown_ids_are_named_and_those_of_other_projects_are_unknown(
    project: Project, operator: APIClient
) -> None:
    foreign = make_repository()
    wrong = [foreign.pk, *range(10**6, 10**6 + 20)]
    message = ask(operator, project, repository_ids=wrong).json()["errors"][0]["message"]
    assert str(foreign.pk) in message
    assert "and 11 more" in message


def test_all_of_nothing_and_too_many_are_refused(
    project: Project, operator: APIClient, settings: Settings
) -> None:
    assert ask(operator, project, all=True).status_code == 400
    settings.BATCH_MAX_CHILDREN = 2
    repositories = [make_repository(project).pk for _ in range(3)]
    assert ask(operator, project, all=True).json()["errors"][0]["code"] == "too_many"
    assert ask(operator, project, repository_ids=repositories).json()["errors"][0]["code"] == "too_many"


@pytest.mark.usefixtures("folders")
def test_two_real_repositories_are_analysed_and_a_broken_one_makes_it_partial(
    project: Project, operator: APIClient, git_repository: GitRepository, tmp_path: Any
) -> None:
    second = GitRepository(tmp_path / "sources" / "second")
    second.commit(FILES)
    for folder in (git_repository.folder, second.folder, tmp_path / "sources" / "missing"):
        make_repository(project, str(folder))
    pk = ask(operator, project, all=True).json()["id"]
    run(pk)
    for child in Job.objects.filter(parent=pk).order_by("pk"):
        run(child.pk)
    shown = operator.get(f"/api/v1/jobs/{pk}").json()
    assert shown["status"] == "completed"
    assert shown["result"]["outcome"] == "partial"
    assert (shown["children"]["completed"], shown["children"]["failed"]) == (2, 1)
    listed = operator.get("/api/v1/jobs", {"parent": pk, "status": "failed"}).json()["results"]
    assert [job["error"]["code"] for job in listed] == ["source_not_found"]
