"""What people start and change from pages, and who may."""

from __future__ import annotations

import json

import pytest
from django.utils import timezone

from commandcenter.analysis.sources import validate_source
from commandcenter.dashboard.tests.conftest import World, signed_in
from commandcenter.inventory.models import Membership, Project, Repository
from jobs.models import Job, JobStatus, QueueControl

SOURCE = "https://git.example.com/team/billing.git"


@pytest.fixture(autouse=True)
def _public_names(settings) -> None:
    """git.example.com is judged by its form here; its address is looked up when it is fetched."""
    assert validate_source(SOURCE) == SOURCE


def form(world: World, **values: str) -> dict[str, str]:
    return {"project": str(world.project.pk), "source": SOURCE, "name": "", "default_branch": "", **values}


def test_an_operator_adds_a_repository_and_watches_its_first_analysis(world: World) -> None:
    response = signed_in(world.operator).post("/repositories/new/", form(world, analyse="on"))
    repository = Repository.objects.get(source=SOURCE)
    assert repository.name == "billing"
    job = Job.objects.get(parameters__repository=repository.pk)
    assert response.headers["Location"] == f"/jobs/{job.pk}/"
    assert (job.origin_kind, job.created_by) == ("page", world.operator)


def test_a_viewer_may_not_add_change_or_analyse(world: World) -> None:
    client = signed_in(world.viewer)
    assert client.post("/repositories/new/", form(world)).status_code == 403
    assert client.post(f"/repositories/{world.repository.pk}/edit/", form(world)).status_code == 403
    assert client.post(f"/repositories/{world.repository.pk}/analyse/").status_code == 403
    assert client.post(f"/jobs/{world.job.pk}/retry/").status_code == 403
    assert not Repository.objects.filter(source=SOURCE).exists()


def test_a_stranger_cannot_choose_a_foreign_project(world: World) -> None:
    response = signed_in(world.stranger).post("/repositories/new/", form(world))
    assert response.status_code == 400
    assert not Repository.objects.filter(source=SOURCE).exists()


def test_the_form_of_a_project_opens_for_its_operators_only(world: World) -> None:
    path = f"/projects/{world.project.pk}/repositories/new/"
    assert signed_in(world.operator).get(path).status_code == 200
    assert signed_in(world.viewer).get(path).status_code == 403
    assert signed_in(world.stranger).get(path).status_code == 404
    assert signed_in(world.staff).get("/projects/999999/repositories/new/").status_code == 404


def test_the_form_offers_only_projects_in_which_one_may_add(world: World) -> None:
    option = f'<option value="{world.project.pk}"'
    assert option in signed_in(world.operator).get("/repositories/new/").content.decode()
    assert option in signed_in(world.staff).get("/repositories/new/").content.decode()
    assert option not in signed_in(world.viewer).get("/repositories/new/").content.decode()


@pytest.mark.parametrize(
    ("source", "word"),
    [
        ("file:///etc/passwd", "source"),
        ("https://127.0.0.1/x.git", "127.0.0.1"),
        ("/etc", "CC_SOURCE_ROOTS"),
        ("ext::sh -c id", "source"),
    ],
)
def test_a_forbidden_source_is_refused_at_the_form_with_the_reason(
    world: World, source: str, word: str
) -> None:
    response = signed_in(world.operator).post("/repositories/new/", form(world, source=source, name="x"))
    assert response.status_code == 400
    content = response.content.decode()
    assert 'id="id_source_error"' in content
    assert word.lower() in content.lower()
    assert not Repository.objects.filter(name="x").exists()


def test_credentials_are_kept_when_the_form_leaves_them_empty_and_never_shown(world: World) -> None:
    client = signed_in(world.operator)
    client.post("/repositories/new/", form(world, credential_username="ci", credential_secret="s3cret-token"))
    repository = Repository.objects.get(source=SOURCE)
    page = f"/repositories/{repository.pk}/edit/"
    assert "s3cret-token" not in client.get(page).content.decode()
    client.post(page, form(world, name="renamed", credential_username="ci"))
    repository.refresh_from_db()
    assert (repository.name, repository.credential_secret) == ("renamed", "s3cret-token")


def test_a_second_repository_of_the_same_name_is_refused(world: World) -> None:
    response = signed_in(world.operator).post("/repositories/new/", form(world, name="ledger"))
    assert response.status_code == 400
    assert "already has a repository of this name" in response.content.decode()


def test_a_form_that_is_posted_empty_says_what_is_missing(world: World) -> None:
    client = signed_in(world.operator)
    for path, field in (
        ("/projects/new/", "name"),
        ("/repositories/new/", "source"),
        (f"/repositories/{world.repository.pk}/edit/", "source"),
        ("/technologies/new/", "name"),
        (f"/technologies/{world.technology.pk}/edit/", "name"),
        (f"/findings/{world.finding}/suppress/", "suppress-reason"),
    ):
        response = client.post(path)
        assert response.status_code == 400, path
        assert f'id="id_{field}_error"' in response.content.decode(), path


