"""Licences from the engine to the API and the page: who sees what, pages, filters, conflicts, and what is not known."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from commandcenter.analysis.licensing import kinds
from commandcenter.analysis.models import Analysis, LicenseUse
from commandcenter.analysis.results.retention import prune
from commandcenter.analysis.tests.factories import (
    analyse,
    license_row,
    make_repository,
    make_user,
    messages,
)
from commandcenter.analysis.tests.running import analysis_of, run
from commandcenter.analysis.tests.test_api import client
from commandcenter.dashboard.tests.conftest import signed_in
from commandcenter.engine.licenses.expressions import canonical
from commandcenter.engine.licenses.texts import listed
from commandcenter.inventory.models import Repository, Role

RAN = {"licenses": "ok"}
MIXED = [
    license_row("MIT"),
    license_row(None, "TERMS/LICENSE", place="package", name="Example\x00 terms"),
    license_row("GPL-3.0", "vendor/a/COPYING", place="vendored", confidence=0.97),
    license_row("GPL-3.0", "vendor/b/COPYING", place="vendored", line=7),
    license_row("LGPL-2.1-only", "vendor/c/package.json", place="vendored", source="metadata"),
    license_row("MIT", "src/a.c", source="header", files=40),
]


def licensed(repository: Repository, rows: list[dict[str, Any]]) -> Analysis:
    return analyse(repository, messages(licenses=rows, engines=RAN))


def found(analysis: Analysis, **query: Any) -> list[dict[str, Any]]:
    viewer = client(make_user(analysis.project, Role.VIEWER))
    answer = viewer.get(f"/api/v1/analyses/{analysis.pk}/licenses", query)
    assert answer.status_code == 200, answer.content
    rows: list[dict[str, Any]] = answer.json()["results"]
    return rows


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("folders")
def test_a_real_analysis_lists_its_licences(git_repository: Any) -> None:
    texts = listed()
    git_repository.commit(
        {
            "LICENSE": texts["MIT"]["text"],
            "package.json": '{\n"license": "MIT"\n}',
            "third_party/x/COPYING": texts["GPL-3.0"]["text"],
            "app/main.c": "// SPDX-License-Identifier: MIT\n",
            "docs/LICENSE": "Ask us.\n",
        }
    )
    analysis = analysis_of(run(make_repository(source=str(git_repository.folder))))
    rows = found(analysis)
    assert [(row["spdx"], row["path"], row["line"], row["source"], row["place"]) for row in rows] == [
        ("MIT", "LICENSE", 1, "text", "repository"),
        (None, "docs/LICENSE", 1, "text", "package"),
        ("MIT", "package.json", 2, "metadata", "repository"),
        ("GPL-3.0", "third_party/x/COPYING", 1, "text", "vendored"),
        ("MIT", "app/main.c", 1, "header", "repository"),
    ]
    assert [bool(row["conflict"]) for row in rows] == [False, False, False, True, False]
    viewer = client(make_user(analysis.project, Role.VIEWER))
    assert viewer.get(f"/api/v1/analyses/{analysis.pk}").json()["summary"]["licenses"] == {"MIT": 3}


@pytest.mark.django_db
def test_licences_come_in_pages_in_their_order_with_all_that_is_known() -> None:
    analysis = licensed(make_repository(), MIXED)
    viewer = client(make_user(analysis.project, Role.VIEWER))
    path = f"/api/v1/analyses/{analysis.pk}/licenses"
    first = viewer.get(path, {"limit": 2}).json()
    assert first["results"] == [
        {"spdx": "MIT", "name": "", "source": "text", "place": "repository", "path": "LICENSE", "line": 1,
         "confidence": 1.0, "files": 1, "conflict": None},
        {"spdx": None, "name": "Example\ufffd terms", "source": "text", "place": "package", "path": "TERMS/LICENSE",
         "line": 1, "confidence": 0.0, "files": 1, "conflict": None},
    ]  # fmt: skip
    second = viewer.get(first["next"]).json()
    assert [row["path"] for row in second["results"]] == ["vendor/a/COPYING", "vendor/b/COPYING"]
    assert client(make_user()).get(path).status_code == 404


@pytest.mark.django_db
def test_filters_narrow_and_refuse_what_they_do_not_know() -> None:
    analysis = licensed(make_repository(), MIXED)
    assert [row["path"] for row in found(analysis, spdx="MIT")] == ["LICENSE", "src/a.c"]
    assert [row["path"] for row in found(analysis, known="false")] == ["TERMS/LICENSE"]
    assert len(found(analysis, place=["package", "vendored"])) == 4
    assert [row["files"] for row in found(analysis, source="header")] == [40]
    viewer = client(make_user(analysis.project, Role.VIEWER))
    for bad in (
        {"place": "moon"},
        {"source": "x"},
        {"known": "maybe"},
        {"spdx": "a\x00"},
        {"cursor": "x"},
        {"limit": "0"},
    ):
        answer = viewer.get(f"/api/v1/analyses/{analysis.pk}/licenses", bad)
        assert (answer.status_code, answer["Content-Type"]) == (400, "application/problem+json"), bad


@pytest.mark.parametrize(
    ("own", "other", "conflicts"),
    [
        (["MIT"], "GPL-3.0", True),
        (["MIT", "Apache-2.0"], "AGPL-3.0-or-later", True),
        (["MIT OR GPL-2.0-only"], "GPL-2.0-only", True),
        (["MIT"], "MIT AND GPL-2.0-only", True),
        (["MIT"], "MIT OR GPL-2.0-only", False),
        (["MIT"], "LGPL-3.0", False),
        (["MIT"], "GPL-2.0-only WITH Classpath-exception-2.0", False),
        (["GPL-3.0"], "GPL-2.0", False),
        (["MIT", None], "GPL-3.0", False),
        (["LicenseRef-Ours"], "GPL-3.0", False),
        ([], "GPL-3.0", False),
    ],
)
@pytest.mark.django_db
def test_strong_copyleft_conflicts_with_a_repository_that_is_known_to_be_permissive(
    own: list[str | None], other: str, conflicts: bool
) -> None:
    rows = [license_row(spdx, f"LICENSE-{n}") for n, spdx in enumerate(own)]
    analysis = licensed(make_repository(), [*rows, license_row(other, "vendor/a/LICENSE", place="vendored")])
    last = found(analysis)[-1]
    assert bool(last["conflict"]) is conflicts
    if conflicts:
        assert last["conflict"].startswith(f"{other} asks that")
        assert str(own[0]) in last["conflict"]


@pytest.mark.django_db
def test_the_page_shows_licences_with_their_places_and_conflicts_first() -> None:
    analysis = licensed(make_repository(), MIXED)
    page = signed_in(make_user(analysis.project, Role.VIEWER))
    content = page.get(f"/analyses/{analysis.pk}/licenses/").content.decode()
    for words in ("Conflicts", "GPL-3.0 asks that", "and 1 more", "COPYING:7", "and 39 more files", "not known", "0.97",
                  "This is no legal advice."):  # fmt: skip
        assert words in content, words
    filtered = page.get(f"/analyses/{analysis.pk}/licenses/?place=package&q=terms").content.decode()
    assert "LICENSE:1" in filtered
    assert "src/a.c" not in filtered
    assert "No such licence" in page.get(f"/analyses/{analysis.pk}/licenses/?q=nowhere").content.decode()
    assert signed_in(make_user()).get(f"/analyses/{analysis.pk}/licenses/").status_code == 404


@pytest.mark.django_db
def test_the_page_tells_none_from_not_looked_for() -> None:
    repository = make_repository()
    page = signed_in(make_user(repository.project, Role.VIEWER))
    none = licensed(repository, [])
    assert "No licences" in page.get(f"/analyses/{none.pk}/licenses/").content.decode()
    without = analyse(repository, messages())
    assert "Not recognised" in page.get(f"/analyses/{without.pk}/licenses/").content.decode()
    viewer = client(make_user(repository.project, Role.VIEWER))
    assert viewer.get(f"/api/v1/analyses/{without.pk}").json()["summary"]["licenses"] is None


@pytest.mark.django_db
def test_pages_cost_the_same_however_many_rows_they_have() -> None:
    repository = make_repository()
    viewer = client(make_user(repository.project, Role.VIEWER))
    page = signed_in(make_user(repository.project, Role.VIEWER))
    few = licensed(repository, MIXED[:3])
    many = licensed(
        repository,
        [
            license_row("MIT"),
            *(license_row("GPL-2.0", f"vendor/{n}/LICENSE", place="vendored") for n in range(90)),
        ],
    )
    for get, address in ((viewer.get, "/api/v1/analyses/{}/licenses"), (page.get, "/analyses/{}/licenses/")):
        get(address.format(few.pk))
        counts = []
        for analysis in (few, many):
            with CaptureQueriesContext(connection) as queries:
                assert get(address.format(analysis.pk)).status_code == 200
            counts.append(len(queries))
        assert counts[0] == counts[1], counts


@pytest.mark.django_db
def test_licences_go_with_their_result_set() -> None:
    analysis = licensed(make_repository(), MIXED)
    assert LicenseUse.objects.count() == len(MIXED)
    analysis.delete()
    prune()
    prune()  # the first pass only takes a set out of sharing
    assert LicenseUse.objects.count() == 0


def test_every_licence_of_a_kind_is_one_that_spdx_knows() -> None:
    groups = (kinds._PERMISSIVE, kinds._WEAK, kinds._STRONG)
    names = [name for group in groups for name in group]
    assert len(names) == len(set(names))
    assert [name for name in names if canonical(name) != name] == []
