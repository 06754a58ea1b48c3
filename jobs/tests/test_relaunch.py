"""Running a batch again: all of it, or only the children that failed or were cancelled, with what is to differ."""

from __future__ import annotations

import pytest
from rest_framework.test import APIClient

from commandcenter.accounts.models import User
from jobs.cancellation import cancel
from jobs.exceptions import IllegalState, InvalidParameters
from jobs.models import Job
from jobs.recovery.reaper import reap
from jobs.retry import retry
from jobs.tests import handlers
from jobs.tests.conftest import COMMITTED
from jobs.tests.factories import make_job, make_project, make_user
from jobs.tests.test_batch import FAIL, children, make_batch
from jobs.tests.test_execute import run
from jobs.tests.test_lease import claimed, expire, fresh

pytestmark = COMMITTED


def ended_batch(*steps: object, **values: object) -> Job:
    """Return a batch whose children have run, but for the last, which was cancelled."""
    parent = run(make_batch(*steps, **values))
    *others, last = children(parent)
    for child in others:
        run(child)
    cancel(last, None)
    return fresh(parent)


def test_only_what_failed_or_was_cancelled_runs_again_each_linked_to_the_one_before() -> None:
    user = make_user()
    parent = ended_batch([], FAIL, [], [{"result": {"n": 4}}], tags={"team": "core"})
    again = run(retry(parent, user, only_failed=True))
    assert (again.retry_of, again.job_type, again.tags) == (parent, "batch_analysis", {"team": "core"})
    before, new = children(parent), children(again)
    assert [child.retry_of_id for child in new] == [before[1].pk, before[3].pk]
    assert [child.parameters for child in new] == [before[1].parameters, before[3].parameters]
    assert [child.created_by for child in new] == [user, user]
    for child in new:
        run(child)
    done = fresh(again)
    assert done.result
    assert (done.status, done.result["outcome"]) == ("completed", "partial")
    assert fresh(parent).result == parent.result


def test_edited_parameters_replace_those_of_each_child() -> None:
    parent = ended_batch(FAIL, FAIL)
    again = run(retry(parent, None, parameters={"steps": [{"result": {"n": 7}}]}, only_failed=True))
    for child in children(again):
        assert run(child).result == {"n": 7, "attempt": 1}
    assert fresh(again).status == "completed"


def test_edited_parameters_are_checked_before_the_batch_is_made() -> None:
    parent = ended_batch(FAIL)
    with pytest.raises(InvalidParameters, match="no such parameter"):
        retry(parent, None, parameters={"colour": "red"}, only_failed=True)
    assert parent.retries.count() == 0


def test_a_relaunch_that_is_tried_again_makes_each_child_once() -> None:
    parent = ended_batch(FAIL, FAIL, FAIL)
    again = retry(parent, None, only_failed=True)
    handlers.make_part(claimed(again), 2)
    expire(again)
    reap()
    assert run(again).attempt == 2
    assert [child.retry_of_id for child in children(again)] == [child.pk for child in children(parent)]


def test_a_relaunch_can_be_run_again_whole_and_in_part() -> None:
    parent = ended_batch(FAIL, [])
    again = run(retry(parent, None, only_failed=True))
    for child in children(again):
        run(child)
    whole = run(retry(fresh(again), None))
    assert len(children(whole)) == 2
    part = run(retry(fresh(again), None, only_failed=True))
    assert [child.retry_of_id for child in children(part)] == [children(again)[0].pk]


def test_the_whole_batch_again_makes_all_children_anew() -> None:
    parent = ended_batch([], FAIL)
    again = run(retry(parent, None))
    assert [child.retry_of_id for child in children(again)] == [None, None]
    edited = run(retry(parent, None, parameters={"children": [[]]}))
    assert len(children(edited)) == 1


def test_it_is_refused_where_there_is_nothing_to_run_again() -> None:
    parent = run(make_batch([]))
    with pytest.raises(IllegalState, match="running"):
        retry(parent, None, only_failed=True)
    run(children(parent)[0])
    with pytest.raises(IllegalState, match="No child"):
        retry(fresh(parent), None, only_failed=True)
    with pytest.raises(InvalidParameters, match="Only a batch"):
        retry(run(make_job(None, *FAIL)), None, only_failed=True)


def test_a_batch_that_was_deleted_meanwhile_fails_its_relaunch_with_the_reason() -> None:
    parent = ended_batch(FAIL)
    again = retry(parent, None, only_failed=True)
    parent.delete()
    done = run(again)
    assert (done.status, done.error_code, done.failures) == ("failed", "batch_deleted", 1)


@pytest.mark.parametrize(
    "given",
    [
        {"of": True},
        {"of": 10**30},
        {"of": "1"},
        {},
        {"of": 1, "changes": []},
        {"of": 1, "other": 1},
        [],
        {"of": 10**9},
    ],
)
def test_a_relaunch_asked_for_by_its_parameters_is_checked(given: object) -> None:
    user = make_user()
    body = {
        "project": make_project(operator=user).pk,
        "job_type": "batch_analysis",
        "parameters": {"relaunch": given},
    }
    response = client_of(user).post("/api/v1/jobs", body, format="json")
    assert response.status_code == 400
    assert response.json()["errors"][0]["field"].startswith("parameters.relaunch")


def test_a_batch_of_another_project_cannot_be_run_again_from_this_one() -> None:
    user = make_user()
    foreign = ended_batch(FAIL)
    body = {
        "project": make_project(operator=user).pk,
        "job_type": "batch_analysis",
        "parameters": {"relaunch": {"of": foreign.pk}},
    }
    assert client_of(user).post("/api/v1/jobs", body, format="json").status_code == 400


def test_over_the_api_operators_run_the_failed_ones_again_and_viewers_do_not() -> None:
    operator, viewer = make_user(), make_user()
    parent = ended_batch(FAIL, [], project=make_project(operator=operator, viewer=viewer))
    path = f"/api/v1/jobs/{parent.pk}/retry"
    assert client_of(viewer).post(path, {"only_failed": True}, format="json").status_code == 403
    assert client_of(make_user()).post(path, {"only_failed": True}, format="json").status_code == 404
    response = client_of(operator).post(path, {"only_failed": True}, format="json")
    assert (response.status_code, response.json()["retry_of"]) == (201, parent.pk)
    wrong = client_of(operator).post(path, {"only_failed": "perhaps"}, format="json")
    assert wrong.status_code == 400
    child = children(parent)[0]
    single = client_of(operator).post(f"/api/v1/jobs/{child.pk}/retry", {"only_failed": True}, format="json")
    assert single.status_code == 400
    run(Job.objects.get(pk=response.json()["id"]))
    nothing = run(make_batch([], project=parent.project))
    run(children(nothing)[0])
    refused = client_of(operator).post(
        f"/api/v1/jobs/{nothing.pk}/retry", {"only_failed": True}, format="json"
    )
    assert (refused.status_code, refused.json()["code"]) == (409, "nothing_failed")


def client_of(user: User) -> APIClient:
    """Return a client that is signed in."""
    client = APIClient()
    client.force_authenticate(user)
    return client
