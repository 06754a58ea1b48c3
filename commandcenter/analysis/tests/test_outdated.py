"""The check of outdated dependencies: what registries told last of the packages that a result set holds."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from commandcenter.advisories.matching import match_stale
from commandcenter.advisories.models import Package, PackageVersion
from commandcenter.analysis.gaps import reading
from commandcenter.analysis.gaps.outdated import CHECK, MAX_GAPS, Outdated, outdated_of
from commandcenter.analysis.models import Analysis
from commandcenter.analysis.packages import registering
from commandcenter.analysis.packages.exposures import exposures
from commandcenter.analysis.results.summary import summary_of
from commandcenter.analysis.tests.factories import (
    analyse,
    dependency_row,
    make_repository,
    make_user,
    messages,
)
from commandcenter.inventory.models import Role

pytestmark = pytest.mark.django_db


@pytest.fixture
def repository() -> Any:
    return make_repository()


def analysed(repository: Any, *dependencies: dict[str, Any]) -> Analysis:
    said = [
        {"type": "checks", "rows": [_check("license")]},
        *({**m, "gaps": 0} if m["type"] == "summary" else m for m in messages(dependencies=dependencies)),
    ]
    done = analyse(repository, said)
    registering.on_event(SimpleNamespace(type="analysis.completed", subject_id=done.pk))
    match_stale(seconds=10)
    return Analysis.objects.with_results().get(pk=done.pk)


def _check(name: str) -> dict[str, Any]:
    return {"id": name, "title": name, "status": "passed", "looked_at": 1, "gaps": 0, "detail": ""}


def told(name: str, latest: str, *, used_at: str | None = None, latest_at: str | None = None) -> None:
    """Say what a registry would have said."""
    Package.objects.filter(name=name).update(
        latest_version=latest, latest_released_at=latest_at, checked_at="2026-02-01T00:00:00Z"
    )
    PackageVersion.objects.filter(spelling=name).update(released_at=used_at)


def behind(analysis: Analysis) -> Outdated:
    return outdated_of(analysis.result_set)


def test_without_a_registry_it_is_unknown_and_says_how_to_switch_it_on(
    repository: Any, settings: Any
) -> None:
    settings.REGISTRY_URLS = {}
    check = behind(analysed(repository, dependency_row("pen", "1.0"))).check
    assert (check.status, check.gaps) == ("unknown", 0)
    assert "docs/freshness.md" in check.detail
    settings.REGISTRY_URLS = {"pypi": "https://pypi.example.com"}
    waiting = behind(analysed(repository, dependency_row("ink", "1.0"))).check
    assert (waiting.status, "yet" in waiting.detail) == ("unknown", True)


@pytest.mark.parametrize(
    ("version", "latest", "released", "is_behind"),
    [
        ("1.9", "2.0", (None, None), True),
        ("1.9", "10.0", (None, None), True),
        ("v1.9", "2.0", (None, None), True),
        ("1.9", "1.20", (None, None), False),
        ("1.9", "1.20", ("2024-01-01T00:00:00Z", "2024-12-30T00:00:00Z"), False),
        ("1.9", "1.20", ("2024-01-01T00:00:00Z", "2025-01-02T00:00:00Z"), True),
        ("3.0b1", "2.0", ("2025-01-01T00:00:00Z", "2024-01-01T00:00:00Z"), False),
        ("2.0", "2.0", ("2024-01-01T00:00:00Z", "2024-01-01T00:00:00Z"), False),
        ("main", "2.0", (None, None), False),
        ("99999999999999999999", "2.0", (None, None), False),
    ],
)
def test_behind_is_a_major_version_or_more_than_a_libyear(
    repository: Any, version: str, latest: str, released: tuple[str | None, str | None], is_behind: bool
) -> None:
    analysis = analysed(repository, dependency_row("pen", version))
    told("pen", latest, used_at=released[0], latest_at=released[1])
    found = behind(analysis)
    assert (found.check.status, len(found.gaps)) == (("gap", 1) if is_behind else ("passed", 0))


def test_a_gap_names_the_places_the_latest_version_and_when_it_was_told(repository: Any) -> None:
    analysis = analysed(
        repository,
        dependency_row("pen", "1.0", line=7),
        dependency_row("pen", "1.1", path="other.txt"),
        dependency_row("cap", "3.0"),
        dependency_row("ink", None),
        dependency_row("deep", "1.0", direct=False),
    )
    told("pen", "2.0", used_at="2020-01-01T00:00:00Z", latest_at="2024-01-01T00:00:00Z")
    told("deep", "9.0")
    told("cap", "3.1")
    found = behind(analysis)
    (gap,) = found.gaps
    assert (gap.id, gap.severity, str(gap.as_of)) == (f"{CHECK}:pypi/pen", "medium", "2026-02-01")
    assert gap.evidence == [{"path": "requirements.txt", "line": 7}, {"path": "other.txt", "line": 1}]
    assert "1.0, 1.1; the latest version is 2.0, released 4.0 years later" in gap.reason
    assert "2.0" in gap.remedy
    assert (found.check.looked_at, found.check.gaps) == (3, 1)
    assert "3 of 4 direct dependencies are known. As of 2026-02-01." in found.check.detail


def test_it_counts_with_the_gaps_in_the_api_on_the_page_and_in_the_summary(repository: Any) -> None:
    analysis = analysed(repository, dependency_row("pen", "1.0"))
    told("pen", "2.0")
    client = Client()
    client.force_login(make_user(repository.project, Role.VIEWER))
    body = client.get(f"/api/v1/analyses/{analysis.pk}/gaps").json()
    assert [gap["id"] for gap in body["results"]] == [f"{CHECK}:pypi/pen"]
    assert body["checks"][-1] == {
        "id": CHECK, "title": "Outdated dependency", "status": "gap", "looked_at": 1, "gaps": 1,
        "detail": "1 of 1 direct dependencies are known. As of 2026-02-01.",
    }  # fmt: skip
    assert body["as_of"]["latest_versions"] == "2026-02-01T00:00:00Z"
    assert client.get(f"/api/v1/analyses/{analysis.pk}").json()["summary"]["gaps"] == 1
    page = client.get(f"/analyses/{analysis.pk}/gaps/").content.decode()
    assert "the latest version is 2.0" in page
    assert "latest versions as of 2026-02-01" in page


def test_many_are_counted_and_fifty_are_named_by_one_query(repository: Any) -> None:
    analysis = analysed(repository, *(dependency_row(f"p{n}", "1.0") for n in range(MAX_GAPS + 5)))
    Package.objects.update(latest_version="2.0", checked_at="2026-02-01T00:00:00Z")
    with CaptureQueriesContext(connection) as seen:
        found = behind(analysis)
    assert (len(seen), len(found.gaps), found.check.gaps) == (1, MAX_GAPS, MAX_GAPS + 5)
    exposure = exposures([analysis])[analysis.result_set_id or 0]
    assert (summary_of(analysis, exposure) or {})["gaps"] == MAX_GAPS + 5


def test_what_lists_no_dependencies_tells_nothing(repository: Any) -> None:
    analysis = analyse(
        repository, [{**m, "dependencies": None} if m["type"] == "summary" else m for m in messages()]
    )
    assert behind(Analysis.objects.with_results().get(pk=analysis.pk)).check.status == "unknown"
    assert reading.gaps_of(Analysis.objects.with_results().get(pk=analysis.pk)) == []
