"""Limits per user, else per address; told in headers; reads go on and sign-in stays limited while the cache is away."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.core.cache import caches
from django.http import HttpRequest

from commandcenter.accounts.tests.factories import api, make_token, make_user
from commandcenter.core import ratelimits

pytestmark = pytest.mark.django_db
OFF = dict.fromkeys(("standard", "export", "batch", "token", "overall_minute", "overall_hour"))
AWAY = {
    "BACKEND": "django_redis.cache.RedisCache",
    "LOCATION": "redis://127.0.0.1:1/0",
    "OPTIONS": {"CONNECTION_POOL_KWARGS": {"socket_connect_timeout": 0.2}},
}


DAY = 86_400  # the windows here are days: no test may run across the end of a minute


@pytest.fixture(autouse=True)
def _clean() -> Iterator[None]:
    caches["limits"].clear()
    ratelimits._Cache.away_until = 0.0
    ratelimits._local = ratelimits._LocalCounts()
    yield
    ratelimits._Cache.away_until = 0.0


@pytest.fixture
def cache_away(settings: Any) -> None:
    settings.CACHES = {**settings.CACHES, "limits": AWAY}


def test_beyond_the_limit_is_429_with_retry_after(settings: Any) -> None:
    settings.RATE_LIMITS = {**OFF, "standard": "3/d"}
    client = api(make_user())
    answers = [client.get("/api/v1/projects") for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert [answer["RateLimit-Remaining"] for answer in answers] == ["2", "1", "0", "0"]
    refused = answers[3]
    assert refused["Content-Type"] == "application/problem+json"
    assert refused.json()["code"] == "rate_limited"
    assert 1 <= int(refused["Retry-After"]) <= DAY
    assert f"Try again in {refused['Retry-After']} s." in refused.json()["detail"]
    assert refused["RateLimit-Limit"] == "3"
    assert 1 <= int(refused["RateLimit-Reset"]) <= DAY


def test_limit_is_per_user_over_session_and_tokens(settings: Any) -> None:
    settings.RATE_LIMITS = {**OFF, "standard": "2/d"}
    user = make_user()
    _, text = make_token(user)
    assert api(user).get("/api/v1/projects").status_code == 200
    assert api(token=text).get("/api/v1/projects").status_code == 200
    assert api(user).get("/api/v1/projects").status_code == 429
    assert api(make_user()).get("/api/v1/projects").status_code == 200


def test_anonymous_and_bad_tokens_count_against_their_address(settings: Any) -> None:
    settings.RATE_LIMITS = {**OFF, "standard": "2/d"}
    assert api().get("/api/v1/projects").status_code == 401
    assert api(token="cc_wrong").get("/api/v1/projects").status_code == 401
    assert api(token="cc_wrong").get("/api/v1/projects").status_code == 429
    assert api().get("/api/v1/projects").status_code == 429
    assert api().get("/api/v1/projects", REMOTE_ADDR="198.51.100.7").status_code == 401


def test_forwarded_addresses_are_not_believed(settings: Any) -> None:
    settings.RATE_LIMITS = {**OFF, "standard": "1/d"}
    assert api().get("/api/v1/projects", HTTP_X_FORWARDED_FOR="1.1.1.1").status_code == 401
    assert api().get("/api/v1/projects", HTTP_X_FORWARDED_FOR="2.2.2.2").status_code == 429


def test_overall_limit_counts_every_kind(settings: Any) -> None:
    settings.RATE_LIMITS = {**OFF, "standard": "100/m", "overall_hour": "2/h"}
    client = api(make_user())
    assert client.get("/api/v1/projects").status_code == 200
    assert client.get("/api/v1/tokens").status_code == 200
    refused = client.get("/api/v1/projects")
    assert refused.status_code == 429
    assert int(refused["Retry-After"]) <= 3600


def test_sign_in_is_limited_per_address_whoever_tries(settings: Any) -> None:
    settings.RATE_LIMITS = {**OFF, "token": "2/d"}
    bodies = [{"username": f"u{n}", "password": "x"} for n in range(3)]
    codes = [api().post("/api/v1/auth/token", body).status_code for body in bodies]
    assert codes == [401, 401, 429]


@pytest.mark.usefixtures("cache_away")
def test_reads_go_on_without_the_cache(settings: Any) -> None:
    settings.RATE_LIMITS = {**OFF, "standard": "1/d"}
    client = api(make_user())
    assert [client.get("/api/v1/projects").status_code for _ in range(3)] == [200, 200, 200]


@pytest.mark.usefixtures("cache_away")
def test_writes_and_sign_in_stay_limited_without_the_cache(settings: Any) -> None:
    settings.RATE_LIMITS = {**OFF, "standard": "2/h", "token": "2/h"}
    client = api(make_user())
    assert [client.post("/api/v1/projects", {"name": "x"}).status_code for _ in range(3)] == [201, 201, 429]
    body = {"username": "nobody", "password": "x"}
    assert [api().post("/api/v1/auth/token", body).status_code for _ in range(3)] == [401, 401, 429]


def test_local_counts_stay_bounded() -> None:
    local = ratelimits._LocalCounts()
    for number in range(ratelimits.LOCAL_KEYS + 500):
        local.spend("standard", str(number), "5/h")
    assert len(local._counts) <= ratelimits.LOCAL_KEYS


@pytest.mark.parametrize(
    ("rate", "expected"),
    [("100/m", (100, 60)), ("5/10s", (5, 10)), ("2000/h", (2000, 3600)), ("1/d", (1, 86400))],
)
def test_rates_are_read(rate: str, expected: tuple[int, int]) -> None:
    assert ratelimits.split_rate(rate) == expected


def test_limit_that_is_off_is_not_counted(settings: Any) -> None:
    settings.RATE_LIMITS = OFF
    assert ratelimits.spend(HttpRequest(), "standard", "k", fail_open=False) is None
    assert not api(make_user()).get("/api/v1/projects").has_header("RateLimit-Limit")
