"""POST /auth/token and the sign-in page: who gets in, and who is locked out how far."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.core.cache import caches
from django.utils import timezone

from commandcenter.accounts.tests.factories import PASSWORD, api, make_user
from commandcenter.events.models import Event

pytestmark = pytest.mark.django_db
URL = "/api/v1/auth/token"
WRONG = "not the password"


@pytest.fixture(autouse=True)
def _no_rate_limit(settings: Any) -> None:
    settings.RATE_LIMITS = dict.fromkeys(settings.RATE_LIMITS)  # the lock is tested here, the limit in core


def sign_in(username: str, password: str = PASSWORD, address: str = "198.51.100.1", **headers: Any) -> Any:
    return api().post(URL, {"username": username, "password": password}, REMOTE_ADDR=address, **headers)


def test_password_is_changed_for_a_token() -> None:
    user = make_user()
    response = sign_in(user.username)
    assert response.status_code == 200
    answer = response.json()
    assert set(answer) == {"token", "expires_at"}
    expires = datetime.fromisoformat(answer["expires_at"])
    assert timedelta(days=29) < expires - timezone.now() <= timedelta(days=30)
    assert answer["expires_at"].endswith("Z")
    assert api(token=answer["token"]).get("/api/v1/tokens").status_code == 200
    assert Event.objects.get(type="token.created").actor_id == user.pk


@pytest.mark.parametrize("kind", ["wrong", "unknown", "inactive"])
def test_failures_look_alike(kind: str) -> None:
    user = make_user(is_active=kind != "inactive")
    name = "nobody" if kind == "unknown" else user.username
    response = sign_in(name, WRONG if kind == "wrong" else PASSWORD)
    assert response.status_code == 401
    assert response["WWW-Authenticate"].startswith("Bearer")
    answer = response.json()
    assert answer["code"] == "authentication_failed"
    assert answer["detail"] == "User name or password is wrong, or the account is not active."


def test_ten_failures_lock_this_user_from_this_address_alone() -> None:
    user, other = make_user(), make_user()
    codes = [sign_in(user.username, WRONG).status_code for _ in range(10)]
    assert codes[:9] == [401] * 9
    locked = sign_in(user.username)
    assert locked.status_code == 429
    assert locked["Content-Type"] == "application/problem+json"
    assert locked.json()["code"] == "locked"
    assert int(locked["Retry-After"]) == 900
    assert sign_in(user.username, address="198.51.100.2").status_code == 200, "never a user everywhere"
    assert sign_in(other.username).status_code == 200, "never an address for everybody"


def test_lock_opens_after_fifteen_minutes() -> None:
    from axes.models import AccessAttempt

    user = make_user()
    for _ in range(11):
        sign_in(user.username, WRONG)
    assert sign_in(user.username).status_code == 429
    AccessAttempt.objects.update(attempt_time=timezone.now() - timedelta(minutes=16))
    assert sign_in(user.username).status_code == 200


def test_forwarded_address_does_not_open_the_lock() -> None:
    user = make_user()
    for number in range(11):
        sign_in(user.username, WRONG, HTTP_X_FORWARDED_FOR=f"203.0.113.{number}")
    assert sign_in(user.username, HTTP_X_FORWARDED_FOR="203.0.113.99").status_code == 429


def test_session_or_bad_token_does_not_matter_when_signing_in() -> None:
    user = make_user()
    body = {"username": user.username, "password": PASSWORD}
    assert api(token="cc_wrong").post(URL, body).status_code == 200


def test_page_signs_in_and_leads_on() -> None:
    user = make_user()
    client = api()
    assert client.get("/login/").status_code == 200
    response = client.post(
        "/login/",
        {"username": user.username, "password": PASSWORD, "next": "/api/v1/projects"},
        format="multipart",
    )
    assert (response.status_code, response["Location"]) == (302, "/api/v1/projects")
    assert client.get("/api/v1/projects").status_code == 200
    client.post("/logout/")
    assert client.get("/api/v1/projects").status_code == 401


def test_page_leads_to_no_other_site() -> None:
    user = make_user()
    body = {"username": user.username, "password": PASSWORD, "next": "https://evil.example/"}
    response = api().post("/login/", body, format="multipart")
    assert response.status_code == 302
    assert "evil" not in response["Location"]


def test_page_says_when_someone_is_locked_out() -> None:
    user = make_user()
    for _ in range(10):
        page = api().post("/login/", {"username": user.username, "password": WRONG}, format="multipart")
    page = api().post("/login/", {"username": user.username, "password": PASSWORD}, format="multipart")
    assert page.status_code == 429
    assert page["Retry-After"] == "900"
    assert "15 minutes" in page.content.decode()


def test_page_is_limited_per_address(settings: Any) -> None:
    caches["limits"].clear()
    settings.RATE_LIMITS = {**settings.RATE_LIMITS, "token": "2/m"}
    codes = [
        api().post("/login/", {"username": f"u{n}", "password": WRONG}, format="multipart").status_code
        for n in range(3)
    ]
    assert codes == [200, 200, 429]


@pytest.mark.parametrize("page", ["/login/", "/admin/login/"])
@pytest.mark.parametrize(
    "values",
    [
        {"username": "\x00"},
        {"username": "x" * 10_000},
        {"username": "\ufb00" * 150},  # twice as long once normalized
        {"username": "u", "password": "x" * 100_000},
        {"username": "u", "password": "\x00"},
        {},
    ],
)
def test_hostile_names_do_not_crash_the_page(page: str, values: dict[str, str]) -> None:
    response = api().post(page, {"password": "x", **values}, format="multipart")
    assert response.status_code == 200


def test_admin_signs_staff_in_under_the_same_limit(settings: Any) -> None:
    staff = make_user(is_staff=True)
    body = {"username": staff.username, "password": PASSWORD, "next": "/admin/"}
    assert api().post("/admin/login/", body, format="multipart")["Location"] == "/admin/"
    assert (
        api()
        .post("/admin/login/", {**body, "username": make_user().username}, format="multipart")
        .status_code
        == 200
    )
    caches["limits"].clear()
    settings.RATE_LIMITS = {**settings.RATE_LIMITS, "token": "1/m"}
    codes = [
        api().post("/admin/login/", {**body, "password": WRONG}, format="multipart").status_code
        for _ in range(2)
    ]
    assert codes == [200, 429]
