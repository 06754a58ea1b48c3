"""No input makes the API of schedules answer 500: each hostile body and address has its code."""

from __future__ import annotations

import json
from typing import Any

import pytest

from commandcenter.accounts.tests.factories import api
from commandcenter.inventory.models import Repository
from jobs.tests.factories import make_project, make_user
from schedules.tests.factories import make_schedule

pytestmark = pytest.mark.django_db

URL = "/api/v1/schedules"
HUGE = 10**30
DEEP = json.loads('{"a":' * 50 + "1" + "}" * 50)


@pytest.fixture(autouse=True)
def real_handlers(script_handler: None, settings: Any) -> None:
    from commandcenter.settings import base

    settings.JOB_HANDLERS = base.JOB_HANDLERS


BODIES: list[tuple[dict[str, Any], int]] = [
    ({}, 201),
    ({"name": "a\x00b"}, 400),
    ({"name": "\ud800"}, 400),
    ({"name": "\U0001f600 שלום \u202e <script>"}, 201),
    ({"name": ["x"]}, 400),
    ({"name": "x" * 201}, 400),
    ({"description": "x" * 2001}, 400),
    ({"repository": HUGE}, 400),
    ({"repository": True}, 400),
    ({"repository": "\uff11"}, 400),
    ({"repository": {"id": 1}}, 400),
    ({"repository": 2**63}, 400),
    ({"tags": "all"}, 400),
    ({"tags": [[["x"]]]}, 400),
    ({"tags": ["x"] * 51}, 400),
    ({"tags": ["a\x00"]}, 400),
    ({"parameters": None}, 400),
    ({"parameters": "x"}, 400),
    ({"parameters": DEEP}, 400),
    ({"parameters": {"repository": "../../etc/passwd"}}, 400),
    ({"parameters": {"repository": HUGE}}, 400),
    ({"parameters": {"ref": "x" * 100_000}}, 400),
    ({"parameters": {"ref": "--upload-pack=touch /tmp/x"}}, 400),
    ({"parameters": {"k" * 10_000: 1}}, 400),
    ({"job_type": "import"}, 400),
    ({"job_type": "__class__"}, 400),
    ({"job_type": None}, 400),
    ({"frequency": "cron", "cron": "* * * * *\x00"}, 400),
    ({"frequency": "cron", "cron": "*/0 * * * *"}, 400),
    ({"frequency": "cron", "cron": "0-59/1,0-59/1 * * * *"}, 201),
    ({"frequency": "cron", "cron": "L" * 200}, 400),
    ({"frequency": "cron", "cron": "1" * 200}, 400),
    ({"frequency": "cron", "cron": "0 0 29 2 MON#5"}, 201),
    ({"frequency": "interval", "interval_seconds": HUGE}, 400),
    ({"frequency": "interval", "interval_seconds": 0.5}, 400),
    ({"frequency": "interval", "interval_seconds": "1e3"}, 400),
    ({"frequency": "once", "run_at": "9999-12-31T23:59:59-12:00"}, 400),
    ({"frequency": "once", "run_at": HUGE}, 400),
    ({"frequency": "weekly", "weekday": HUGE}, 400),
    ({"frequency": "weekly", "weekday": {}}, 400),
    ({"frequency": "monthly", "month_day": "²"}, 400),
    ({"time": "24:00"}, 400),
    ({"time": "02:30:15"}, 400),
    ({"timezone": "../../../etc/passwd"}, 400),
    ({"timezone": "/etc/localtime"}, 400),
    ({"timezone": "Europe"}, 400),
    ({"timezone": "UTC\x00"}, 400),
    ({"timezone": "x" * 65}, 400),
    ({"starts_at": "9999-12-31T23:59:59Z"}, 400),
    ({"ends_at": "0001-01-01T00:00:00+14:00"}, 400),
    ({"window_start": "02:30", "window_end": "02:30"}, 400),
    ({"jitter_seconds": HUGE}, 400),
    ({"jitter_seconds": -1}, 400),
    ({"misfire_grace_seconds": 2**31}, 400),
    ({"pause_after_failures": HUGE}, 400),
    ({"enabled": "perhaps"}, 400),
    ({"enabled": None}, 400),
    ({"pause_reason": "x" * 501}, 400),
    ({"id": 1, "health": "x", "created_by": HUGE, "next_run_at": "never"}, 201),
]


