"""Who may do what with schedules: role by role, and with tokens of less."""

from __future__ import annotations

from typing import Any

import pytest

from commandcenter.accounts.tests.factories import api, make_token
from jobs.tests.factories import make_project, make_user
from schedules.tests.factories import make_schedule

pytestmark = pytest.mark.django_db

URL = "/api/v1/schedules"
ROLES = ["viewer", "operator", "admin", "staff", "foreign", "anonymous"]
CREATED = {"name": "New", "job_type": "analysis", "frequency": "interval", "interval_seconds": 60}
MATRIX: dict[str, list[int]] = {
    "GET ": [200, 200, 200, 200, 200, 401],
    "POST ": [403, 201, 201, 201, 400, 401],
    "GET /due": [200, 200, 200, 200, 200, 401],
    "GET /statistics": [200, 200, 200, 200, 200, 401],
    "GET /blackouts": [200, 200, 200, 200, 200, 401],
    "GET /{pk}": [200, 200, 200, 200, 404, 401],
    "PATCH /{pk}": [403, 200, 200, 200, 404, 401],
    "PUT /{pk}": [403, 200, 200, 200, 404, 401],
    "DELETE /{pk}": [403, 204, 204, 204, 404, 401],
    "POST /{pk}/enable": [403, 200, 200, 200, 404, 401],
    "POST /{pk}/disable": [403, 200, 200, 200, 404, 401],
    "POST /{pk}/execute": [403, 202, 202, 202, 404, 401],
    "POST /{pk}/backfill": [403, 400, 400, 400, 404, 401],
    "POST /{pk}/backfill/cancel": [403, 200, 200, 200, 404, 401],
    "GET /{pk}/preview": [200, 200, 200, 200, 404, 401],
    "GET /{pk}/firings": [200, 200, 200, 200, 404, 401],
}


@pytest.mark.parametrize("role", ROLES)
def test_each_role_may_what_the_matrix_says(role: str) -> None:
    user = None if role == "anonymous" else make_user(staff=role == "staff")
    members = {role: user} if user is not None and role in {"viewer", "operator", "admin"} else {}
    project = make_project(**members)
    client: Any = api(user)
    for call, codes in MATRIX.items():
        schedule = make_schedule(project)
        method, path = call.split(" ")
        body = CREATED | {"project": project.pk, "name": f"{call} {role}", "parameters": {"steps": []}}
        if method == "PATCH":
            body = {"name": "changed"}
        sent = None if method in {"GET", "DELETE"} or (method, path[:1]) == ("POST", "/") else body
        url = f"{URL}{path.format(pk=schedule.pk)}"
        answer = getattr(client, method.lower())(url, sent, format="json")
        assert answer.status_code == codes[ROLES.index(role)], (call, role, answer.content)


def test_what_one_may_not_see_is_in_no_list() -> None:
    user = make_user()
    mine, _theirs = make_schedule(make_project(viewer=user)), make_schedule()
    assert [each["id"] for each in api(user).get(URL).json()["results"]] == [mine.pk]


def test_a_token_reaches_as_far_as_its_projects_and_scope() -> None:
    user = make_user()
    inside, outside = (make_schedule(make_project(operator=user)) for _ in range(2))
    _limited, text = make_token(user, scope="write", project_ids=[inside.project_id])
    limited = api(token=text)
    assert [each["id"] for each in limited.get(URL).json()["results"]] == [inside.pk]
    assert limited.post(f"{URL}/{inside.pk}/execute").status_code == 202
    for path in ("execute", "enable", "disable"):
        assert limited.post(f"{URL}/{outside.pk}/{path}").status_code == 404
    for path in ("firings", "preview"):
        assert limited.get(f"{URL}/{outside.pk}/{path}").status_code == 404
    body = CREATED | {"project": outside.project_id}
    assert limited.post(URL, body, format="json").status_code == 400
    _reading, text = make_token(user, scope="read")
    reading = api(token=text)
    assert reading.get(f"{URL}/{inside.pk}/preview").status_code == 200
    for path in ("", f"/{inside.pk}/execute", f"/{inside.pk}/disable"):
        assert reading.post(f"{URL}{path}").status_code == 403
