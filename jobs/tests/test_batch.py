"""A batch: its children are made once, it waits for them without a worker, and ends with the last of them."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings
from rest_framework.test import APIClient

from jobs.api import views
from jobs.batch import batches
from jobs.batch.awaiting import sweep_batches
from jobs.batch.children import settle
from jobs.creation import create_job
from jobs.exceptions import LeaseLost
from jobs.models import Job, JobEvent, JobRun
from jobs.recovery.reaper import reap
from jobs.running.execution import execute
from jobs.tests import handlers
from jobs.tests.conftest import COMMITTED, messages
from jobs.tests.factories import make_project, make_user
from jobs.tests.test_execute import run
from jobs.tests.test_lease import claimed, expire, fresh

pytestmark = COMMITTED

FAIL = [{"fail": {"code": "bad", "message": "Bad."}}]
FLAKY = [{"fail": {"code": "flaky", "message": "Again.", "retryable": True, "attempts": 1}}]


def make_batch(*children: Any, **values: Any) -> Job:
    """Return a batch that was dispatched, with a child for each list of steps."""
    return create_job(
        project=values.pop("project", None) or make_project(),
        job_type="batch_analysis",
        parameters={"children": list(children)},
        origin_kind="api",
        **values,
    )


def children(parent: Job) -> list[Job]:
    """Return the children in the order in which they were made."""
    return list(Job.objects.filter(parent=parent).select_related("run").order_by("pk"))


def ends(job: Job) -> list[str]:
    """Return the terminal states in the job's history."""
    found = job.events.filter(type="state").order_by("seq").values_list("data__to", flat=True)
    return [to for to in found if to in {"completed", "failed", "cancelled"}]


def test_children_carry_what_their_batch_says_and_are_queued() -> None:
    user = make_user()
    parent = run(make_batch([], [{"result": {"n": 1}}], created_by=user, tags={"team": "core"}))
    assert (parent.status, parent.awaits_children, parent.run.lease_expires_at) == ("running", True, None)
    assert parent.run.deadline_at is None
    made = children(parent)
    assert [child.child_key for child in made] == ["part:0", "part:1"]
    for child in made:
        assert (child.status, child.job_type, child.project) == ("queued", "analysis", parent.project)
        assert (child.origin_kind, child.origin_id) == ("batch", parent.pk)
        assert (child.created_by, child.tags, child.run.last_seq) == (user, {"team": "core"}, 2)
    assert {child.pk for child in made} <= {job_id for job_id, _ in messages()}
    assert parent.events.get(type="log").data["message"] == "2 children were made."


def test_it_ends_with_its_last_child_and_no_sooner() -> None:
    parent = run(make_batch([], [], []))
    for child in children(parent):
        assert fresh(parent).status == "running"
        run(child)
    done = fresh(parent)
    assert (done.status, done.awaits_children, done.run.progress) == ("completed", False, 100)
    assert done.result == {
        "outcome": "complete",
        "children": {"total": 3, "completed": 3, "failed": 0, "cancelled": 0, "skipped": 0},
    }
    assert ends(done) == ["completed"]
    numbers = list(JobEvent.objects.filter(job=done).order_by("seq").values_list("seq", flat=True))
    assert numbers == list(range(1, len(numbers) + 1))


def test_when_some_fail_it_is_completed_in_part() -> None:
    parent = run(make_batch([], FAIL, []))
    for child in children(parent):
        run(child)
    done = fresh(parent)
    assert (done.status, done.error_code) == ("completed", "")
    assert done.result
    assert done.result["outcome"] == "partial"
    assert done.result["children"] == {"total": 3, "completed": 2, "failed": 1, "cancelled": 0, "skipped": 0}


def test_when_all_fail_it_fails_with_the_counts() -> None:
    parent = run(make_batch(FAIL, FAIL))
    for child in children(parent):
        run(child)
    done = fresh(parent)
    assert (done.status, done.error_code) == ("failed", "children_failed")
    assert done.error_message == "2 of 2 children failed."
    assert done.result
    assert done.result["outcome"] == "failed"


