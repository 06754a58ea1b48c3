"""/tokens: one's own alone, the text shown once, and no token that reaches further than its maker."""

from __future__ import annotations

from typing import Any

import pytest

from commandcenter.accounts.models import ApiToken
from commandcenter.accounts.tests.factories import api, make_staff, make_token, make_user
from commandcenter.events.models import Event
from commandcenter.inventory.tests.factories import make_project

pytestmark = pytest.mark.django_db
URL = "/api/v1/tokens"
SHAPE = {
    "id",
    "name",
    "prefix",
    "scope",
    "projects",
    "created_at",
    "expires_at",
    "last_used_at",
    "revoked_at",
}


def test_text_is_shown_once() -> None:
    client = api(make_user())
    made = client.post(URL, {"name": "ci", "scope": "write", "expires_at": "2999-01-01T00:00:00Z"})
    assert made.status_code == 201
    answer = made.json()
    assert set(answer) == SHAPE | {"token"}
    assert answer["token"].startswith(answer["prefix"])
    assert answer["expires_at"] == "2999-01-01T00:00:00Z"
    assert api(token=answer["token"]).get("/api/v1/projects").status_code == 200
    shown = client.get(f"{URL}/{answer['id']}")
    assert set(shown.json()) == SHAPE
    assert set(client.get(URL).json()["results"][0]) == SHAPE
    assert made["Location"].endswith(f"{URL}/{answer['id']}")


def test_scope_is_read_unless_said() -> None:
    assert api(make_user()).post(URL, {"name": "ci"}).json()["scope"] == "read"


@pytest.mark.parametrize("maker", [make_user, make_staff])
def test_tokens_of_others_do_not_exist(maker: Any) -> None:
    token, _ = make_token()
    client = api(maker())
    assert client.get(f"{URL}/{token.pk}").status_code == 404
    assert client.delete(f"{URL}/{token.pk}").status_code == 404
    assert client.get(URL).json()["results"] == []


def test_name_can_change_and_nothing_else() -> None:
    user = make_user()
    token, text = make_token(user, scope="read")
    client = api(user)
    assert client.patch(f"{URL}/{token.pk}", {"name": "renamed"}).json()["name"] == "renamed"
    assert Event.objects.get(type="token.renamed").after == {"name": "renamed"}
    for values in ({"scope": "admin"}, {"projects": None}, {"expires_at": None}):
        refused = client.patch(f"{URL}/{token.pk}", values)
        assert (refused.status_code, refused.json()["errors"][0]["code"]) == (400, "fixed")
    assert client.put(f"{URL}/{token.pk}", {"name": "x"}).status_code == 405
    assert api(token=text).patch(f"{URL}/{token.pk}", {"name": "x"}).status_code == 403


def test_deleting_revokes_and_leaves_a_trace() -> None:
    user = make_user()
    token, text = make_token(user)
    assert api(user).delete(f"{URL}/{token.pk}").status_code == 204
    assert api(token=text).get("/api/v1/projects").status_code == 401
    assert ApiToken.objects.get(pk=token.pk).revoked_at is not None
    assert Event.objects.filter(type="token.revoked", subject_id=token.pk, actor_id=user.pk).count() == 1
    assert api(user).delete(f"{URL}/{token.pk}").status_code == 204
    assert Event.objects.filter(type="token.revoked").count() == 1


def test_token_cannot_make_one_that_reaches_further() -> None:
    user = make_user()
    one, two = make_project(by=user), make_project(by=user)
    client = api(token=make_token(user, project_ids=[one.pk])[1])
    refused = client.post(URL, {"name": "x", "projects": [one.pk, two.pk]})
    assert (refused.status_code, refused.json()["errors"][0]["code"]) == (400, "reaches_further")
    assert client.post(URL, {"name": "x"}).json()["projects"] == [one.pk]


def test_list_costs_the_same_for_many(django_assert_max_num_queries: Any) -> None:
    user = make_user()
    for _ in range(5):
        make_token(user)
    client = api(user)
    client.get(URL)
    with django_assert_max_num_queries(2):
        assert len(client.get(URL).json()["results"]) == 5
