"""Exports over HTTP: headers, states, roles."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import override_settings
from rest_framework.test import APIClient

from commandcenter.analysis.models import Analysis, AnalysisStatus
from commandcenter.analysis.tests.factories import (
    analyse,
    finding,
    make_repository,
    make_user,
    messages,
    start,
    tree_ref,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def repository() -> Any:
    return make_repository(name='bil"ling\n émile')


@pytest.fixture
def viewer(repository: Any) -> Any:
    client = APIClient()
    client.force_authenticate(make_user(repository.project))
    return client


def test_formats_are_listed(viewer: Any) -> None:
    rows = viewer.get("/api/v1/export/formats").json()["results"]
    assert {"sarif", "json", "csv", "excel"} <= {row["id"] for row in rows}
    assert {"name", "media_type", "extension", "use", "limits"} <= rows[0].keys()


@pytest.mark.parametrize(
    ("name", "media_type"), [("sarif", "application/sarif+json"), ("json", "application/json")]
)
@pytest.mark.parametrize("accept", ["text/html", "application/json", "image/png"])
def test_an_export_is_a_file_whatever_is_accepted(
    viewer: Any, repository: Any, name: Any, media_type: Any, accept: Any
) -> None:
    analysis = analyse(repository, messages([finding("a")]))
    answer = viewer.get(f"/api/v1/export/{analysis.pk}/{name}", headers={"accept": accept})
    assert answer.status_code == 200
    assert answer.streaming
    assert answer["Content-Type"] == media_type
    wanted = f'attachment; filename="bil-ling-mile-{analysis.commit[:12]}.{name}"'
    assert answer["Content-Disposition"] == wanted
    assert json.loads(answer.getvalue())


@pytest.mark.parametrize("status", [AnalysisStatus.RUNNING, AnalysisStatus.FAILED, AnalysisStatus.CANCELLED])
def test_an_analysis_without_results_cannot_be_exported(viewer: Any, repository: Any, status: Any) -> None:
    analysis = start(repository, tree_ref())
    Analysis.objects.filter(pk=analysis.pk).update(status=status)
    answer = viewer.get(f"/api/v1/export/{analysis.pk}/sarif", headers={"accept": "text/html"})
    assert answer.status_code == 409
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["code"] == f"analysis_{status.value}"


def test_a_partial_analysis_can_be_exported(viewer: Any, repository: Any) -> None:
    analysis = analyse(repository, messages([], engines={"ruff": "failed"}))
    answer = viewer.get(f"/api/v1/export/{analysis.pk}/sarif")
    assert answer.status_code == 200
    runs = json.loads(b"".join(answer.streaming_content))["runs"]
    ended = {run["tool"]["driver"]["name"]: run["invocations"][0]["executionSuccessful"] for run in runs}
    assert ended["ruff"] is False


def test_an_unknown_format_is_named_with_the_known_ones(viewer: Any, repository: Any) -> None:
    analysis = analyse(repository, messages([]))
    answer = viewer.get(f"/api/v1/export/{analysis.pk}/pdf")
    assert answer.status_code == 404
    assert answer.json()["code"] == "unknown_format"
    assert "sarif, json" in answer.json()["detail"]


def test_an_analysis_of_others_does_not_exist(repository: Any) -> None:
    analysis = analyse(repository, messages([]))
    stranger = APIClient()
    stranger.force_authenticate(make_user())
    assert stranger.get(f"/api/v1/export/{analysis.pk}/sarif").status_code == 404
    assert APIClient().get(f"/api/v1/export/{analysis.pk}/sarif").status_code == 401
    assert stranger.get("/api/v1/export/999999999999/sarif").status_code == 404


def test_exports_have_a_limit_of_their_own(viewer: Any, repository: Any) -> None:
    from django.conf import settings
    from django.core.cache import caches

    caches["limits"].clear()
    analysis = analyse(repository, messages([]))
    url = f"/api/v1/export/{analysis.pk}/sarif"
    with override_settings(RATE_LIMITS={**settings.RATE_LIMITS, "export": "2/h"}):
        codes = [viewer.get(url).status_code for _ in range(3)]
        assert viewer.get("/api/v1/export/formats").status_code == 200
    assert codes == [200, 200, 429]
