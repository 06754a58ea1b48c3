"""Rows of lists, which PostgreSQL writes, are what the serializer says of the same jobs."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from rest_framework.test import APIClient

from commandcenter.accounts.models import User
from commandcenter.accounts.tokens import create_token
from commandcenter.inventory.models import Project, Repository
from jobs.cancellation import cancel
from jobs.models import Job, JobStatus
from jobs.state import transition
from jobs.tests.factories import make_job, make_project, make_user

pytestmark = pytest.mark.django_db
HOSTILE = {"text": 'quotes " and \\ and \u2028 and ünï', "deep": [{"a": [1.5, True, None, 10**15]}], "": ""}


@pytest.fixture
def staff() -> APIClient:
    """Return a client who sees everything."""
    found = APIClient()
    found.force_authenticate(make_user(staff=True))
    return found


def jobs_in_every_state(project: Project) -> list[Job]:
    """Make a job of each kind that a list shows."""
    repository = Repository.objects.create(project=project, name="r", source="https://git.example/r")
    made = [make_job(project, tags={"team": 'co"re', "ü": "ö:ä"}, created_by=make_user())]
    made.append(make_job(project, dispatch=False))
    made.append(make_job(project, delay_seconds=600))
    for to, values in (
        (JobStatus.COMPLETED, {"result": HOSTILE}),
        (JobStatus.FAILED, {"error_code": "odd", "error_message": 'It said "no"\nand \\ left.'}),
        (JobStatus.CANCELLED, {"not_before": datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)}),
    ):
        job = make_job(project, retry_of=made[0], parent=made[1])
        transition(job.pk, JobStatus.RUNNING, sources={JobStatus.QUEUED}, reason="test")
        transition(job.pk, to, sources={JobStatus.RUNNING}, reason="test", job_values=values)
        made.append(job)
    running = make_job(project)
    transition(running.pk, JobStatus.RUNNING, sources={JobStatus.QUEUED}, reason="test")
    cancel(Job.objects.get(pk=running.pk), make_user())
    Job.objects.filter(pk=made[0].pk).update(
        repository=repository, parameters=HOSTILE, created_at=datetime(2026, 1, 2, tzinfo=UTC)
    )
    return [*made, running]


def test_lists_show_each_job_as_it_shows_itself(staff: APIClient) -> None:
    made = jobs_in_every_state(make_project())
    listed = staff.get("/api/v1/jobs").json()["results"]
    assert {row["id"] for row in listed} == {job.pk for job in made}
    for row in listed:
        alone = staff.get(f"/api/v1/jobs/{row['id']}").json()
        assert row == alone
        assert {name: type(value) for name, value in row.items()} == {
            name: type(value) for name, value in alone.items()
        }


def test_lists_can_be_browsed_and_have_etags(staff: APIClient) -> None:
    jobs_in_every_state(make_project())
    first = staff.get("/api/v1/jobs")
    assert first["Content-Type"] == "application/json"
    assert staff.get("/api/v1/jobs", headers={"if-none-match": first["ETag"]}).status_code == 304
    browsed = staff.get("/api/v1/jobs", headers={"accept": "text/html"})
    assert browsed.status_code == 200
    assert b"not_dispatched" in browsed.content


def test_lists_of_a_repository_and_of_a_batch(staff: APIClient) -> None:
    made = jobs_in_every_state(make_project())
    repository = Job.objects.get(pk=made[0].pk).repository_id

    def ids(query: str) -> list[int]:
        return [row["id"] for row in staff.get(f"/api/v1/jobs?{query}").json()["results"]]

    ended = [job.pk for job in made[5:2:-1]]
    assert ids(f"repository={repository}") == [made[0].pk]
    assert ids(f"parent={made[1].pk}") == ended
    assert ids(f"retry_of={made[0].pk}&status=failed&status=cancelled") == ended[:2]
    assert staff.get("/api/v1/jobs?repository=x").status_code == 400


def test_limited_people_and_tokens_see_their_projects_only() -> None:
    member = make_user()
    mine, other, third = make_project(viewer=member), make_project(), make_project(viewer=member)
    jobs = {project.pk: make_job(project, tags={"team": "core"}) for project in (mine, other, third)}

    def seen(user: User, query: str = "", projects: list[int] | None = None) -> set[int]:
        client = APIClient()
        _, secret = create_token(user, name="t", scope="read", project_ids=projects)
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {secret}")
        return {row["project"] for row in client.get(f"/api/v1/jobs?{query}").json()["results"]}

    staff = make_user(staff=True)
    for query in (
        "",
        "tag=team:core",
        "search=core",
        "status=queued",
        "job_type=analysis",
        "search=analysis",
    ):
        assert seen(member, query) == {mine.pk, third.pk}
        assert seen(member, query, [mine.pk, other.pk]) == {mine.pk}
        assert seen(staff, query) == set(jobs)
        assert seen(staff, query, [other.pk]) == {other.pk}
        assert seen(make_user(), query) == set()
        assert seen(member, f"{query}&project={other.pk}") == set()
        assert seen(member, f"search=%23{jobs[other.pk].pk}") == set()