def test_whoever_makes_a_project_becomes_its_admin(world: World) -> None:
    response = signed_in(world.stranger).post("/projects/new/", {"name": "Mine", "description": ""})
    project = Project.objects.get(name="Mine")
    assert response.headers["Location"] == f"/projects/{project.pk}/repositories/new/"
    assert Membership.objects.get(project=project, user=world.stranger).role == "admin"


def test_cancelling_a_waiting_job_ends_it(world: World) -> None:
    client = signed_in(world.operator)
    client.post(f"/repositories/{world.repository.pk}/analyse/")
    job = Job.objects.latest("pk")
    assert job.status == JobStatus.QUEUED
    assert client.post(f"/jobs/{job.pk}/cancel/").headers["Location"] == f"/jobs/{job.pk}/"
    job.refresh_from_db()
    assert job.status == JobStatus.CANCELLED


def test_asking_twice_joins_the_analysis_that_is_queued_already_and_says_so(world: World) -> None:
    client = signed_in(world.operator)
    path = f"/repositories/{world.repository.pk}/analyse/"
    client.post(path)
    job = Job.objects.latest("pk")
    again = client.post(path, follow=True)
    assert again.redirect_chain[-1][0] == f"/jobs/{job.pk}/"
    assert "You joined the analysis that is already queued." in again.content.decode()
    client.post(path, {"force": "on"})
    assert Job.objects.latest("pk").pk != job.pk


def test_lists_say_why_a_job_does_not_run_yet(world: World) -> None:
    client = signed_in(world.operator)
    client.post(f"/repositories/{world.repository.pk}/analyse/")
    job = Job.objects.latest("pk")
    QueueControl.objects.create(queue=job.queue, paused_by="ada", reason="the mirror is <down>")
    for page in ("/jobs/", f"/jobs/{job.pk}/", f"/projects/{world.project.pk}/"):
        content = client.get(page).content.decode()
        assert f"The queue {job.queue} was paused by ada" in content, page
        assert "the mirror is &lt;down&gt;" in content, page


def test_cancelling_an_ended_job_says_why_not(world: World) -> None:
    response = signed_in(world.operator).post(f"/jobs/{world.job.pk}/cancel/", follow=True)
    assert "nothing left to cancel" in response.content.decode()


def test_the_theme_is_remembered_and_leads_back_only_to_this_site(world: World) -> None:
    client = signed_in(world.viewer)
    response = client.post("/theme/", {"theme": "dark", "next": "/jobs/"})
    assert response.headers["Location"] == "/jobs/"
    assert 'data-theme="dark"' in client.get("/").content.decode()
    assert (
        client.post("/theme/", {"theme": "light", "next": "https://elsewhere.example/"}).headers["Location"]
        == "/"
    )


@pytest.mark.parametrize(
    ("field", "value", "error"),
    [
        ("default_branch", "--upload-pack=id", "id_default_branch_error"),
        ("credential_secret", "two\nlines", "id_credential_secret_error"),
    ],
)
def test_what_a_flow_refuses_is_shown_at_its_field(world: World, field: str, value: str, error: str) -> None:
    response = signed_in(world.operator).post("/repositories/new/", form(world, **{field: value}))
    assert response.status_code == 400
    assert f'id="{error}"' in response.content.decode()
    assert not Repository.objects.filter(source=SOURCE).exists()


def test_an_ended_job_is_run_again_with_edited_parameters(world: World) -> None:
    client = signed_in(world.operator)
    Job.objects.filter(pk=world.job.pk).update(status=JobStatus.FAILED, completed_at=timezone.now())
    page = client.get(f"/jobs/{world.job.pk}/").content.decode()
    assert "Run again with other parameters" in page
    assert (
        "Run again with other" not in signed_in(world.viewer).get(f"/jobs/{world.job.pk}/").content.decode()
    )
    edited = world.job.parameters | {"force": True}
    response = client.post(f"/jobs/{world.job.pk}/retry/", {"parameters": json.dumps(edited)})
    again = Job.objects.get(retry_of=world.job.pk)
    assert response.headers["Location"] == f"/jobs/{again.pk}/"
    assert again.parameters == edited


@pytest.mark.parametrize("text", ["{", "[]", "", '{"force": "perhaps"}', '{"nonsense": 1}'])
def test_parameters_that_cannot_be_used_are_said_and_start_nothing(world: World, text: str) -> None:
    client = signed_in(world.operator)
    Job.objects.filter(pk=world.job.pk).update(status=JobStatus.FAILED, completed_at=timezone.now())
    response = client.post(f"/jobs/{world.job.pk}/retry/", {"parameters": text}, follow=True)
    assert response.redirect_chain[-1][0] == f"/jobs/{world.job.pk}/"
    assert "parameters" in "".join(str(message) for message in response.context["messages"])
    assert not Job.objects.filter(retry_of=world.job.pk).exists()
