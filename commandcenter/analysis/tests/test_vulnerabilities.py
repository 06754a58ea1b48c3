"""What is known of dependencies, where they are shown: API, filters, summaries, exports, who is affected."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from commandcenter.advisories.api.serializers import AdvisoryRowSerializer, AdvisorySerializer
from commandcenter.advisories.importing import import_dump
from commandcenter.advisories.lookup import find_advisory
from commandcenter.advisories.matching import match_stale
from commandcenter.advisories.models import Package, PackageVersion
from commandcenter.advisories.tests.corpus import HIGH, affected, record, since, write_zip
from commandcenter.analysis.api.advisories import AffectedUseSerializer
from commandcenter.analysis.api.dependency_shapes import DependencyUseSerializer, VulnerabilitySerializer
from commandcenter.analysis.models import Analysis
from commandcenter.analysis.packages import registering
from commandcenter.analysis.portfolio.exposed import exposed_to
from commandcenter.analysis.results.rows.dependency import dependencies
from commandcenter.analysis.tests.factories import (
    analyse,
    dependency_row,
    make_project,
    make_repository,
    make_user,
    messages,
)
from commandcenter.inventory.models import Project, Role

pytestmark = pytest.mark.django_db

PEN = record(
    "GHSA-pen",
    affected("PyPI", "pen", *since("0", "1.2")),
    severity=[HIGH],
    aliases=["CVE-2026-7"],
    details="Ink <script>alert(1)</script> leaks.",
)


def client(user: Any) -> Any:
    made = APIClient()
    made.force_authenticate(user)
    return made


@pytest.fixture
def repository() -> Any:
    return make_repository()


@pytest.fixture
def viewer(repository: Any) -> Any:
    return client(make_user(repository.project, Role.VIEWER))


def load(tmp_path: Path, *records: dict[str, Any]) -> None:
    import_dump(write_zip(tmp_path / "all.zip", records))


def analysed(repository: Any, *dependencies: dict[str, Any]) -> Analysis:
    """Analyse, let the event be heard and the packages be matched."""
    done = analyse(repository, messages(dependencies=list(dependencies)))
    registering.on_event(SimpleNamespace(type="analysis.completed", subject_id=done.pk))
    match_stale(seconds=10)
    return done


def three(repository: Any) -> Analysis:
    return analysed(
        repository, dependency_row("pen", "1.1"), dependency_row("cap", "3.0"), dependency_row("ink", None)
    )


def test_without_a_database_everything_is_unknown(viewer: Any, repository: Any) -> None:
    done = three(repository)
    summary = viewer.get(f"/api/v1/analyses/{done.pk}").json()["summary"]["dependencies"]
    assert (summary["vulnerable"], summary["database_as_of"], summary["unmatched"]) == (None, None, 3)
    shown = viewer.get(f"/api/v1/analyses/{done.pk}/dependencies").json()["results"]
    assert [row["vulnerabilities"] for row in shown] == [None, None, None]
    for query in ("vulnerable=true", "vulnerable=false"):
        answer = viewer.get(f"/api/v1/dependencies?{query}")
        assert answer.status_code == 400
        assert "import_advisories" in answer.json()["errors"][0]["message"]


def test_dependencies_say_what_is_known_now(viewer: Any, repository: Any, tmp_path: Path) -> None:
    done = three(repository)
    load(tmp_path, PEN)
    match_stale(seconds=10)
    shown = viewer.get(f"/api/v1/analyses/{done.pk}/dependencies").json()["results"]
    assert {row["name"]: row["vulnerabilities"] for row in shown} == {
        "pen": [
            {
                "id": "GHSA-pen",
                "aliases": ["CVE-2026-7"],
                "severity": "high",
                "cvss_score": 7.5,
                "summary": "What GHSA-pen says",
                "fixed_in": ["1.2"],
                "url": None,
            }
        ],
        "cap": [],
        "ink": None,
    }
    listed = viewer.get("/api/v1/analyses").json()["results"][0]["summary"]["dependencies"]
    assert (listed["vulnerable"], listed["unmatched"]) == (1, 1)
    assert listed["database_as_of"] == "2026-03-01T00:00:00Z"
    exported = {row.name: row.vulnerabilities for row in dependencies(done)}
    assert exported["pen"] is not None
    assert exported["pen"][0]["id"] == "GHSA-pen"
    assert (exported["cap"], exported["ink"]) == ([], None)


def test_dependencies_have_the_shape_that_the_schema_says(
    viewer: Any, repository: Any, tmp_path: Path
) -> None:
    load(tmp_path, PEN)
    three(repository)
    shown = viewer.get("/api/v1/dependencies").json()["results"]
    assert all(row.keys() == DependencyUseSerializer().fields.keys() for row in shown)
    (problem,) = next(row["vulnerabilities"] for row in shown if row["name"] == "pen")
    assert problem.keys() == VulnerabilitySerializer().fields.keys()
    listed = viewer.get("/api/v1/advisories").json()["results"][0]
    assert listed.keys() == AdvisoryRowSerializer().fields.keys()
    assert viewer.get("/api/v1/advisories/GHSA-pen").json().keys() == AdvisorySerializer().fields.keys()
    affected_use = viewer.get("/api/v1/advisories/GHSA-pen/affected").json()["results"][0]
    assert affected_use.keys() == AffectedUseSerializer().fields.keys()


@pytest.mark.parametrize(("value", "names"), [("true", ["pen"]), ("false", ["cap"])])
def test_dependencies_are_found_by_what_is_known(
    viewer: Any, repository: Any, tmp_path: Path, value: str, names: list[str]
) -> None:
    done = three(repository)
    load(tmp_path, PEN)
    match_stale(seconds=10)
    for path in (f"/api/v1/analyses/{done.pk}/dependencies", "/api/v1/dependencies"):
        shown = viewer.get(f"{path}?vulnerable={value}").json()["results"]
        assert [row["name"] for row in shown] == names


def test_a_package_is_registered_once_however_many_use_it(repository: Any) -> None:
    for _ in range(3):
        analysed(
            make_repository(repository.project), dependency_row("pen", "1.1"), dependency_row("pen", "1.1")
        )
    assert list(PackageVersion.objects.values_list("purl", flat=True)) == ["pkg:pypi/pen@1.1"]


def test_what_was_analysed_before_is_found_by_the_sweep_and_forgotten_when_unused(repository: Any) -> None:
    done = analyse(repository, messages(dependencies=[dependency_row("pen", "1.1")]))
    assert not PackageVersion.objects.exists()
    assert registering.register_current() == 1
    assert registering.register_current() == 0
    PackageVersion.objects.update(created_at="2026-01-01T00:00:00Z")
    assert registering.forget_unused() == 0
    results = done.result_set
    assert results is not None
    results.dependencies.all().delete()
    assert registering.forget_unused() == 1


def test_who_is_affected_is_told_to_those_who_may_see_it(
    viewer: Any, repository: Any, tmp_path: Path
) -> None:
    load(tmp_path, PEN)
    three(repository)
    three(make_repository(make_project()))  # of others
    for name in ("GHSA-pen", "CVE-2026-7"):
        shown = viewer.get(f"/api/v1/advisories/{name}/affected").json()["results"]
        assert [(row["repository"], row["name"], row["version"], row["fixed_in"]) for row in shown] == [
            (repository.pk, "pen", "1.1", ["1.2"])
        ]
    assert viewer.get("/api/v1/advisories/GHSA-none/affected").status_code == 404


def test_advisories_are_listed_and_shown(viewer: Any, tmp_path: Path) -> None:
    load(tmp_path, PEN, record("GHSA-cap", affected("npm", "@quill/cap", *since("0")), summary=""))
    shown = viewer.get("/api/v1/advisories/CVE-2026-7").json()
    assert (shown["id"], shown["severity"], shown["cvss_score"]) == ("GHSA-pen", "high", 7.5)
    assert shown["affected"] == [
        {
            "ecosystem": "pypi",
            "name": "pen",
            "ranges": ["vers:pypi/<1.2"],
            "versions": [],
            "fixed_in": ["1.2"],
        }
    ]
    assert viewer.get("/api/v1/advisories/nothing").status_code == 404

    def ids(query: str) -> list[str]:
        return [row["id"] for row in viewer.get(f"/api/v1/advisories?{query}").json()["results"]]

    assert ids("") == ["GHSA-cap", "GHSA-pen"]
    assert ids("ecosystem=pypi&package=PEN") == ["GHSA-pen"]
    assert ids("severity=high") == ["GHSA-pen"]
    assert ids("severity=unknown") == ["GHSA-cap"]
    assert ids("alias=CVE-2026-7") == ["GHSA-pen"]
    assert ids("withdrawn=true") == []
    databases = viewer.get("/api/v1/advisories/databases").json()["results"]
    assert [(each["name"], each["advisories"]) for each in databases] == [("npm", 1), ("PyPI", 1)]


@pytest.mark.parametrize(
    "path",
    [
        "advisories?severity=awful",
        "advisories?package=x",
        "advisories?ecosystem=debian",
        "advisories?nonsense=1",
        "advisories?alias=%00",
        "advisories?withdrawn=perhaps",
        "advisories/GHSA-pen/affected?limit=0",
        "dependencies?vulnerable=perhaps",
    ],
)
def test_a_value_that_cannot_be_meant_is_refused(viewer: Any, tmp_path: Path, path: str) -> None:
    load(tmp_path, PEN)
    answer = viewer.get(f"/api/v1/{path}")
    assert (answer.status_code, bool(answer.json()["errors"])) == (400, True)


def test_lists_cost_the_same_for_any_number_of_analyses(
    viewer: Any, repository: Any, tmp_path: Path, django_assert_max_num_queries: Any
) -> None:
    load(tmp_path, PEN)
    for _ in range(3):
        three(repository)
    with CaptureQueriesContext(connection) as few:
        assert len(viewer.get("/api/v1/analyses").json()["results"]) == 3
    for _ in range(7):
        three(repository)
    with django_assert_max_num_queries(len(few)):
        assert len(viewer.get("/api/v1/analyses").json()["results"]) == 10
    with django_assert_max_num_queries(8):
        assert len(viewer.get("/api/v1/dependencies").json()["results"]) == 3


def test_libyears_are_summed_over_what_is_known(viewer: Any, repository: Any) -> None:
    url = f"/api/v1/repositories/{repository.pk}/freshness"
    assert viewer.get(url).json() == {
        "libyears": None, "direct": 0, "known": 0, "unknown": 0, "outdated": 0, "as_of": None,
    }  # fmt: skip
    analysed(
        repository,
        dependency_row("pen", "1.0"),
        dependency_row("pen", "1.0", path="other.txt"),
        dependency_row("cap", "3.0"),
        dependency_row("ink", None),
        dependency_row("deep", "1.0", direct=False),
    )
    shown = viewer.get(url).json()
    assert (shown["libyears"], shown["direct"], shown["unknown"]) == (None, 3, 3)
    Package.objects.update(
        latest_version="9.0", latest_released_at="2026-01-01T00:00:00Z", checked_at="2026-02-01T00:00:00Z"
    )
    PackageVersion.objects.filter(spelling__in=["pen", "deep"]).update(released_at="2024-01-01T00:00:00Z")
    PackageVersion.objects.filter(spelling="cap").update(released_at="2026-05-01T00:00:00Z")
    for path in (url, "/api/v1/freshness", f"/api/v1/freshness?project={repository.project_id}"):
        assert viewer.get(path).json() == {
            "libyears": 2.0, "direct": 3, "known": 2, "unknown": 1, "outdated": 1, "as_of": "2026-02-01T00:00:00Z",
        }  # fmt: skip
    assert viewer.get("/api/v1/freshness?project=x").status_code == 400
    assert viewer.get(f"/api/v1/freshness?project={make_project().pk}").status_code == 404
    latest = viewer.get("/api/v1/dependencies?name=pen").json()["results"]
    assert {row["latest_version"] for row in latest} == {"9.0"}


MANY = 10_000


def _copies(table: str, model: int, changed: dict[str, str], source: str) -> None:
    """Insert a copy of a row for each row of `source` (a FROM item named s), with these columns changed."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT column_name FROM information_schema.columns WHERE table_name = %s AND is_identity = 'NO'",
            [table],
        )
        kept = [f'"{name}"' for (name,) in cursor.fetchall() if name not in changed]
        columns = ", ".join([*kept, *changed])
        values = ", ".join([*(f"t.{name}" for name in kept), *changed.values()])
        cursor.execute(
            f"INSERT INTO {table} ({columns}) SELECT {values} FROM {table} t, {source} WHERE t.id = %s ORDER BY s.n",
            [model],
        )