def test_a_child_that_is_tried_again_has_not_ended() -> None:
    parent = run(make_batch(FLAKY))
    child = children(parent)[0]
    assert run(child).status == "queued"
    assert fresh(parent).status == "running"
    run(child)
    assert fresh(parent).status == "completed"


def test_a_batch_without_children_is_complete_at_once() -> None:
    done = run(make_batch())
    assert (fresh(done).status, fresh(done).result) == (
        "completed",
        {
            "outcome": "complete",
            "children": {"total": 0, "completed": 0, "failed": 0, "cancelled": 0, "skipped": 0},
        },
    )


def test_a_child_that_cannot_be_made_is_left_out_and_named_in_the_log() -> None:
    parent = run(make_batch([], "no steps"))
    lines = [event.data["message"] for event in parent.events.filter(type="log").order_by("seq")]
    assert lines[0].startswith("No child for part:1: parameters.steps")
    assert lines[1].startswith("1 child was made. 1 could not be")
    run(children(parent)[0])
    done = fresh(parent)
    assert done.result
    assert (done.status, done.result["outcome"]) == ("completed", "partial")
    assert done.result["children"] == {"total": 2, "completed": 1, "failed": 0, "cancelled": 0, "skipped": 1}
    assert fresh(run(make_batch("no steps"))).error_message == "0 of 1 children failed, 1 could not be made."


def test_too_many_children_are_refused_before_any_is_made(settings: Settings) -> None:
    settings.BATCH_MAX_CHILDREN = 3
    failed = run(make_batch([], [], [], []))
    assert (failed.status, failed.error_code, failed.failures) == ("failed", "too_many_children", 1)
    assert "CC_BATCH_MAX_CHILDREN" in failed.error_message
    assert children(failed) == []


