"""Errors have one shape, crashes tell nothing, and what the database refuses is not a crash."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from django.db import DataError, IntegrityError, OperationalError
from django.test import Client, RequestFactory
from django.urls import path
from rest_framework.exceptions import ValidationError
from rest_framework.response import Response
from rest_framework.views import APIView

from commandcenter.accounts.tests.factories import api, make_token, make_user
from commandcenter.core.problems import Conflict, exception_handler, flatten
from commandcenter.core.viewsets import ApiMixin
from commandcenter.inventory.models import Project

MEMBERS = {"type", "title", "status", "detail", "code", "errors", "request_id"}


class Crash(ApiMixin, APIView):
    """Fail as the query string says."""

    def get(self, request: Any) -> Response:
        raise {
            "crash": RuntimeError("secret-detail"),
            "data": DataError("integer out of range"),
            "gone": Project.DoesNotExist("secret-detail"),
            "unique": IntegrityError("duplicate key"),
            "away": OperationalError("connection refused"),
        }[request.query_params["how"]]


def page_crash(_request: Any) -> Any:
    raise RuntimeError("secret-detail")


urlpatterns = [path("api/v1/crash", Crash.as_view()), path("api/page", page_crash)]


@pytest.mark.django_db
@pytest.mark.urls("commandcenter.core.tests.test_problems")
@pytest.mark.parametrize(
    ("how", "status", "code"),
    [
        ("crash", 500, "internal_error"),
        ("data", 400, "invalid"),
        ("gone", 404, "not_found"),
        ("unique", 409, "conflict"),
        ("away", 503, "database_unavailable"),
    ],
)
def test_exception_of_a_view_becomes_a_problem(how: str, status: int, code: str) -> None:
    response = api(make_user()).get(f"/api/v1/crash?how={how}", HTTP_X_REQUEST_ID="abc-1")
    assert response.status_code == status
    assert response["Content-Type"] == "application/problem+json"
    answer = response.json()
    assert set(answer) == MEMBERS
    assert (answer["code"], answer["status"], answer["request_id"]) == (code, status, "abc-1")
    assert "secret-detail" not in response.content.decode()
    assert response.has_header("Retry-After") == (status == 503)


@pytest.mark.urls("commandcenter.core.tests.test_problems")
def test_crash_outside_drf_is_logged_and_told_without_a_trace(caplog: Any, settings: Any) -> None:
    settings.DEBUG = True
    with caplog.at_level(logging.ERROR, logger="django.request"):
        response = api().get("/api/page")
    assert response.status_code == 500
    assert set(response.json()) == MEMBERS
    assert "secret-detail" not in response.content.decode()
    assert any(record.exc_info for record in caplog.records)


@pytest.mark.django_db
def test_validation_names_each_field() -> None:
    response = api(make_user()).post("/api/v1/projects", {"name": "", "slug": "a b"})
    assert response.status_code == 400
    answer = response.json()
    assert answer["code"] == "invalid"
    assert {(error["field"], error["code"]) for error in answer["errors"]} == {
        ("name", "blank"),
        ("slug", "invalid"),
    }
    assert all(error["message"] for error in answer["errors"])


@pytest.mark.django_db
def test_anonymous_is_401_with_a_challenge() -> None:
    response = api().get("/api/v1/projects")
    assert response.status_code == 401
    assert response["WWW-Authenticate"].startswith("Bearer")
    assert response.json()["code"] == "not_authenticated"


@pytest.mark.django_db
def test_scope_that_is_too_small_is_403() -> None:
    _, text = make_token(scope="read")
    response = api(token=text).post("/api/v1/projects", {"name": "x"})
    assert response.status_code == 403
    assert "write" in response.json()["detail"]


@pytest.mark.django_db
def test_write_in_a_session_without_csrf_token_is_403() -> None:
    client = api(make_user())
    client.handler.enforce_csrf_checks = True
    response = client.post("/api/v1/projects", {"name": "x"})
    assert response.status_code == 403
    assert response["Content-Type"] == "application/problem+json"


def test_nested_errors_are_flattened_with_dotted_names() -> None:
    error = ValidationError(
        {"items": [{}, {"name": ["Too long."]}], "non_field_errors": ["Do not."], "tags": ["One.", "Two."]}
    )
    assert [(each["field"], each["message"]) for each in flatten(error.detail)] == [
        ("items.1.name", "Too long."),
        ("", "Do not."),
        ("tags", "One."),
        ("tags", "Two."),
    ]


def test_conflict_carries_its_own_code() -> None:
    response = exception_handler(
        Conflict("job_is_terminal", "It has ended."), {"request": RequestFactory().get("/")}
    )
    assert response is not None
    assert response.status_code == 409
    assert response.data["code"] == "job_is_terminal"


@pytest.mark.django_db
def test_browser_gets_a_page_and_programs_get_json() -> None:
    client = api(make_user())
    page = client.get("/api/v1/projects/999999", HTTP_ACCEPT="text/html")
    assert page.status_code == 404
    assert page["Content-Type"].startswith("text/html")
    assert client.get("/api/v1/projects", HTTP_ACCEPT="text/html").status_code == 200
    assert client.get("/api/v1/projects", HTTP_ACCEPT="*/*")["Content-Type"] == "application/json"


@pytest.mark.django_db
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("path", ["/api/v1/nothing", "/api/v1/projects/x", "/api/v2/projects"])
def test_wrong_path_is_404_for_every_method(method: str, path: str) -> None:
    client = Client(enforce_csrf_checks=True)
    response = client.generic(method, path, "{}", "application/json", HTTP_AUTHORIZATION="Bearer cc_x")
    assert (response.status_code, response["Content-Type"]) == (404, "application/problem+json")
    assert response.json()["code"] == "not_found"