def _portfolio(repository: Any) -> None:
    """Ten thousand repositories with two hundred dependencies each are two million rows; here each has five."""
    done = analysed(repository, *(dependency_row(f"p{n}", "1.0") for n in range(3)))
    results = done.result_set
    line = done.branch_line
    assert results is not None
    assert line is not None
    numbers = f"generate_series(1, {MANY}) AS s (n)"
    _copies(
        "inventory_repository",
        repository.pk,
        {"name": "'mass-' || s.n", "source": "'https://git.example.com/mass-' || s.n"},
        numbers,
    )
    made = "(SELECT id AS r, row_number() OVER (ORDER BY id) AS n FROM inventory_repository WHERE name LIKE 'mass-%%') s"
    _copies("analysis_resultset", results.pk, {"repository_id": "s.r", "writer_id": "NULL"}, made)
    sets = (
        "(SELECT id AS rs, repository_id AS r, row_number() OVER (ORDER BY id) AS n FROM analysis_resultset"
        f" WHERE id <> {results.pk}) s"
    )
    _copies(
        "analysis_branchline",
        line.pk,
        {"repository_id": "s.r", "latest_id": "NULL", "baseline_id": "NULL"},
        made,
    )
    _copies(
        "analysis_analysis",
        done.pk,
        {
            "repository_id": "s.r",
            "result_set_id": "s.rs",
            "job_id": "NULL",
            "branch_line_id": "(SELECT l.id FROM analysis_branchline l WHERE l.repository_id = s.r)",
        },
        sets,
    )
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE analysis_branchline l SET latest_id = a.id, baseline_id = a.id FROM analysis_analysis a"
            " WHERE a.branch_line_id = l.id AND l.id <> %s",
            [line.pk],
        )
        cursor.execute(
            "INSERT INTO analysis_dependency (result_set_id, purl, ecosystem, name, version, scope, direct, manifest)"
            " SELECT rs.id, 'pkg:pypi/q' || (rs.id * 7 + k) % 5000 || '@1.0', 'pypi', 'q' || (rs.id * 7 + k) % 5000,"
            " '1.0', 'runtime', true, 'requirements.txt'"
            " FROM analysis_resultset rs, generate_series(1, 5) k"
        )
        cursor.execute("ANALYZE")


def test_who_is_affected_among_ten_thousand_repositories_is_answered_by_index(
    viewer: Any, repository: Any, tmp_path: Path, django_assert_max_num_queries: Any
) -> None:
    _portfolio(repository)
    assert registering.register_current() == 5000
    load(tmp_path, record("GHSA-q", affected("PyPI", "q7", *since("0", "2.0"))), PEN)
    match_stale(seconds=300, chunk=1000)
    advisory = find_advisory("GHSA-q")
    assert advisory is not None
    found = exposed_to(advisory, Project.objects.filter(pk=repository.project_id)).order_by("-pk")
    plan = found[:101].explain(analyze=True)
    assert "Seq Scan on analysis_dependency" not in plan, plan
    with django_assert_max_num_queries(10):
        shown = viewer.get("/api/v1/advisories/GHSA-q/affected").json()["results"]
    assert len(shown) == found.count() == 10
    with django_assert_max_num_queries(10):
        assert len(viewer.get("/api/v1/dependencies?vulnerable=true").json()["results"]) == 10
