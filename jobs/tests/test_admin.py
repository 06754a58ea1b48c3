"""Jobs in the admin: read by staff, changed only through the flows."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission
from django.test import Client

from commandcenter.accounts.models import User
from commandcenter.events.models import Event
from jobs.models import Job, JobLimit, QueueControl
from jobs.tests.factories import make_job, make_project, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def superuser() -> User:
    """Return someone who may do everything."""
    return User.objects.create_superuser("root", password="secret")


def signed_in(user: User) -> Client:
    """Return a browser in which this user is signed in."""
    client = Client()
    client.force_login(user, "django.contrib.auth.backends.ModelBackend")
    return client


def test_list_and_job_are_shown_and_cannot_be_edited(superuser: User) -> None:
    job = make_job(None, {"log": ["info", "<script>", "x"]})
    client = signed_in(superuser)
    assert client.get("/admin/jobs/job/").status_code == 200
    assert client.get(f"/admin/jobs/job/?q={job.pk}").status_code == 200
    page = client.get(f"/admin/jobs/job/{job.pk}/change/")
    assert page.status_code == 200
    assert b"dispatched" in page.content
    assert b"<script>&quot;" not in page.content
    assert client.post(f"/admin/jobs/job/{job.pk}/change/", {"status": "completed"}).status_code == 403
    assert client.get("/admin/jobs/job/add/").status_code == 403


def test_selected_jobs_are_cancelled_and_retried(superuser: User) -> None:
    jobs = [make_job() for _ in range(2)]
    client = signed_in(superuser)
    chosen = [job.pk for job in jobs]
    client.post("/admin/jobs/job/", {"action": "cancel_selected", "_selected_action": chosen})
    assert set(Job.objects.filter(pk__in=chosen).values_list("status", flat=True)) == {"cancelled"}
    client.post("/admin/jobs/job/", {"action": "retry_selected", "_selected_action": chosen[:1]})
    assert Job.objects.get(retry_of=jobs[0]).status == "queued"


def test_staff_who_may_only_look_cannot_act() -> None:
    user = make_user(staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_job"))
    job = make_job()
    client = signed_in(user)
    assert client.get("/admin/jobs/job/").status_code == 200
    client.post("/admin/jobs/job/", {"action": "cancel_selected", "_selected_action": [job.pk]})
    job.refresh_from_db()
    assert job.status == "queued"


def test_a_queue_is_paused_and_resumed(superuser: User) -> None:
    client = signed_in(superuser)
    client.post("/admin/jobs/queuecontrol/add/", {"queue": "export", "reason": "full disk"})
    control = QueueControl.objects.get()
    assert (control.queue, control.paused_by, control.reason) == ("export", "root", "full disk")
    assert client.post("/admin/jobs/queuecontrol/add/", {"queue": "system"}).status_code == 200
    assert client.get("/admin/jobs/queuecontrol/").status_code == 200
    client.post("/admin/jobs/queuecontrol/export/delete/", {"post": "yes"})
    assert not QueueControl.objects.exists()
    types = Event.objects.filter(subject_kind="queue").order_by("pk").values_list("type", flat=True)
    assert list(types) == ["queue.paused", "queue.resumed"]


def test_limits_are_set_for_each_or_for_one_that_exists(superuser: User) -> None:
    client = signed_in(superuser)
    project = make_project()
    for scope, target, limit in (
        ("project", "", 4),
        ("project", f"#{project.pk}", 2),
        ("job_type", "export", 1),
    ):
        client.post("/admin/jobs/joblimit/add/", {"scope": scope, "target": target, "limit": limit})
    found = JobLimit.objects.values_list("scope", "target", "limit")
    assert set(found) == {("project", "", 4), ("project", str(project.pk), 2), ("job_type", "export", 1)}
    for scope, target, limit in (
        ("project", "", 5),  # there is one
        ("project", "0", 5),
        ("repository", "9" * 19, 5),
        ("repository", "x", 5),
        ("job_type", "cooking", 5),
        ("planet", "", 5),
        ("repository", "", 0),
    ):
        answer = client.post("/admin/jobs/joblimit/add/", {"scope": scope, "target": target, "limit": limit})
        assert answer.status_code == 200
    assert JobLimit.objects.count() == 3
    assert client.get("/admin/jobs/joblimit/").status_code == 200
