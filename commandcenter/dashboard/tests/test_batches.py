"""The page of a batch: its children in counts and a list, what failed, and what can be run again."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from commandcenter.dashboard.batches import LISTED
from commandcenter.dashboard.tests.conftest import World, signed_in
from jobs.batch.children import await_children, settle
from jobs.creation import create_job
from jobs.models import Job, JobStatus
from jobs.running.lease import claim
from jobs.state import transition


@pytest.fixture
def batch(world: World) -> Job:
    """A batch of four whose children were made and wait."""
    return make_batch(world, 4)


def make_batch(world: World, count: int) -> Job:
    """Make a batch and its children without running anything."""
    parent = create_job(
        project=world.project, job_type="batch_analysis", parameters={"all": True}, origin_kind="page"
    )
    assert parent.dispatch_id
    assert claim(parent.pk, parent.dispatch_id, worker="test")
    for number in range(count):
        create_job(
            project=world.project,
            job_type="analysis",
            parameters={"repository": world.repository.pk, "ref": f"branch-{number}"},
            origin_kind="batch",
            origin_id=parent.pk,
            parent=parent,
            child_key=f"part:{number}",
        )
    assert await_children(parent.pk, skipped=0)
    return parent


def end(parent: Job, *statuses: str) -> Job:
    """Let the children end like this, in order, and return the batch as it then stands."""
    children = Job.objects.filter(parent=parent).order_by("pk")
    for child, status in zip(children, statuses, strict=True):
        assert child.dispatch_id
        assert claim(child.pk, child.dispatch_id, worker="test")
        values = {"error_code": "x", "error_message": "No such branch."} if status == "failed" else {}
        transition(child.pk, JobStatus(status), sources={JobStatus.RUNNING}, reason=status, job_values=values)
    settle(parent.pk)
    return Job.objects.get(pk=parent.pk)


def page(user: Any, path: str) -> str:
    response = signed_in(user).get(path)
    assert response.status_code == 200
    return " ".join(response.content.decode().split())


def test_a_partial_failure_is_shown_as_such_with_the_failed_ones_first(world: World, batch: Job) -> None:
    done = end(batch, "completed", "failed", "completed", "failed")
    assert done.status == "completed"
    content = page(world.operator, f"/jobs/{batch.pk}/")
    assert "2 of 4 failed." in content
    assert "Partial" in content
    assert "2 completed, 2 failed" in content
    children = list(Job.objects.filter(parent=batch).order_by("pk"))
    places = [content.index(f"/jobs/{child.pk}/") for child in children]
    assert max(places[1], places[3]) < min(places[0], places[2])
    assert f"/jobs/?parent={batch.pk}&amp;status=failed" in content
    assert "Partial" in page(world.operator, "/jobs/?status=completed")


def test_the_failed_ones_or_all_are_run_again_from_the_page(world: World, batch: Job) -> None:
    end(batch, "completed", "failed", "cancelled", "completed")
    client = signed_in(world.operator)
    content = page(world.operator, f"/jobs/{batch.pk}/")
    assert "Run the failed ones again" in content
    assert "Run all again" in content
    assert client.post(f"/jobs/{batch.pk}/retry/", {"only_failed": "on"}).status_code == 302
    part = Job.objects.latest("pk")
    assert (part.retry_of, part.parameters["relaunch"]["of"]) == (batch, batch.pk)
    client.post(f"/jobs/{batch.pk}/retry/")
    assert Job.objects.latest("pk").parameters == batch.parameters
    assert signed_in(world.viewer).post(f"/jobs/{batch.pk}/retry/", {"only_failed": "on"}).status_code == 403
    assert "Run all again" not in page(world.viewer, f"/jobs/{batch.pk}/")


def test_where_nothing_failed_only_all_can_be_run_again(world: World, batch: Job) -> None:
    end(batch, *["completed"] * 4)
    content = page(world.operator, f"/jobs/{batch.pk}/")
    assert "Run all again" in content
    assert "Run the failed ones again" not in content
    response = signed_in(world.operator).post(f"/jobs/{batch.pk}/retry/", {"only_failed": "on"}, follow=True)
    assert "No child of this batch failed" in response.content.decode()


def test_a_child_leads_to_its_batch_and_the_list_keeps_its_filter(world: World, batch: Job) -> None:
    child = Job.objects.filter(parent=batch).latest("pk")
    assert f'<a href="/jobs/{batch.pk}/">part of batch #{batch.pk}</a>' in page(
        world.viewer, f"/jobs/{child.pk}/"
    )
    content = page(world.viewer, f"/jobs/?parent={batch.pk}")
    assert f"/jobs/{child.pk}/" in content
    assert f"/jobs/{world.job.pk}/" not in content
    assert f"?status=failed&amp;parent={batch.pk}" in content


def test_the_list_of_children_is_bounded_and_costs_the_same_for_many(world: World, batch: Job) -> None:
    def queries(job: Job) -> int:
        with CaptureQueriesContext(connection) as captured:
            page(world.viewer, f"/jobs/{job.pk}/")
        return len(captured)

    large = make_batch(world, LISTED + 2)
    assert queries(large) == queries(batch)
    assert f'<a href="/jobs/?parent={large.pk}">2 more</a>' in page(world.viewer, f"/jobs/{large.pk}/")


def test_a_stranger_sees_nothing_of_it(world: World, batch: Job) -> None:
    assert signed_in(world.stranger).get(f"/jobs/{batch.pk}/").status_code == 404
    child = Job.objects.filter(parent=batch).latest("pk")
    assert f"/jobs/{child.pk}/" not in page(world.stranger, f"/jobs/?parent={batch.pk}")


def test_all_repositories_of_a_project_are_analysed_from_its_page(world: World) -> None:
    path = f"/projects/{world.project.pk}/analyse/"
    assert f'action="{path}"' in page(world.operator, f"/projects/{world.project.pk}/")
    assert f'action="{path}"' not in page(world.viewer, f"/projects/{world.project.pk}/")
    assert signed_in(world.viewer).post(path).status_code == 403
    assert signed_in(world.stranger).post(path).status_code == 404
    response = signed_in(world.operator).post(path)
    job = Job.objects.latest("pk")
    assert response.headers["Location"] == f"/jobs/{job.pk}/"
    assert (job.job_type, job.parameters["all"], job.origin_kind) == ("batch_analysis", True, "page")
    world.project.repositories.all().delete()
    again = signed_in(world.operator).post(path, follow=True)
    assert "The project has no repository." in again.content.decode()
