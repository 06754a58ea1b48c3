"""Logs of old jobs go, their changes of state stay, and whoever looks is told."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from jobs.models import Job, JobEvent, JobRun
from jobs.retention import pruning
from jobs.retention.pruning import prune
from jobs.tests.factories import make_job, make_project, make_user
from jobs.tests.history import ago, ended
from jobs.tests.test_api import client

pytestmark = pytest.mark.django_db


def kinds(job: Job) -> list[tuple[int, str]]:
    """Return number and type of the job's events."""
    return list(JobEvent.objects.filter(job=job).order_by("seq").values_list("seq", "type"))


def test_only_logs_of_jobs_that_ended_long_ago_go() -> None:
    project = make_project()
    old, recent = ended(project, 1, at=ago(days=31))[0], ended(project, 1, at=ago(days=29))[0]
    active = make_job(project)
    Job.objects.filter(pk=active.pk).update(created_at=ago(days=60))
    before = kinds(active)
    assert prune() == 2
    assert kinds(old) == [(3, "state")]
    assert len(kinds(recent)) == 3
    assert kinds(active) == before
    assert prune() == 0


def test_the_api_says_when_the_log_was_removed_and_numbers_keep_their_values() -> None:
    user = make_user(staff=True)
    old, recent = ended(make_project(), 1, at=ago(days=31))[0], ended(make_project(), 1, at=ago(days=1))[0]
    prune()
    body = client(user).get(f"/api/v1/jobs/{old.pk}/events").json()
    assert [event["seq"] for event in body["results"]] == [3]
    assert body["pruned_at"].endswith("Z")
    assert client(user).get(f"/api/v1/jobs/{recent.pk}/events").json()["pruned_at"] is None


def test_the_page_says_when_the_log_was_removed() -> None:
    old = ended(make_project(), 1, at=ago(days=31))[0]
    browser = Client()
    browser.force_login(make_user(staff=True))
    assert "Log removed on" not in browser.get(f"/jobs/{old.pk}/").content.decode()
    prune()
    assert "Log removed on" in browser.get(f"/jobs/{old.pk}/").content.decode()


def test_a_job_without_a_log_is_not_said_to_have_lost_one() -> None:
    old = ended(make_project(), 1, at=ago(days=31))[0]
    JobEvent.objects.filter(job=old).exclude(type="state").delete()
    prune()
    assert JobRun.objects.get(job=old).events_pruned_at is None


def test_many_steps_reach_every_job_and_each_once(monkeypatch: Any) -> None:
    """Also jobs that ended at the same moment, which one step parts."""
    monkeypatch.setattr(pruning, "JOBS", 3)
    monkeypatch.setattr(pruning, "EVENTS", 2)
    project = make_project()
    ended(project, 10, at=ago(days=40))
    ended(project, 5, at=ago(days=31))
    assert prune(30) == 30
    assert set(JobEvent.objects.values_list("type", flat=True)) == {"state"}
    later = ended(project, 2, at=ago(days=30, minutes=1))
    assert prune(30) == 4
    assert kinds(later[0]) == [(3, "state")]


def test_a_call_ends_in_time_and_the_next_goes_on(monkeypatch: Any) -> None:
    monkeypatch.setattr(pruning, "EVENTS", 3)
    ended(make_project(), 4, at=ago(days=31))
    assert prune(0) == 0
    removed = [prune(0.0001) for _ in range(20)]
    assert sum(removed) + prune(30) == 8
    assert set(JobEvent.objects.values_list("type", flat=True)) == {"state"}


def test_the_age_is_a_setting(settings: Settings) -> None:
    settings.JOB_EVENT_DAYS = 5
    old = ended(make_project(), 1, at=ago(days=6))[0]
    prune()
    assert kinds(old) == [(3, "state")]
