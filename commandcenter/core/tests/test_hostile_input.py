"""No input makes the API answer 500: each hostile body, header, cursor and id has its code."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from commandcenter.accounts.tests.factories import api, make_user
from commandcenter.inventory.tests.factories import make_project

pytestmark = pytest.mark.django_db

JSON = "application/json"
HUGE = 10**30
DEEP = "[" * 5000 + "]" * 5000


def project(**values: Any) -> str:
    return json.dumps({"name": "x", **values})


BODIES: list[tuple[str, str, bytes | str, str, int]] = [
    # path, content type, body, note, expected
    ("projects", JSON, "", "empty body", 400),
    ("projects", JSON, "{", "cut off", 400),
    ("projects", JSON, "null", "null", 400),
    ("projects", JSON, "[]", "a list", 400),
    ("projects", JSON, '"text"', "a string", 400),
    ("projects", JSON, "1", "a number", 400),
    ("projects", JSON, "true", "a boolean", 400),
    ("projects", JSON, b"\xff\xfe", "not UTF-8", 400),
    ("projects", JSON, b'{"name": "\xed\xa0\x80"}', "an encoded surrogate", 400),
    ("projects", JSON, '{"name": "\\ud800"}', "a lone surrogate", 400),
    ("projects", JSON, '{"name": "\\ude00\\ud83d"}', "surrogates the wrong way round", 400),
    ("projects", JSON, '{"name": "a\\u0000b"}', "NUL in a value", 400),
    ("projects", JSON, '{"na\\u0000me": "x"}', "NUL in a name", 400),
    ("projects", JSON, '{"name": "x", "description": ["\\u0000"]}', "NUL in a list", 400),
    ("projects", JSON, DEEP, "deep list", 400),
    ("projects", JSON, '{"a":' * 3000 + "1" + "}" * 3000, "deep object", 400),
    ("projects", JSON, '{"name": "x", "extra": ' + "[" * 70 + "]" * 70 + "}", "beyond our depth", 400),
    ("projects", JSON, '{"name": NaN}', "NaN", 400),
    ("projects", JSON, '{"name": Infinity}', "Infinity", 400),
    ("projects", JSON, '{"name": 1e999}', "a number beyond floats", 400),
    ("projects", JSON, "{'name': 'x'}", "single quotes", 400),
    ("projects", JSON, '{"name": "x",}', "trailing comma", 400),
    ("projects", JSON, project(name=""), "blank name", 400),
    ("projects", JSON, project(name="   "), "only spaces", 400),
    ("projects", JSON, project(name=None), "null name", 400),
    ("projects", JSON, project(name=[]), "list as name", 400),
    ("projects", JSON, project(name={}), "object as name", 400),
    ("projects", JSON, project(name=True), "boolean as name", 400),
    ("projects", JSON, project(name="x" * 201), "name too long", 400),
    ("projects", JSON, project(slug="with space"), "bad slug", 400),
    ("projects", JSON, project(slug="é"), "slug beyond ASCII", 400),
    ("projects", JSON, project(slug="x" * 81), "slug too long", 400),
    ("projects", JSON, project(slug="../../etc"), "path as slug", 400),
    ("projects", JSON, project(description=1e300), "number as description", 201),
    ("projects", JSON, project(name="\U0001f600 שלום \u202e"), "emoji and right-to-left", 201),
    ("projects", JSON, project(name="<script>alert(1)</script>"), "markup is text", 201),
    ("projects", JSON, project(name="'; DROP TABLE users; --"), "SQL is text", 201),
    ("projects", JSON, project(id=1, created_at="x", role="admin"), "read-only members are ignored", 201),
    ("projects", JSON, '{"name": "a", "name": "b"}', "a member twice", 201),
    ("projects", "text/plain", "name=x", "wrong type", 415),
    ("projects", "application/xml", "<a/>", "XML", 415),
    ("projects", "application/json; charset=utf-16", project(), "charset is ignored, JSON is UTF-8", 201),
    ("projects", "garbage", "x", "type that is none", 415),
    ("projects", "", project(), "no type", 415),
    ("projects", "application/x-www-form-urlencoded", "name=%00", "NUL in a form", 400),
    ("projects", "application/x-www-form-urlencoded", "a=1&" * 3000, "too many fields", 400),
    ("projects", "application/x-www-form-urlencoded", "name=ok", "a form", 201),
    ("projects", "multipart/form-data", "x", "multipart without boundary", 400),
    ("projects", "multipart/form-data; boundary=" + "b" * 500, "x", "boundary too long", 415),
    ("projects", "multipart/form-data; boundary=b", "--b\r\ngarbage", "multipart cut off", 400),
    ("repositories", JSON, json.dumps({"project": HUGE, "name": "x", "source": "y"}), "huge id", 400),
    (
        "repositories",
        JSON,
        json.dumps({"project": 2**63, "name": "x", "source": "y"}),
        "id beyond bigint",
        400,
    ),
    ("repositories", JSON, json.dumps({"project": -1, "name": "x", "source": "y"}), "negative id", 400),
    ("repositories", JSON, json.dumps({"project": 0, "name": "x", "source": "y"}), "zero id", 400),
    ("repositories", JSON, json.dumps({"project": 1.5, "name": "x", "source": "y"}), "fraction as id", 400),
    ("repositories", JSON, json.dumps({"project": True, "name": "x", "source": "y"}), "true as id", 400),
    (
        "repositories",
        JSON,
        json.dumps({"project": "\uff11", "name": "x", "source": "y"}),
        "full-width digit",
        400,
    ),
    (
        "repositories",
        JSON,
        json.dumps({"project": {"id": 1}, "name": "x", "source": "y"}),
        "object as id",
        400,
    ),
    ("repositories", JSON, json.dumps({"project": [1], "name": "x", "source": "y"}), "list as id", 400),
    ("repositories", JSON, json.dumps({"project": None, "name": "x", "source": "y"}), "null as id", 400),
    ("tokens", JSON, json.dumps({"name": "x", "scope": "root"}), "unknown scope", 400),
    ("tokens", JSON, json.dumps({"name": "x", "projects": "all"}), "text as list", 400),
    ("tokens", JSON, json.dumps({"name": "x", "projects": [HUGE]}), "huge project", 400),
    ("tokens", JSON, json.dumps({"name": "x", "projects": [True]}), "true as project", 400),
    ("tokens", JSON, json.dumps({"name": "x", "expires_at": "yesterday"}), "no time", 400),
    ("tokens", JSON, json.dumps({"name": "x", "expires_at": "1970-01-01T00:00:00Z"}), "passed", 400),
    ("tokens", JSON, json.dumps({"name": "x", "expires_at": "0000-00-00T00:00:00Z"}), "year zero", 400),
    (
        "tokens",
        JSON,
        json.dumps({"name": "x", "expires_at": "9999-12-31T23:59:59-12:00"}),
        "past year 9999",
        400,
    ),
    ("tokens", JSON, json.dumps({"name": "x", "expires_at": HUGE}), "number as time", 400),
    ("auth/token", JSON, "{}", "nobody", 400),
    ("auth/token", JSON, json.dumps({"username": "x" * 151, "password": "y"}), "long name", 400),
    ("auth/token", JSON, json.dumps({"username": "x", "password": "y" * 1001}), "long password", 400),
    ("auth/token", JSON, json.dumps({"username": ["x"], "password": {"a": 1}}), "shapes", 400),
]


@pytest.mark.parametrize(
    ("path", "content_type", "body", "expected"),
    [pytest.param(p, t, b, code, id=f"{p}: {note}") for p, t, b, note, code in BODIES],
)
def test_body_has_its_code(path: str, content_type: str, body: bytes | str, expected: int) -> None:
    client: Any = api(make_user())
    response = client.generic("POST", f"/api/v1/{path}", body, content_type=content_type)
    assert response.status_code == expected, response.content
    if expected >= 400:
        assert response["Content-Type"] == "application/problem+json"
        answer = response.json()
        assert answer["status"] == expected
        assert answer["code"]
        assert answer["detail"]
        assert "Traceback" not in response.content.decode()


def cursor(*values: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(values).encode()).decode().rstrip("=")


URLS: list[tuple[str, int]] = [
    ("projects?limit=0", 400),
    ("projects?limit=-1", 400),
    ("projects?limit=1001", 400),
    ("projects?limit=abc", 400),
    ("projects?limit=1e3", 400),
    ("projects?limit=%00", 400),
    ("projects?limit=²", 400),
    (f"projects?limit={HUGE}", 400),
    ("projects?limit=", 200),
    ("projects?limit=1000", 200),
    ("projects?cursor=x", 400),
    ("projects?cursor=%00", 400),
    ("projects?cursor=é", 400),
    ("projects?cursor=" + "A" * 5000, 400),
    ("projects?cursor=" + cursor(), 400),
    ("projects?cursor=" + cursor(0), 400),
    ("projects?cursor=" + cursor(2, 1), 400),
    ("projects?cursor=" + cursor(True, 1), 400),
    ("projects?cursor=" + cursor(0, "1"), 400),
    ("projects?cursor=" + cursor(0, None), 400),
    ("projects?cursor=" + cursor(0, [1]), 400),
    ("projects?cursor=" + cursor(0, {"a": 1}), 400),
    ("projects?cursor=" + cursor(0, HUGE), 400),
    ("projects?cursor=" + cursor(0, -(2**63) - 1), 400),
    ("projects?cursor=" + cursor(0, 1, 2), 400),
    ("projects?cursor=" + cursor(0, 1.5), 400),
    ("projects?cursor=" + cursor(0, 5), 200),
    ("projects?cursor=", 200),
    ("projects?search=%00", 400),
    ("projects?search=" + "x" * 201, 400),
    ("projects?search=%25_%5C", 200),
    ("projects?search=%ED%A0%80", 200),
    ("projects?unknown=1", 200),
    ("repositories?project=abc", 400),
    ("repositories?project=0", 400),
    ("repositories?project=-5", 400),
    ("repositories?project=1.5", 400),
    (f"repositories?project={2**63}", 400),
    (f"repositories?project={HUGE}", 400),
    ("repositories?project=9223372036854775807", 200),
    ("repositories?tag=%00", 400),
    ("repositories?tag=" + "x" * 101, 400),
    ("repositories?tag=%22%5D", 200),
    ("technologies?status=gone", 400),
    ("technologies?domain=", 200),
    ("technologies?domain=nothing", 400),
    ("projects/0", 404),
    ("projects/9223372036854775807", 404),
    ("projects/9223372036854775808", 404),
    (f"projects/{HUGE}", 404),
    ("projects/-1", 404),
    ("projects/abc", 404),
    ("projects/1%00", 404),
    ("projects/%F0%9F%98%80", 404),
    ("projects/1/members/9999999999999999999", 404),
    ("projects/../../admin", 404),
    ("nothing/here", 404),
    ("", 200),
    ("dashboard/activity?limit=0", 400),
    ("dashboard/activity?limit=999999", 400),
    ("dashboard/activity?project=x", 400),
    (f"dashboard/activity?project={HUGE}", 400),
    ("projects?format=xml", 404),
]


@pytest.mark.parametrize(("path", "expected"), URLS, ids=[path[:60] or "root" for path, _ in URLS])
def test_address_has_its_code(path: str, expected: int) -> None:
    response = api(make_user()).get(f"/api/v1/{path}")
    assert response.status_code == expected, response.content
    if expected >= 400:
        assert response["Content-Type"] == "application/problem+json"
        assert response.json()["status"] == expected


HEADERS: list[tuple[dict[str, str], int]] = [
    ({"HTTP_AUTHORIZATION": "Bearer"}, 401),
    ({"HTTP_AUTHORIZATION": "Bearer "}, 401),
    ({"HTTP_AUTHORIZATION": "Bearer cc_short"}, 401),
    ({"HTTP_AUTHORIZATION": "Bearer " + "x" * 9000}, 401),
    ({"HTTP_AUTHORIZATION": "Bearer cc_\x00"}, 401),
    ({"HTTP_AUTHORIZATION": "Bearer é"}, 401),
    ({"HTTP_AUTHORIZATION": "Basic YWRtaW46YWRtaW4="}, 401),
    ({"HTTP_AUTHORIZATION": "cc_x"}, 401),
    ({"HTTP_ACCEPT": "image/png"}, 406),
    ({"HTTP_ACCEPT": "application/json; q=nonsense"}, 200),
    ({"HTTP_ACCEPT": ";;;,,,"}, 406),
    ({"HTTP_X_REQUEST_ID": "x" * 10_000}, 200),
    ({"HTTP_X_REQUEST_ID": "a\r\nSet-Cookie: x=1"}, 200),
    ({"HTTP_IF_NONE_MATCH": '"' * 100_000}, 200),
    ({"HTTP_IF_NONE_MATCH": "\x00"}, 200),
    ({"HTTP_COOKIE": "sessionid=\x00"}, 401),
    ({"HTTP_COOKIE": "sessionid=" + "x" * 5000}, 401),
    ({"HTTP_HOST": "evil.example"}, 400),
    ({"HTTP_HOST": "local\x00host"}, 400),
    ({"HTTP_ACCEPT_ENCODING": "gzip;q=x, br, *"}, 200),
    ({"HTTP_X_FORWARDED_FOR": "' OR 1=1"}, 200),
    ({"REMOTE_ADDR": "not an address"}, 200),
    ({"REMOTE_ADDR": ""}, 200),
    ({"CONTENT_LENGTH": "-5"}, 200),
]


@pytest.mark.parametrize(("headers", "expected"), HEADERS, ids=[str(h)[:60] for h, _ in HEADERS])
def test_header_has_its_code(headers: dict[str, str], expected: int) -> None:
    anonymous = "HTTP_COOKIE" in headers
    client: Any = api(None if anonymous else make_user())
    response = client.get("/api/v1/projects", **headers)
    assert response.status_code == expected, response.content
    if expected >= 400:
        assert response["Content-Type"] == "application/problem+json"


KEYS = ["", " ", "x" * 256, "a b", "é", "a\x00b", "a\nb"]


@pytest.mark.parametrize("key", KEYS, ids=[repr(key)[:20] for key in KEYS])
def test_idempotency_key_that_is_none_is_refused(key: str) -> None:
    response = api(make_user()).post("/api/v1/projects", {"name": "x"}, HTTP_IDEMPOTENCY_KEY=key)
    assert response.status_code == 400
    assert response.json()["code"] == "invalid_idempotency_key"


def test_body_beyond_the_limit_is_413(settings: Any) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000
    client = api(make_user())
    for content_type in (JSON, "application/x-www-form-urlencoded", "multipart/form-data; boundary=b"):
        response = client.generic("POST", "/api/v1/projects", "x" * 1001, content_type=content_type)
        assert response.status_code == 413, content_type
        assert response.json()["code"] == "payload_too_large"


def test_body_that_lies_about_its_length_is_413(settings: Any) -> None:
    """A chunked body announces no length: it is read no further than the limit."""
    from io import BytesIO

    from commandcenter.core.parsers import OrjsonParser
    from commandcenter.core.problems import PayloadTooLarge

    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000
    stream = BytesIO(b"[" + b"1," * 10_000)
    with pytest.raises(PayloadTooLarge):
        OrjsonParser().parse(stream)
    assert stream.tell() == 1001


def test_chunked_body_is_411_and_not_taken_for_an_empty_one() -> None:
    client: Any = api(make_user())
    response = client.get("/api/v1/projects", HTTP_TRANSFER_ENCODING="chunked")
    assert (response.status_code, response.json()["code"]) == (411, "length_required")


METHODS = [
    ("PUT", "projects"),
    ("DELETE", "projects"),
    ("PATCH", "auth/token"),
    ("GET", "auth/token"),
    ("TRACE", "projects"),
]


@pytest.mark.parametrize(("method", "path"), METHODS)
def test_method_that_is_not_taken_is_405(method: str, path: str) -> None:
    response = api(make_user()).generic(method, f"/api/v1/{path}")
    assert response.status_code == 405
    assert response.json()["code"] == "method_not_allowed"
    assert response["Allow"]


def test_unknown_paths_are_problems_with_and_without_a_slash() -> None:
    client = api(make_user())
    for path in ("/api", "/api/", "/api/v2/projects", "/api/v1/x/"):
        response = client.get(path, follow=True)
        assert response.status_code == 404, path
        assert response["Content-Type"] == "application/problem+json", path
    assert client.get("/api/v1").status_code in {200, 301}
    assert client.get("/api/v1/projects/").status_code == 200
    make_project()
