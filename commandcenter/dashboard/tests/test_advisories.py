"""Vulnerabilities on pages: the tab of an analysis and the page of an advisory."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from commandcenter.advisories.importing import import_dump
from commandcenter.advisories.tests.corpus import HIGH, affected, record, since, write_zip
from commandcenter.analysis.packages import registering
from commandcenter.analysis.tests.factories import (
    analyse,
    dependency_row,
    make_project,
    make_repository,
    make_user,
    messages,
)
from commandcenter.inventory.models import Role

pytestmark = pytest.mark.django_db
PEN = record(
    "GHSA-pen",
    affected("PyPI", "pen", *since("0", "1.2")),
    severity=[HIGH],
    aliases=["CVE-2026-7"],
    details="Ink <script>alert(1)</script> leaks.",
)


@pytest.fixture
def repository() -> Any:
    return make_repository(name="writing-desk")


@pytest.fixture
def viewer(repository: Any) -> Client:
    made = Client()
    made.force_login(make_user(repository.project, Role.VIEWER))
    return made


def analysed(repository: Any) -> Any:
    rows = [dependency_row("pen", "1.1"), dependency_row("cap", "3.0"), dependency_row("ink", None)]
    done = analyse(repository, messages(dependencies=rows))
    registering.match_now(done)
    return done


def text(viewer: Client, path: str) -> str:
    answer = viewer.get(path)
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


def test_without_a_database_the_tab_says_why_and_what_to_do(viewer: Client, repository: Any) -> None:
    shown = text(viewer, f"/analyses/{analysed(repository).pk}/dependencies/")
    assert "Nothing is known of vulnerabilities" in shown
    assert "manage.py import_advisories" in shown
    assert "none known" not in shown


def test_the_tab_shows_what_is_known_and_as_of_when(viewer: Client, repository: Any, tmp_path: Path) -> None:
    import_dump(write_zip(tmp_path / "all.zip", [PEN]))
    path = f"/analyses/{analysed(repository).pk}/dependencies/"
    shown = text(viewer, path)
    assert "/advisories/GHSA-pen/" in shown
    assert "fixed in 1.2" in shown
    assert (shown.count("none known"), shown.count('<span class="muted">unknown</span>')) == (1, 1)
    assert "2026-03-01 00:00 UTC" in shown
    assert "1 of 3 dependencies have a known vulnerability; 1 are unknown" in shown
    assert "cap" not in text(viewer, f"{path}?vulnerable=true").partition("<tbody>")[2]


def test_the_page_of_an_advisory_shows_who_is_affected_to_those_who_may_see_it(
    viewer: Client, repository: Any, tmp_path: Path, django_assert_max_num_queries: Any
) -> None:
    import_dump(write_zip(tmp_path / "all.zip", [PEN]))
    analysed(repository)
    analysed(make_repository(make_project(), name="hidden-desk"))
    with django_assert_max_num_queries(12):
        shown = text(viewer, "/advisories/CVE-2026-7/")
    assert "writing-desk" in shown
    assert "hidden-desk" not in shown
    assert "vers:pypi/&lt;1.2" in shown
    assert "<script>alert" not in shown
    assert viewer.get("/advisories/GHSA-none/").status_code == 404


def test_a_withdrawn_advisory_without_a_severity_says_so(viewer: Client, tmp_path: Path) -> None:
    gone = {**PEN, "severity": [], "withdrawn": "2026-04-01T00:00:00Z"}
    import_dump(write_zip(tmp_path / "all.zip", [gone]))
    shown = text(viewer, "/advisories/GHSA-pen/")
    assert "Withdrawn" in shown
    assert "Severity unknown" in shown
    assert "Nobody that you may see" in shown