def test_a_second_attempt_makes_only_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The worker was lost after the first page, whose children are at work already."""
    monkeypatch.setattr(batches, "PAGE", 2)
    parent = make_batch([], [], [], [], [])
    first = claimed(parent)
    handlers.make_part(first, 2)
    made = children(parent)
    assert len(made) == 2
    run(made[0])
    assert fresh(parent).status == "running"
    expire(parent)
    assert reap() == 1
    assert fresh(parent).losses == 1
    again = run(parent)
    assert (again.awaits_children, again.attempt) == (True, 2)
    keys = [child.child_key for child in children(parent)]
    assert keys == [f"part:{number}" for number in range(5)]
    for child in children(parent)[1:]:
        run(child)
    assert ends(fresh(parent)) == ["completed"]


def test_an_attempt_that_lost_its_lease_can_make_no_children() -> None:
    parent = make_batch([], [])
    stale = claimed(parent)
    expire(parent)
    reap()
    with pytest.raises(LeaseLost):
        handlers.make_part(stale, 2)
    assert children(parent) == []


def test_the_reaper_leaves_a_batch_alone_that_awaits_its_children() -> None:
    parent = run(make_batch([]))
    assert (reap(), fresh(parent).status, fresh(parent).losses) == (0, "running", 0)


def test_progress_tells_how_many_have_ended_and_failed() -> None:
    parent = run(make_batch(FAIL, [], [], []))
    for child in children(parent)[:2]:
        JobRun.objects.filter(job=parent).update(heartbeat_at=None)  # as if half a second had passed
        run(child)
    shown = fresh(parent).run
    assert (shown.progress, shown.current_step) == (50, "2 of 4 ended, 1 failed")
    events = parent.events.filter(type="progress").order_by("seq")
    assert [event.data["current_step"] for event in events][-3:] == [
        "0 of 4 ended",
        "1 of 4 ended, 1 failed",
        "2 of 4 ended, 1 failed",
    ]


def test_progress_is_written_at_most_about_twice_a_second_and_caught_up_with_by_the_sweeper(
    eventually,
) -> None:
    parent = run(make_batch(*[[] for _ in range(8)]))
    for child in children(parent)[:7]:
        run(child)
    assert parent.events.filter(type="progress").count() < 7

    def caught_up() -> bool:
        sweep_batches()
        return fresh(parent).run.current_step == "7 of 8 ended"

    eventually(caught_up)


def test_two_last_children_at_once_end_their_batch_once() -> None:
    for _ in range(8):
        parent = run(make_batch([], []))
        barrier = threading.Barrier(2)

        def end(child: Job, barrier: threading.Barrier = barrier) -> None:
            try:
                barrier.wait(10)
                assert child.dispatch_id
                execute(child.pk, child.dispatch_id)
            finally:
                connection.close()

        threads = [threading.Thread(target=end, args=(child,)) for child in children(parent)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
        assert ends(fresh(parent)) == ["completed"]


def test_settling_twice_at_once_ends_a_batch_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """As when a process died between its child's end and its parent's, and two sweepers find it."""
    parent = run(make_batch([]))
    monkeypatch.setattr("jobs.aftermath.settle", lambda parent_id: None)
    run(children(parent)[0])
    assert fresh(parent).status == "running"
    barrier, found = threading.Barrier(2), []

    def look() -> None:
        try:
            barrier.wait(10)
            found.append(settle(parent.pk))
        finally:
            connection.close()

    threads = [threading.Thread(target=look) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert sum(ended is not None for ended in found) == 1
    assert ends(fresh(parent)) == ["completed"]


def test_the_sweeper_ends_what_a_lost_process_left(monkeypatch: pytest.MonkeyPatch) -> None:
    parent = run(make_batch([]))
    with monkeypatch.context() as patched:
        patched.setattr("jobs.aftermath.settle", lambda parent_id: None)
        run(children(parent)[0])
    assert fresh(parent).status == "running"
    assert sweep_batches() == 1
    assert fresh(parent).status == "completed"


def test_making_a_page_takes_few_milliseconds_a_child() -> None:
    parent = make_batch(*[[] for _ in range(20)])
    with CaptureQueriesContext(connection) as queries:
        run(parent)
    assert len(queries) < 20 * 14 + 40


def test_the_api_shows_counts_with_one_query_for_a_page_and_null_for_other_jobs() -> None:
    user = make_user()
    project = make_project(operator=user)
    parents = [run(make_batch([], FAIL, project=project)) for _ in range(2)]
    for child in children(parents[0]):
        run(child)
    client = APIClient()
    client.force_authenticate(user)
    shown = client.get("/api/v1/jobs", {"job_type": "batch_analysis"}).json()["results"]
    none = dict.fromkeys(("total", "pending", "queued", "running", "completed", "failed", "cancelled"), 0)
    assert [job["children"] for job in shown] == [
        {**none, "total": 2, "queued": 2},
        {**none, "total": 2, "completed": 1, "failed": 1},
    ]
    listed = client.get("/api/v1/jobs", {"parent": parents[0].pk}).json()["results"]
    assert [(job["parent"], job["children"]) for job in listed] == [(parents[0].pk, None)] * 2

    def count() -> int:
        with CaptureQueriesContext(connection) as queries:
            assert client.get("/api/v1/jobs").status_code == 200
        return len(queries)

    before = count()
    run(make_batch([], project=project))
    assert count() == before


def test_a_large_batch_is_not_deleted_within_a_request(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(views, "MAX_DELETED", 1)
    parent = run(make_batch([], []))
    for child in children(parent):
        run(child)
    client = APIClient()
    client.force_authenticate(make_user(staff=True))
    refused = client.delete(f"/api/v1/jobs/{parent.pk}")
    assert (refused.status_code, refused.json()["code"]) == (409, "too_many_children")
    assert client.delete(f"/api/v1/jobs/{children(parent)[0].pk}").status_code == 204
    assert client.delete(f"/api/v1/jobs/{parent.pk}").status_code == 204
    assert not Job.objects.filter(parent=parent.pk).exists()


def test_a_batch_and_its_children_can_be_deleted_when_all_have_ended() -> None:
    parent = run(make_batch([], []))
    first, last = children(parent)
    run(first)
    client = APIClient()
    client.force_authenticate(make_user(staff=True))
    assert client.delete(f"/api/v1/jobs/{parent.pk}").status_code == 409
    refused = client.delete(f"/api/v1/jobs/{first.pk}")
    assert (refused.status_code, refused.json()["code"]) == (409, "batch_active")
    run(last)
    assert client.delete(f"/api/v1/jobs/{parent.pk}").status_code == 204
    assert not Job.objects.filter(pk__in=[parent.pk, first.pk, last.pk]).exists()
