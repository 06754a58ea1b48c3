"""The card of the last 30 days: only what one may see, drawn by the server, and tidy when there is nothing."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from commandcenter.accounts.models import User
from commandcenter.dashboard.job_history import DAYS, HEIGHT, job_history
from commandcenter.inventory.models import Project
from jobs.tests.factories import make_project, make_user
from jobs.tests.history import ago, ended

pytestmark = pytest.mark.django_db


def page(user: User, query: str = "", **headers: str) -> str:
    """Return the list of jobs as this user sees it."""
    browser = Client()
    browser.force_login(user)
    response = browser.get(f"/jobs/{query}", headers=headers)
    assert response.status_code == 200
    return response.content.decode()


def test_the_card_counts_what_one_may_see() -> None:
    viewer = make_user()
    mine, other = make_project(viewer=viewer), make_project()
    ended(mine, 3, at=ago(minutes=1), run_seconds=20)
    ended(mine, 1, at=ago(minutes=1), status="failed")
    ended(other, 50, at=ago(minutes=1))
    shown = page(viewer)
    assert "3 completed, 1 failed, 0 cancelled; at most 4 on one day." in shown
    assert re.search(r"<dd>75 %</dd>", shown)
    assert f"{timezone.now():%Y-%m-%d}: 3 completed, 1 failed</title>" in shown
    assert "54" in re.findall(r"<dt>Ended</dt><dd>(\d+)</dd>", page(make_user(staff=True)))
    assert "0 completed, 0 failed" not in page(viewer, f"?project={mine.pk}")


def test_without_ended_jobs_the_card_says_so() -> None:
    viewer = make_user()
    ended(make_project(viewer=viewer), 1, at=ago(days=DAYS + 1))
    shown = page(viewer)
    assert f"No job has ended in the last {DAYS} days." in shown
    assert "<svg viewBox" not in shown.split('id="history-title"')[1].split("</section>")[0]


def test_a_refresh_of_the_rows_and_a_batch_do_without_the_card() -> None:
    viewer = make_user()
    job = ended(make_project(viewer=viewer), 1, at=ago(minutes=1))[0]
    assert "history-title" not in page(viewer, HX_Request="true")
    assert "history-title" not in page(viewer, f"?parent={job.pk}")


def test_bars_stay_in_the_drawing_and_one_failure_is_seen() -> None:
    project = make_project()
    noon = timezone.now().replace(hour=0, minute=0, second=1)
    ended(project, 400, at=noon)
    ended(project, 1, at=noon, status="failed")
    ended(project, 1, at=noon, status="cancelled")
    ended(project, 1, at=noon - timedelta(days=29))
    bars = job_history(Project.objects.all())["bars"]
    assert [bool(bar["pieces"]) for bar in bars] == [True, *[False] * 28, True]
    pieces = bars[-1]["pieces"]
    assert [piece["state"] for piece in pieces] == ["completed", "failed", "cancelled"]
    assert min(float(piece["y"]) for piece in pieces) >= 0
    assert all(float(piece["height"]) > 1 for piece in pieces)
    assert sum(float(piece["height"]) for piece in pieces) == pytest.approx(HEIGHT, abs=0.1)
