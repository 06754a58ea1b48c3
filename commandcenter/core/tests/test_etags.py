"""ETags: unchanged answers are 304, writes over someone else's change are 412."""

from __future__ import annotations

import pytest

from commandcenter.accounts.tests.factories import api, make_user
from commandcenter.core.etags import matches
from commandcenter.inventory.tests.factories import make_project

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("path", ["projects", "projects/{id}"])
def test_unchanged_answer_is_304_without_a_body(path: str) -> None:
    user = make_user()
    project = make_project(by=user)
    client = api(user)
    url = "/api/v1/" + path.format(id=project.pk)
    first = client.get(url)
    again = client.get(url, HTTP_IF_NONE_MATCH=first["ETag"])
    assert (again.status_code, again.content, again["ETag"]) == (304, b"", first["ETag"])
    assert first["Cache-Control"] == "private, no-cache"
    client.patch(f"/api/v1/projects/{project.pk}", {"description": "new"})
    changed = client.get(url, HTTP_IF_NONE_MATCH=first["ETag"])
    assert changed.status_code == 200
    assert changed["ETag"] != first["ETag"]


@pytest.mark.parametrize("method", ["put", "patch", "delete"])
def test_write_over_someone_elses_change_is_412(method: str) -> None:
    user = make_user()
    project = make_project(by=user)
    client = api(user)
    url = f"/api/v1/projects/{project.pk}"
    stale = client.get(url)["ETag"]
    client.patch(url, {"description": "theirs"})
    body = {"name": "Mine", "slug": "mine"}
    refused = getattr(client, method)(url, body, HTTP_IF_MATCH=stale)
    assert refused.status_code == 412
    assert refused.json()["code"] == "precondition_failed"
    assert client.get(url).json()["description"] == "theirs"
    fresh = client.get(url)["ETag"]
    assert getattr(client, method)(url, body, HTTP_IF_MATCH=f'"other", {fresh}').status_code in {200, 204}


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ('"a"', True),
        ('W/"a"', True),
        ('"b", W/"a"', True),
        ("*", True),
        ('"b"', False),
        ("a", False),
        ("", False),
    ],
)
def test_header_of_tags(header: str, expected: bool) -> None:
    assert matches(header, '"a"') is expected


def test_large_answers_are_compressed_and_still_match() -> None:
    user = make_user()
    make_project(by=user, description="word " * 500)
    client = api(user)
    response = client.get("/api/v1/projects", HTTP_ACCEPT_ENCODING="gzip")
    assert response["Content-Encoding"] == "gzip"
    again = client.get("/api/v1/projects", HTTP_ACCEPT_ENCODING="gzip", HTTP_IF_NONE_MATCH=response["ETag"])
    assert again.status_code == 304
