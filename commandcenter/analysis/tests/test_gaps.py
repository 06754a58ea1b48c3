"""Gaps from the engine's messages to the API and the page."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from commandcenter.analysis.gaps import reading
from commandcenter.analysis.gaps.outdated import outdated_of
from commandcenter.analysis.models import Analysis, Gap, GapCheck
from commandcenter.analysis.results.summary import summary_of
from commandcenter.analysis.tests.factories import analyse, make_repository, make_user, messages
from commandcenter.analysis.tests.running import analysis_of, run
from commandcenter.inventory.models import Role

pytestmark = pytest.mark.django_db
LATER = date(2026, 1, 1)


def check(name: str, status: str = "passed", found: int = 0) -> dict[str, Any]:
    return {
        "id": name,
        "title": f"About {name}",
        "status": status,
        "looked_at": 1,
        "gaps": found,
        "detail": "Because.",
    }


def gap(name: str, severity: str, subject: str = "") -> dict[str, Any]:
    return {
        "check": name, "subject": subject, "title": f"About {name}", "severity": severity, "reason": "Looked for <it>.",
        "remedy": "Add it.", "evidence": [{"path": "a/b.yml", "line": 3}] if subject else [],
    }  # fmt: skip


def said(**summary: Any) -> list[dict[str, Any]]:
    rows = [
        {"type": "checks", "rows": [check("license"), check("readme", "gap", 1), check("pinned-actions", "gap", 2),
                                    check("fuzzing", "not_applicable")]},
        {"type": "gaps", "rows": [gap("readme", "low"), gap("pinned-actions", "medium", "a/b"),
                                  gap("pinned-actions", "low", "actions/x")]},
    ]  # fmt: skip
    known = {
        "gaps": 3,
        "platforms": [{"product": "python", "version": "3.8", "path": "Dockerfile", "line": 1}],
        **summary,
    }
    return [*rows, *(m | known if m["type"] == "summary" else m for m in messages())]


@pytest.fixture
def repository() -> Any:
    return make_repository()


@pytest.fixture
def analysed(repository: Any) -> Analysis:
    return Analysis.objects.with_results().get(pk=analyse(repository, said()).pk)


@pytest.fixture
def viewer(repository: Any) -> APIClient:
    client = APIClient()
    client.force_authenticate(make_user(repository.project, Role.VIEWER))
    return client


def test_gaps_come_worst_first_with_every_check_and_the_share_that_passed(analysed: Any, viewer: Any) -> None:
    body = viewer.get(f"/api/v1/analyses/{analysed.pk}/gaps").json()
    assert [(g["id"], g["severity"]) for g in body["results"]] == [
        ("end-of-life:Python 3.8", "high"),
        ("pinned-actions:a/b", "medium"),
        ("pinned-actions:actions/x", "low"),
        ("readme", "low"),
    ]
    assert body["results"][1] == {
        "id": "pinned-actions:a/b", "check": "pinned-actions", "subject": "a/b", "title": "About pinned-actions",
        "severity": "medium", "reason": "Looked for <it>.", "remedy": "Add it.",
        "evidence": [{"path": "a/b.yml", "line": 3}], "as_of": None,
    }  # fmt: skip
    assert [(c["id"], c["status"]) for c in body["checks"]] == [
        ("license", "passed"), ("readme", "gap"), ("pinned-actions", "gap"), ("fuzzing", "not_applicable"),
        ("end-of-life", "gap"), ("outdated-dependencies", "not_applicable"),
    ]  # fmt: skip
    assert body["score"] == {"passed": 1, "applicable": 4, "percent": 25}
    assert body["as_of"] == {"end_of_life": reading.as_of().isoformat(), "latest_versions": None}
    assert viewer.get(f"/api/v1/analyses/{analysed.pk}").json()["summary"]["gaps"] == 4


def test_an_end_of_life_depends_on_the_day_and_not_on_the_result_set(analysed: Any) -> None:
    before, after = date(2024, 1, 1), date(2024, 10, 8)
    assert [g.check for g in reading.gaps_of(analysed, before) if g.check == "end-of-life"] == []
    (ended,) = [g for g in reading.gaps_of(analysed, after) if g.check == "end-of-life"]
    assert (ended.severity, ended.evidence, ended.as_of) == (
        "high", [{"path": "Dockerfile", "line": 1}], reading.as_of(),
    )  # fmt: skip
    assert f"data as of {reading.as_of().isoformat()}" in ended.reason
    known = analysed.result_set.summary
    assert (reading.count(known, before), reading.count(known, after)) == (3, 4)
    assert {c.id: c.status for c in reading.checks_of(analysed, before)}["end-of-life"] == "passed"


@pytest.mark.parametrize(
    ("platforms", "status"),
    [
        ([], "not_applicable"),
        ([{"product": "python", "version": "99", "path": "a", "line": None}], "unknown"),
    ],
)
def test_what_the_data_does_not_know_has_not_passed(repository: Any, platforms: Any, status: str) -> None:
    one = Analysis.objects.with_results().get(pk=analyse(repository, said(platforms=platforms)).pk)
    assert {c.id: c.status for c in reading.checks_of(one, LATER)}["end-of-life"] == status


def test_gaps_of_an_engine_that_did_not_run_are_unknown_not_none(repository: Any, viewer: Any) -> None:
    one = analyse(repository, messages())
    assert (summary_of(Analysis.objects.with_results().get(pk=one.pk)) or {})["gaps"] is None
    body = viewer.get(f"/api/v1/analyses/{one.pk}/gaps").json()
    assert (body["results"], body["checks"], body["score"]) == ([], [], None)


def test_gaps_are_filtered_and_paged(analysed: Any, viewer: Any) -> None:
    path = f"/api/v1/analyses/{analysed.pk}/gaps"
    ids = [g["id"] for g in viewer.get(path).json()["results"]]
    assert [g["id"] for g in viewer.get(path, {"severity": ["medium", "high"]}).json()["results"]] == ids[:2]
    assert [g["check"] for g in viewer.get(path, {"check": "readme"}).json()["results"]] == ["readme"]
    walked, url = [], f"{path}?limit=3"
    while url:
        page = viewer.get(url).json()
        walked += [g["id"] for g in page["results"]]
        url = page["next"]
    assert walked == ids
    back = viewer.get(page["previous"]).json()
    assert ([g["id"] for g in back["results"]], back["previous"]) == (ids[:3], None)
    assert back["next"]


def test_a_page_of_gaps_begins_beyond_the_last_one_whatever_went_meanwhile(
    analysed: Any, viewer: Any
) -> None:
    first = viewer.get(f"/api/v1/analyses/{analysed.pk}/gaps?limit=2").json()
    ids = [g["id"] for g in first["results"]]
    Gap.objects.filter(check_id="pinned-actions", subject="a/b").delete()
    second = viewer.get(first["next"]).json()
    assert [*ids, *(g["id"] for g in second["results"])] == [
        "end-of-life:Python 3.8", "pinned-actions:a/b", "pinned-actions:actions/x", "readme",
    ]  # fmt: skip


def test_a_gap_of_the_longest_name_can_be_gone_beyond(analysed: Any, viewer: Any) -> None:
    Gap.objects.filter(check_id="pinned-actions", subject="a/b").update(subject="\U0001f4a9" * 300)
    walked, url = 0, f"/api/v1/analyses/{analysed.pk}/gaps?limit=1"
    while url:
        page = viewer.get(url)
        assert page.status_code == 200
        walked += len(page.json()["results"])
        url = page.json()["next"]
    assert walked == 4


@pytest.mark.parametrize(
    "query", ["severity=worse", "limit=0", "limit=x", "cursor=-1", "state=new", "cursor=%00"]
)
def test_a_filter_that_makes_no_sense_is_refused(query: str, analysed: Any, viewer: Any) -> None:
    assert viewer.get(f"/api/v1/analyses/{analysed.pk}/gaps?{query}").status_code == 400


def test_gaps_of_a_foreign_project_do_not_exist(analysed: Any) -> None:
    client = APIClient()
    client.force_authenticate(make_user(make_repository().project, Role.VIEWER))
    assert client.get(f"/api/v1/analyses/{analysed.pk}/gaps").status_code == 404


def test_reading_gaps_takes_three_queries(analysed: Any) -> None:
    with CaptureQueriesContext(
        connection,
    ) as seen:
        behind = outdated_of(analysed.result_set)
        reading.gaps_of(analysed, outdated=behind)
        reading.checks_of(analysed, outdated=behind)
    assert len(seen) == 3


def test_the_page_shows_reason_remedy_and_what_passed(analysed: Any, repository: Any) -> None:
    client = Client()
    client.force_login(make_user(repository.project, Role.VIEWER))
    content = client.get(f"/analyses/{analysed.pk}/gaps/").content.decode()
    for words in ("Looked for &lt;it&gt;.", "Add it.", "1 of 4 checks", "Python 3.8", "Not applicable", "license",
                  f"data as of {reading.as_of().isoformat()}"):  # fmt: skip
        assert words in content
    other = analyse(repository, messages())
    assert "Not checked" in client.get(f"/analyses/{other.pk}/gaps/").content.decode()


def test_rows_go_with_their_result_set(analysed: Any) -> None:
    kept = analysed.result_set
    analysed.delete()
    kept.delete()
    assert (Gap.objects.count(), GapCheck.objects.count()) == (0, 0)


@pytest.mark.django_db(transaction=True)
def test_a_real_analysis_finds_gaps(folders: Any, git_repository: Any) -> None:
    git_repository.commit({"Dockerfile": "FROM python:3.8\nRUN pip install black\n"})
    job = run(make_repository(source=str(git_repository.folder)))
    assert job.status == "completed", job.error_message
    analysis = analysis_of(job)
    found = {g.id for g in reading.gaps_of(analysis, LATER)}
    assert {
        "license",
        "pinned-images:python:3.8",
        "pinned-installs:pip black",
        "end-of-life:Python 3.8",
    } <= found
    assert (summary_of(analysis) or {})["gaps"] == len(reading.gaps_of(analysis))
