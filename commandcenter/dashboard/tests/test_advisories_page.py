"""The list of advisories: what touches the viewer's repositories, the worst first, filtered, paged, and honest when empty."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from commandcenter.advisories.importing import import_dump
from commandcenter.advisories.tests.corpus import CRITICAL, HIGH, affected, record, since, write_zip
from commandcenter.analysis.packages import registering
from commandcenter.analysis.tests.factories import (
    analyse,
    dependency_row,
    make_project,
    make_repository,
    make_user,
    messages,
)
from commandcenter.dashboard.views import advisories
from commandcenter.inventory.models import Role

pytestmark = pytest.mark.django_db
RECORDS = [
    record("GHSA-pen", affected("PyPI", "pen", *since("0", "1.2")), severity=[HIGH], aliases=["CVE-2026-7"]),
    record("PYSEC-pen", affected("PyPI", "pen", *since("0", "1.2")), severity=[HIGH], aliases=["CVE-2026-7"]),
    record("GHSA-ink", affected("PyPI", "ink", *since("0")), severity=[CRITICAL], summary="<i>Ink</i>"),
    record("GHSA-cap", affected("PyPI", "cap", *since("0", "9.0"))),
    record("GHSA-unused", affected("PyPI", "unused", *since("0")), severity=[CRITICAL]),
    record("GHSA-foreign", affected("PyPI", "foreign", *since("0")), severity=[CRITICAL]),
]


@pytest.fixture
def repository() -> Any:
    return make_repository(name="writing-desk")


@pytest.fixture
def viewer(repository: Any) -> Client:
    made = Client()
    made.force_login(make_user(repository.project, Role.VIEWER))
    return made


def analysed(repository: Any, *names: str) -> None:
    done = analyse(repository, messages(dependencies=[dependency_row(name, "1.0") for name in names]))
    registering.match_now(done)


@pytest.fixture
def known(repository: Any, tmp_path: Path) -> None:
    import_dump(write_zip(tmp_path / "all.zip", RECORDS))
    analysed(repository, "pen", "ink", "cap")
    analysed(make_repository(repository.project), "pen", "paper")
    analysed(make_repository(make_project()), "foreign", "pen")


def ids(viewer: Client, query: str = "") -> list[str]:
    answer = viewer.get(f"/advisories/{query}")
    assert answer.status_code == 200
    return [row.osv_id for row, _severity, _reach in answer.context["rows"]]


@pytest.mark.usefixtures("known")
def test_what_touches_the_viewers_repositories_is_listed_once_the_worst_first(
    viewer: Client, repository: Any
) -> None:
    assert ids(viewer) == ["GHSA-ink", "GHSA-pen", "GHSA-cap"]
    answer = viewer.get("/advisories/")
    reached = {row.osv_id: reach for row, _severity, reach in answer.context["rows"]}
    assert (reached["GHSA-pen"].repositories, reached["GHSA-pen"].packages) == (2, ["pypi/pen"])
    assert (reached["GHSA-pen"].fixed_in, reached["GHSA-ink"].fixed_in) == (["1.2"], [])
    content = answer.content.decode()
    for words in ("&lt;i&gt;Ink", "CVE-2026-7", "PyPI as of 2026-03-01", "Severity unknown", "none known"):
        assert words in content


@pytest.mark.usefixtures("known")
@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("?severity=high", ["GHSA-pen"]),
        ("?severity=unknown", ["GHSA-cap"]),
        ("?severity=awful", ["GHSA-ink", "GHSA-pen", "GHSA-cap"]),
        ("?fixed=true", ["GHSA-pen", "GHSA-cap"]),
        ("?fixed=false", ["GHSA-ink"]),
        ("?ecosystem=pypi&severity=critical", ["GHSA-ink"]),
        ("?ecosystem=npm", []),
        ("?q=CVE-2026-7", ["GHSA-pen"]),
        ("?q=%00cap", ["GHSA-cap"]),
        ("?project=999999", []),
    ],
)
def test_filters_narrow_and_what_makes_no_sense_counts_as_absent(
    viewer: Client, query: str, expected: list[str]
) -> None:
    assert ids(viewer, query) == expected


@pytest.mark.usefixtures("known")
def test_pages_follow_each_other_in_both_directions(viewer: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(advisories, "PAGE_SIZE", 1)
    pages = [viewer.get("/advisories/").context["page"]]
    while pages[-1].next:
        pages.append(viewer.get(f"/advisories/{pages[-1].next}").context["page"])
    assert [row.osv_id for page in pages for row in page.rows] == ["GHSA-ink", "GHSA-pen", "GHSA-cap"]
    back = viewer.get(f"/advisories/{pages[-1].previous}").context["page"]
    assert [row.osv_id for row in back.rows] == ["GHSA-pen"]


def test_an_empty_list_says_why(viewer: Client, repository: Any, tmp_path: Path) -> None:
    analysed(repository, "paper")
    content = viewer.get("/advisories/").content.decode()
    assert "manage.py import_advisories" in content
    import_dump(write_zip(tmp_path / "all.zip", RECORDS))
    assert "No advisories" in viewer.get("/advisories/").content.decode()
    assert "No advisories here" in viewer.get("/advisories/?severity=low").content.decode()


@pytest.mark.usefixtures("known")
def test_the_list_costs_the_same_whatever_its_length(viewer: Client, repository: Any, tmp_path: Path) -> None:
    with CaptureQueriesContext(connection) as few:
        viewer.get("/advisories/")
    more = [record(f"GHSA-{n}", affected("PyPI", f"p{n}", *since("0"))) for n in range(20)]
    import_dump(write_zip(tmp_path / "more.zip", more))
    analysed(repository, *(f"p{n}" for n in range(20)))
    with CaptureQueriesContext(connection) as many:
        assert len(viewer.get("/advisories/").context["rows"]) == 21
    assert len(many) == len(few) <= 12