@pytest.mark.parametrize(("changes", "expected"), BODIES, ids=[str(body)[:50] for body, _ in BODIES])
def test_body_has_its_code(changes: dict[str, Any], expected: int) -> None:
    user = make_user()
    project = make_project(operator=user)
    repository = Repository.objects.create(project=project, name="ours", source="/ours")
    body = {
        "project": project.pk,
        "name": "x",
        "job_type": "analysis",
        "repository": repository.pk,
        "frequency": "daily",
        "time": "02:30",
    }
    client: Any = api(user)
    answer = client.generic("POST", URL, json.dumps(body | changes), content_type="application/json")
    assert answer.status_code == expected, answer.content
    if expected == 400:
        assert answer["Content-Type"] == "application/problem+json"
        return
    patched = client.patch(f"{URL}/{answer.json()['id']}", changes, format="json")
    assert patched.status_code == 200, patched.content


ACTIONS: list[tuple[str, Any, int]] = [
    ("disable", {"reason": "a\x00b"}, 400),
    ("disable", {"reason": ["x"]}, 400),
    ("disable", [], 400),
    ("execute", "text", 202),
    ("enable", [[]], 200),
    ("backfill", {}, 400),
    ("backfill", [], 400),
    ("backfill", {"from": HUGE, "to": []}, 400),
    ("backfill", {"from": "0001-01-01T00:00:00+14:00", "to": "9999-12-31T23:59:59-12:00"}, 400),
    ("backfill", {"from": "1999-12-31T23:59:59Z", "to": "2000-01-01T00:00:00Z"}, 400),
    ("backfill/cancel", {"x": 1}, 200),
]


@pytest.mark.parametrize(("path", "body", "expected"), ACTIONS)
def test_action_has_its_code(path: str, body: Any, expected: int, settings: Any) -> None:
    settings.JOB_HANDLERS = {"analysis": "jobs.tests.handlers.ScriptHandler"}
    user = make_user()
    schedule = make_schedule(make_project(operator=user))
    answer = api(user).post(f"{URL}/{schedule.pk}/{path}", body, format="json")
    assert answer.status_code == expected, answer.content


ADDRESSES: list[tuple[str, int]] = [
    ("?project=0", 400),
    (f"?repository={HUGE}", 400),
    ("?tag=%00", 400),
    ("?tag=%22%5D", 200),
    ("?search=%00", 400),
    ("?search=%25_%5C", 200),
    ("?health=%00", 400),
    ("?enabled=2", 400),
    ("?cursor=" + "A" * 5000, 400),
    ("/due?within=%C2%B2", 400),
    (f"/due?within={HUGE}", 400),
    ("/due?cursor=WzAsMV0", 400),
    ("/due?cursor=WzAsIjIwMjYtMDEtMDEiLDFd", 400),
    ("/statistics?project=%00", 400),
    ("/blackouts?from=%00", 400),
    ("/blackouts?to=9999-12-31T23:59:59-12:00", 200),
    ("/blackouts/0", 404),
    (f"/blackouts/{2**63}", 404),
    (f"/{2**63}", 404),
    (f"/{2**63}/firings", 404),
    ("/abc/firings", 404),
    ("/0/preview", 404),
    ("/{pk}/firings?from=0001-01-01T00:00:00%2B14:00", 200),
    ("/{pk}/firings?to=9999-12-31T23:59:59-12:00", 200),
    ("/{pk}/firings?limit=0", 400),
    ("/{pk}/preview?timezone=..%2F..%2Fetc%2Fpasswd", 400),
    ("/{pk}/preview?timezone=%00", 400),
    ("/{pk}/preview?after=0001-01-01T00:00:00%2B14:00", 400),
    (f"/{{pk}}/preview?count={HUGE}", 400),
    ("/{pk}/execute", 405),
    ("/{pk}/backfill", 405),
]


@pytest.mark.parametrize(("path", "expected"), ADDRESSES, ids=[path[:60] for path, _ in ADDRESSES])
def test_address_has_its_code(path: str, expected: int, settings: Any) -> None:
    settings.JOB_HANDLERS = {"analysis": "jobs.tests.handlers.ScriptHandler"}
    user = make_user()
    schedule = make_schedule(make_project(operator=user))
    answer = api(user).get(f"{URL}{path.replace('{pk}', str(schedule.pk))}")
    assert answer.status_code == expected, answer.content
    if expected >= 400:
        assert answer["Content-Type"] == "application/problem+json"
