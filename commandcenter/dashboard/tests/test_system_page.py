"""The system page: workers with their jobs, queues with their canaries, and buttons for staff alone."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from commandcenter.accounts.tests.factories import make_staff, make_user
from commandcenter.analysis.tests.factories import make_job
from commandcenter.dashboard.tests.conftest import World
from commandcenter.ops.models import QueueCanary
from jobs.models import JobRun, JobStatus, QueueControl, Worker

pytestmark = pytest.mark.django_db
NAME = "analysis@host.example"


def worker(name: str = NAME, *, silent: float = 0, **values: Any) -> Worker:
    """Write the row of a worker that last beat so many seconds ago."""
    now = timezone.now()
    made: Worker = Worker.objects.create(
        name=name,
        host="host.example",
        pid=4321,
        queues=values.pop("queues", ["analysis"]),
        pool="prefork",
        processes=2,
        started_at=now - timedelta(hours=2),
        heartbeat_at=now - timedelta(seconds=silent),
        **values,
    )
    return made


def client(user: object) -> Client:
    """Return a browser in which this user is signed in."""
    browser = Client()
    browser.force_login(user, backend="django.contrib.auth.backends.ModelBackend")  # type: ignore[arg-type]
    return browser


def page(user: object, **headers: Any) -> str:
    """Return the page as this user sees it."""
    response = client(user).get("/system/", **headers)
    assert response.status_code == 200
    return response.content.decode()


def test_workers_are_shown_with_state_place_and_queues() -> None:
    worker()
    worker("lost@host.example", silent=60)
    worker("drained@host.example", draining=True, drained_by="ada")
    shown = page(make_user())
    for words in (NAME, "host.example:4321", "prefork", "Live", "Lost", "Draining", "by ada", "Idle"):
        assert words in shown


def test_a_job_is_linked_for_who_may_see_it_and_only_counted_for_others(world: World) -> None:
    worker()
    job = make_job(world.repository, JobStatus.RUNNING)
    JobRun.objects.filter(job=job).update(worker=f"{NAME}:77")
    link = f"/jobs/{job.pk}/"
    assert link in page(world.viewer)
    assert link in page(world.staff)
    hidden = page(world.stranger)
    assert link not in hidden
    assert world.repository.name not in hidden
    assert "1 job of other projects" in hidden


def test_queues_show_canary_pause_and_who_serves_them() -> None:
    worker()
    QueueControl.objects.create(queue="export", paused_by="ada", reason="disk full")
    QueueCanary.objects.create(queue="analysis", consumed_at=timezone.now(), worker=NAME)
    shown = page(make_user())
    for words in ("Open", "Paused", "disk full", "No worker", "none yet"):
        assert words in shown


def test_what_keeps_jobs_from_running_is_said_first() -> None:
    worker("lost@host.example", silent=60)
    worker("system@host.example", queues=["system", "default", "webhooks", "export"])
    QueueControl.objects.create(queue="export", paused_by="ada")
    shown = page(make_user())
    assert "No worker takes jobs of these queues: analysis." in shown
    assert "Paused queues: export." in shown
    assert "Lost workers, whose jobs run elsewhere: lost@host.example." in shown


def test_a_canary_that_does_not_come_is_said_with_its_queue() -> None:
    worker()
    QueueCanary.objects.create(
        queue="analysis", consumed_at=timezone.now() - timedelta(minutes=9), worker=NAME
    )
    shown = page(make_user())
    assert "Overdue" in shown
    assert "Nothing was consumed for" in shown


def test_without_anything_it_says_so() -> None:
    assert "No worker has registered" in page(make_user())


def test_a_refresh_gets_the_changing_part_alone() -> None:
    part = page(make_user(), HTTP_HX_REQUEST="true")
    assert "<html" not in part
    assert "Queues" in part


def test_only_staff_get_buttons() -> None:
    worker()
    assert "<form" not in page(make_user(), HTTP_HX_REQUEST="true")
    shown = page(make_staff(), HTTP_HX_REQUEST="true")
    assert f"Drain {NAME}" in shown
    assert "Pause the queue analysis" in shown
    assert "Pause the queue system" not in shown


@pytest.mark.parametrize(
    "path",
    [f"workers/{NAME}/drain", f"workers/{NAME}/resume", "queues/analysis/pause", "queues/analysis/resume"],
)
def test_only_staff_may_press_them(path: str) -> None:
    worker()
    url = f"/system/{path}/"
    assert Client().post(url).url.startswith("/login/")  # type: ignore[attr-defined]
    assert client(make_user()).post(url).status_code == 403
    assert not Worker.objects.get().draining
    assert not QueueControl.objects.exists()
    staff = client(make_staff())
    assert staff.get(url).status_code == 405
    assert staff.post(url).url == "/system/"  # type: ignore[attr-defined]


def test_a_forged_request_is_refused() -> None:
    worker()
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(make_staff(), backend="django.contrib.auth.backends.ModelBackend")
    assert browser.post(f"/system/workers/{NAME}/drain/").status_code == 403
    assert not Worker.objects.get().draining


def test_staff_drain_and_resume_pause_and_resume() -> None:
    worker()
    browser = client(make_staff("ada"))
    browser.post(f"/system/workers/{NAME}/drain/")
    assert Worker.objects.get().drained_by == "ada"
    browser.post(f"/system/workers/{NAME}/resume/")
    assert not Worker.objects.get().draining
    browser.post("/system/queues/analysis/pause/")
    assert QueueControl.objects.get().paused_by == "ada"
    browser.post("/system/queues/analysis/resume/")
    assert not QueueControl.objects.exists()


def test_what_is_refused_is_said_on_the_page() -> None:
    worker("system@host", queues=["system"])
    response = client(make_staff()).post("/system/workers/system@host/drain/", follow=True)
    assert "last worker of the queue system" in response.content.decode()
    assert not Worker.objects.get().draining


def test_unknown_names_are_404() -> None:
    browser = client(make_staff())
    assert browser.post("/system/workers/nobody@host/drain/").status_code == 404
    assert browser.post("/system/queues/nothing/pause/").status_code == 404


def test_the_page_costs_the_same_for_any_number_of_workers(django_assert_max_num_queries) -> None:
    for number in range(20):
        worker(f"{number}@host")
    browser = client(make_user())
    browser.get("/system/")
    with django_assert_max_num_queries(19):
        browser.get("/system/")
