"""Workers over the API: who sees what, who may drain, names with signs in them."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest

from commandcenter.accounts.tests.factories import api, make_token
from jobs.fleet import workers
from jobs.models import Worker
from jobs.running import lease
from jobs.tests.factories import make_job, make_project, make_user
from jobs.tests.test_workers import row

pytestmark = pytest.mark.django_db
NAME = "analysis@host.example-1"


def test_everyone_sees_the_workers_and_only_his_own_jobs() -> None:
    member = make_user()
    row(NAME, queues=["analysis"])
    job = make_job(make_project(viewer=member), {"progress": [10, "x"]})
    hidden = make_job()
    for each in (job, hidden):
        assert each.dispatch_id
        lease.claim(each.pk, each.dispatch_id, worker=f"{NAME}:7")
    body = api(member).get("/api/v1/workers").json()
    (shown,) = body["results"]
    assert (body["next"], body["previous"]) == (None, None)
    assert (shown["name"], shown["state"], shown["queues"]) == (NAME, "live", ["analysis"])
    assert [(each["id"], each["project"]) for each in shown["jobs"]] == [(job.pk, job.project_id)]
    assert shown["other_jobs"] == 1
    everything = api(make_user(staff=True)).get(f"/api/v1/workers/{NAME}").json()
    assert {each["id"] for each in everything["jobs"]} == {job.pk, hidden.pk}


def test_who_is_not_signed_in_sees_nothing() -> None:
    assert api().get("/api/v1/workers").status_code == 401


@pytest.mark.parametrize("name", [NAME, quote(NAME, safe="")])
def test_staff_drain_and_resume(name: str) -> None:
    row(NAME)
    client = api(make_user(staff=True))
    drained = client.post(f"/api/v1/workers/{name}/drain").json()
    assert (drained["state"], drained["draining"]) == ("draining", True)
    assert Worker.objects.get().draining
    resumed = client.post(f"/api/v1/workers/{name}/resume").json()
    assert (resumed["state"], resumed["draining"], resumed["drained_by"]) == ("live", False, "")


def test_a_stopped_worker_that_is_resumed_is_gone() -> None:
    row(NAME, heartbeat_at=None, draining=True)
    assert api(make_user(staff=True)).post(f"/api/v1/workers/{NAME}/resume").status_code == 204
    assert api(make_user(staff=True)).get(f"/api/v1/workers/{NAME}").status_code == 404


@pytest.mark.parametrize("call", ["drain", "resume"])
def test_others_may_not(call: str) -> None:
    row(NAME)
    staff = make_user(staff=True)
    refused: list[Any] = [
        api(make_user()),
        api(token=make_token(staff, scope="read")[1]),
        api(token=make_token(staff, scope="write", project_ids=[make_project().pk])[1]),
    ]
    assert [client.post(f"/api/v1/workers/{NAME}/{call}").status_code for client in refused] == [
        403,
        403,
        403,
    ]
    assert (
        api(token=make_token(staff, scope="write")[1]).post(f"/api/v1/workers/{NAME}/{call}").status_code
        == 200
    )


@pytest.mark.parametrize("name", ["nobody@nowhere", "%00", "x" * 121, "a%2Fb"])
def test_unknown_names_are_404(name: str) -> None:
    client = api(make_user(staff=True))
    for path in ("", "/drain", "/resume"):
        call = client.post if path else client.get
        response = call(f"/api/v1/workers/{name}{path}")
        assert response.status_code == 404
        assert response["Content-Type"] == "application/problem+json"


def test_the_last_that_keeps_house_is_409() -> None:
    row("system@host", queues=["system"])
    response = api(make_user(staff=True)).post("/api/v1/workers/system@host/drain")
    assert (response.status_code, response.json()["code"]) == (409, "last_worker")
    assert workers.counts_by_state()["live"] == 1
