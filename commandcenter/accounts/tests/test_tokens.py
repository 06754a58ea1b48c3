"""Tokens: their form, what is stored, when they work, and what their scope and projects allow."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from commandcenter.accounts.models import ApiToken
from commandcenter.accounts.tasks import prune_tokens
from commandcenter.accounts.tests.factories import api, make_staff, make_token, make_user
from commandcenter.accounts.tokens import find_token, generate, revoke_token, well_formed
from commandcenter.events.models import Event
from commandcenter.inventory.tests.factories import make_member, make_project

URL = "/api/v1/projects"


def test_token_has_prefix_random_part_and_checksum() -> None:
    text = generate()
    assert text.startswith("cc_")
    assert len(text) == 3 + 32 + 6
    assert well_formed(text)
    assert generate() != text


@given(st.integers(min_value=3, max_value=40), st.characters())
def test_typing_error_is_noticed(position: int, other: str) -> None:
    text = generate()
    changed = text[:position] + other + text[position + 1 :]
    assert well_formed(changed) == (changed == text)


@given(st.text(max_size=60))
def test_no_text_breaks_the_check(text: str) -> None:
    assert not well_formed(text)


def test_malformed_token_asks_no_database(django_assert_num_queries: Any) -> None:
    assert find_token("cc_" + "x" * 38) is None


@pytest.mark.django_db
def test_only_the_digest_is_stored() -> None:
    _, text = make_token()
    with connection.cursor() as cursor:
        cursor.execute("SELECT row_to_json(t)::text FROM accounts_apitoken t")
        (row,) = cursor.fetchone()
    assert text not in row
    assert text[3:35] not in row
    assert not any(text in str(event) for event in Event.objects.values())


@pytest.mark.django_db
def test_token_that_is_expired_revoked_or_of_a_gone_user_is_401() -> None:
    user = make_user()
    expired = make_token(user, expires_at=timezone.now() - timedelta(seconds=1))[1]
    revoked, revoked_text = make_token(user)
    revoke_token(revoked)
    good = make_token(user, expires_at=timezone.now() + timedelta(days=1))[1]
    assert [api(token=text).get(URL).status_code for text in (expired, revoked_text, good)] == [401, 401, 200]
    user.is_active = False
    user.save()
    assert api(token=good).get(URL).status_code == 401


@pytest.mark.django_db
def test_use_is_noted_once_a_minute() -> None:
    token, text = make_token()
    client = api(token=text)
    client.get(URL)
    token.refresh_from_db()
    first = token.last_used_at
    assert first is not None
    client.get(URL)
    token.refresh_from_db()
    assert token.last_used_at == first
    ApiToken.objects.update(last_used_at=first - timedelta(seconds=61))
    client.get(URL)
    token.refresh_from_db()
    assert token.last_used_at is not None
    assert token.last_used_at >= first


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("scope", "codes"),
    [
        ("read", [200, 403, 403, 403, 403]),
        ("write", [200, 201, 403, 403, 403]),
        ("admin", [200, 201, 201, 201, 204]),
    ],
)
def test_scope_bounds_what_a_token_may_do(scope: str, codes: list[int]) -> None:
    user = make_user()
    project = make_project(by=user)
    other = make_user()
    client = api(token=make_token(user, scope=scope)[1])
    found = [
        client.get(URL).status_code,
        client.post(URL, {"name": "x"}).status_code,
        client.post("/api/v1/tokens", {"name": "x"}).status_code,
        client.post(f"{URL}/{project.pk}/members", {"user": other.pk, "role": "viewer"}).status_code,
        client.delete(f"{URL}/{project.pk}").status_code,
    ]
    assert found == codes


@pytest.mark.django_db
def test_scope_does_not_raise_the_users_role() -> None:
    project = make_project()
    viewer = make_member(project, "viewer").user
    client = api(token=make_token(viewer, scope="admin")[1])
    assert client.patch(f"{URL}/{project.pk}", {"name": "x"}).status_code == 403


@pytest.mark.django_db
def test_token_limited_to_projects_sees_nothing_else() -> None:
    staff = make_staff()
    one, two = make_project(), make_project()
    client = api(token=make_token(staff, project_ids=[one.pk])[1])
    assert [row["id"] for row in client.get(URL).json()["results"]] == [one.pk]
    assert client.get(f"{URL}/{two.pk}").status_code == 404
    body = {"project": two.pk, "name": "x"}
    assert client.post("/api/v1/technologies", body).status_code == 400
    assert client.post(URL, {"name": "another"}).status_code == 403
    assert client.get("/api/v1/users").status_code == 403


@pytest.mark.django_db
def test_ended_tokens_are_forgotten_after_a_month() -> None:
    now = timezone.now()
    make_token(name="kept", expires_at=now - timedelta(days=1))
    make_token(name="gone", expires_at=now - timedelta(days=31))
    make_token(name="lasting")
    prune_tokens()
    assert set(ApiToken.objects.values_list("name", flat=True)) == {"kept", "lasting"}
