"""/users: staff alone, passwords held to the validators, nobody locks themselves out."""

from __future__ import annotations

from typing import Any

import pytest

from commandcenter.accounts.models import User
from commandcenter.accounts.tests.factories import PASSWORD, api, make_staff, make_token, make_user
from commandcenter.events.models import Event

pytestmark = pytest.mark.django_db
URL = "/api/v1/users"


def test_staff_add_a_user_who_can_sign_in() -> None:
    response = api(make_staff()).post(
        URL, {"username": "ada", "password": PASSWORD, "email": "ada@example.com"}
    )
    assert response.status_code == 201
    answer = response.json()
    assert (answer["username"], answer["email"], answer["is_staff"], answer["is_active"]) == (
        "ada",
        "ada@example.com",
        False,
        True,
    )
    assert "password" not in answer
    signed = api().post("/api/v1/auth/token", {"username": "ada", "password": PASSWORD})
    assert signed.status_code == 200
    assert PASSWORD not in str(list(Event.objects.values()))


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"password": "short"}, "password"),
        ({"password": "1234567890123"}, "password"),
        ({"password": "password1234"}, "password"),
        ({"password": "ada.lovelace1"}, "password"),
        ({"password": None}, "password"),
        ({"username": ""}, "username"),
        ({"username": "a b"}, "username"),
        ({"username": "x" * 151}, "username"),
        ({"username": "taken"}, "username"),
        ({"email": "nobody"}, "email"),
    ],
)
def test_bad_values_are_named(values: dict[str, Any], field: str) -> None:
    make_user("taken")
    body = {"username": "ada.lovelace", "password": PASSWORD, "email": "ada@example.com", **values}
    response = api(make_staff()).post(URL, body)
    assert response.status_code == 400
    assert {error["field"] for error in response.json()["errors"]} == {field}


@pytest.mark.parametrize("method", ["get", "post"])
def test_others_may_not(method: str) -> None:
    assert getattr(api(make_user()), method)(URL).status_code == 403
    assert getattr(api(), method)(URL).status_code == 401
    writer = api(token=make_token(make_staff(), scope="write")[1])
    assert getattr(writer, method)(URL).status_code == 403


def test_deleting_deactivates_and_ends_sessions_and_tokens() -> None:
    user = make_user()
    session = api(user)
    _, text = make_token(user)
    assert api(make_staff()).delete(f"{URL}/{user.pk}").status_code == 204
    assert User.objects.filter(pk=user.pk, is_active=False).exists()
    assert session.get("/api/v1/projects").status_code == 401
    assert api(token=text).get("/api/v1/projects").status_code == 401
    assert Event.objects.filter(type="user.deactivated", subject_id=user.pk).exists()


def test_nobody_takes_away_their_own_rights() -> None:
    staff = make_staff()
    client = api(staff)
    for response in (
        client.delete(f"{URL}/{staff.pk}"),
        client.patch(f"{URL}/{staff.pk}", {"is_staff": False}),
    ):
        assert (response.status_code, response.json()["code"]) == (409, "own_account")


def test_staff_do_not_touch_superusers_nor_make_them() -> None:
    superuser = make_staff(is_superuser=True)
    client = api(make_staff())
    assert client.patch(f"{URL}/{superuser.pk}", {"password": PASSWORD}).status_code == 403
    made = client.post(URL, {"username": "x", "password": PASSWORD, "is_superuser": True})
    assert made.json()["is_superuser"] is False


def test_new_password_ends_the_old_ones_sessions() -> None:
    user = make_user()
    session = api(user)
    api(make_staff()).patch(f"{URL}/{user.pk}", {"password": "another long sentence"})
    assert session.get("/api/v1/projects").status_code == 401


def test_list_can_be_searched() -> None:
    make_user("grace")
    rows = api(make_staff()).get(f"{URL}?search=GRA").json()["results"]
    assert [row["username"] for row in rows] == ["grace"]


def test_active_users_are_told_from_others_by_true_or_false_alone() -> None:
    staff = make_staff()
    gone = make_user("gone")
    User.objects.filter(pk=gone.pk).update(is_active=False)
    found = api(staff).get(f"{URL}?is_active=False").json()["results"]
    assert [user["username"] for user in found] == ["gone"]
    assert "gone" not in [
        user["username"] for user in api(staff).get(f"{URL}?is_active=true").json()["results"]
    ]
    refused = api(staff).get(f"{URL}?is_active=maybe")
    assert refused.status_code == 400
    assert refused.json()["errors"][0]["field"] == "is_active"
