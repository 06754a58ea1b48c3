"""Who may do what with endpoints and deliveries: role by role, and with tokens of less."""

from __future__ import annotations

from typing import Any

import pytest

from commandcenter.accounts.tests.factories import api, make_token
from jobs.tests.factories import make_project, make_user
from webhooks.tests.factories import URL as HOOK
from webhooks.tests.factories import make_delivery, make_endpoint

pytestmark = pytest.mark.django_db

URL = "/api/v1/webhooks"
ROLES = ["viewer", "operator", "admin", "staff", "foreign", "anonymous"]
MATRIX: dict[str, list[int]] = {
    "GET endpoints": [200, 200, 200, 200, 200, 401],
    "POST endpoints": [403, 403, 201, 201, 400, 401],
    "GET endpoints/{endpoint}": [200, 200, 200, 200, 404, 401],
    "PATCH endpoints/{endpoint}": [403, 403, 200, 200, 404, 401],
    "PUT endpoints/{endpoint}": [403, 403, 200, 200, 404, 401],
    "POST endpoints/{endpoint}/rotate-secret": [403, 403, 200, 200, 404, 401],
    "POST endpoints/{endpoint}/test": [403, 202, 202, 202, 404, 401],
    "GET deliveries": [200, 200, 200, 200, 200, 401],
    "GET deliveries/{delivery}": [200, 200, 200, 200, 404, 401],
    "POST deliveries/{delivery}/retry": [403, 202, 202, 202, 404, 401],
    "POST deliveries/{delivery}/cancel": [403, 200, 200, 200, 404, 401],
    "DELETE endpoints/{endpoint}": [403, 403, 204, 204, 404, 401],
}


@pytest.mark.parametrize("role", ROLES)
def test_each_role_may_what_the_matrix_says(role: str) -> None:
    user = None if role == "anonymous" else make_user(staff=role == "staff")
    members = {role: user} if user is not None and role in {"viewer", "operator", "admin"} else {}
    project = make_project(**members)
    delivery = make_delivery(make_endpoint(project))
    client: Any = api(user)
    for call, codes in MATRIX.items():
        method, path = call.split(" ")
        path = path.format(endpoint=delivery.endpoint_id, delivery=delivery.pk)
        sent = None
        if method in {"PATCH", "PUT"} or (method, path) == ("POST", "endpoints"):
            sent = {"project": project.pk, "url": HOOK, "events": ["*.failed"]}
        answer = getattr(client, method.lower())(f"{URL}/{path}", sent, format="json")
        assert answer.status_code == codes[ROLES.index(role)], (call, role, answer.content)


def test_what_one_may_not_see_is_in_no_list() -> None:
    user = make_user()
    mine = make_delivery(make_endpoint(make_project(viewer=user)))
    make_delivery()
    for path, key in (("endpoints", mine.endpoint_id), ("deliveries", mine.pk)):
        assert [each["id"] for each in api(user).get(f"{URL}/{path}").json()["results"]] == [key]


def test_a_token_reaches_as_far_as_its_projects_and_scope() -> None:
    user = make_user()
    inside, outside = (make_delivery(make_endpoint(make_project(admin=user))) for _ in range(2))
    _limited, text = make_token(user, scope="admin", project_ids=[inside.endpoint.project_id])
    limited = api(token=text)
    assert [each["id"] for each in limited.get(f"{URL}/deliveries").json()["results"]] == [inside.pk]
    assert limited.post(f"{URL}/deliveries/{outside.pk}/retry").status_code == 404
    assert limited.post(f"{URL}/endpoints/{outside.endpoint_id}/rotate-secret").status_code == 404
    assert limited.post(f"{URL}/endpoints/{inside.endpoint_id}/rotate-secret").status_code == 200
    _writing, text = make_token(user, scope="write")
    writing = api(token=text)
    assert writing.post(f"{URL}/endpoints/{inside.endpoint_id}/test").status_code == 202
    assert writing.post(f"{URL}/endpoints/{inside.endpoint_id}/rotate-secret").status_code == 403
    assert writing.delete(f"{URL}/endpoints/{inside.endpoint_id}").status_code == 403
