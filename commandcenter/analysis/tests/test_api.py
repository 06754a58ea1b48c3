"""The analysis app over HTTP: shapes, filters, pages, roles and the number of queries."""

from __future__ import annotations

from typing import Any

import pytest
from rest_framework.test import APIClient

from commandcenter.analysis.tests.factories import (
    analyse,
    dependency_row,
    file_row,
    finding,
    make_project,
    make_repository,
    make_user,
    messages,
    start,
    technology_row,
    tree_ref,
)
from commandcenter.inventory.models import Role, Technology
from jobs.models import Job

pytestmark = pytest.mark.django_db


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


@pytest.fixture
def operator(repository: Any) -> Any:
    return client(make_user(repository.project, Role.OPERATOR))


@pytest.fixture
def two(repository: Any) -> Any:
    """Two analyses: one finding stays, one goes, one comes."""
    first = analyse(
        repository,
        messages(
            [finding("stays"), finding("goes", severity="critical")],
            files=[file_row("a.py"), file_row("b.py", commits=9, complexity=20)],
            dependencies=[dependency_row("django", "5.2.1")],
            technologies=[technology_row("Django")],
        ),
    )
    second = analyse(
        repository,
        messages(
            [finding("stays"), finding("comes", severity="low", inline_suppressed=True)],
            files=[file_row("a.py", last_commit_at=None), file_row("b.py", commits=9, complexity=20)],
            dependencies=[dependency_row("django", "5.2.2"), dependency_row("requests", None)],
            technologies=[technology_row("Django"), technology_row("Redis", "database")],
        ),
    )
    return first, second


def test_an_analysis_has_the_shape_of_the_contract(viewer: Any, two: Any) -> None:
    first, second = two
    shown = viewer.get(f"/api/v1/analyses/{second.pk}").json()
    assert {
        "id", "repository", "job", "status", "ref", "commit", "tree", "baseline", "started_at", "completed_at",
        "engines", "summary",
    } <= shown.keys()  # fmt: skip
    assert (shown["status"], shown["baseline"], shown["ref"]) == ("complete", first.pk, "main")
    assert shown["completed_at"].endswith("Z")
    assert shown["summary"]["findings"] == {
        "total": 2,
        "new": 1,
        "new_by_rule": 0,
        "fixed": 1,
        "fixed_by_rule": 0,
        "reopened": 0,
        "existing": 1,
        "suppressed": 1,
        "by_severity": {"critical": 0, "high": 1, "medium": 0, "low": 1, "info": 0},
    }
    assert shown["summary"]["dependencies"] == {
        "total": 2,
        "direct": 2,
        "by_ecosystem": {"pypi": 2},
        "vulnerable": None,
        "database_as_of": None,
        "unmatched": 2,
    }
    assert shown["summary"]["gaps"] is None
    assert [engine["id"] for engine in shown["engines"]] == ["manifests", "ruff", "secrets"]
    assert {"version", "status", "duration_ms", "findings", "cached", "detail"} <= shown["engines"][0].keys()


def test_a_running_analysis_has_no_summary(viewer: Any, repository: Any) -> None:
    running = start(repository, tree_ref())
    shown = viewer.get(f"/api/v1/analyses/{running.pk}").json()
    assert (shown["status"], shown["summary"], shown["engines"]) == ("running", None, [])
    assert viewer.get(f"/api/v1/analyses/{running.pk}/findings").json()["results"] == []


def test_findings_are_relative_to_the_analysis_and_worst_first(viewer: Any, two: Any) -> None:
    _, second = two
    shown = viewer.get(f"/api/v1/analyses/{second.pk}/findings").json()["results"]
    assert [(row["fingerprint"], row["state"]) for row in shown] == [
        ("v1:goes", "fixed"),
        ("v1:stays", "existing"),
        ("v1:comes", "new"),
    ]
    comes = shown[2]
    assert (comes["rule_id"], comes["engine"], comes["severity"]) == ("S105", "ruff", "low")
    assert comes["suppression"] == {"kind": "inline"}
    assert shown[1]["suppression"] is None
    assert (comes["path"], comes["start_line"], comes["end_line"]) == ("src/comes.py", 3, 4)


def test_an_earlier_analysis_keeps_its_own_view(viewer: Any, two: Any) -> None:
    first, _ = two
    shown = viewer.get(f"/api/v1/analyses/{first.pk}/findings").json()["results"]
    assert {row["fingerprint"]: row["state"] for row in shown} == {"v1:goes": "new", "v1:stays": "new"}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("state=fixed", {"v1:goes"}),
        ("state=new&state=existing", {"v1:stays", "v1:comes"}),
        ("severity=low", {"v1:comes"}),
        ("engine=secrets", set()),
        ("rule=S105&path=src/stays.py", {"v1:stays"}),
    ],
)
def test_findings_of_an_analysis_can_be_filtered(viewer: Any, two: Any, query: Any, expected: Any) -> None:
    shown = viewer.get(f"/api/v1/analyses/{two[1].pk}/findings?{query}").json()["results"]
    assert {row["fingerprint"] for row in shown} == expected


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/analyses?status=great",
        "/api/v1/analyses?repository=x",
        "/api/v1/findings?severity=awful",
        "/api/v1/findings?state=gone",
        "/api/v1/findings?assignee=somebody",
        "/api/v1/findings?assignee=99999999999999999999",
        "/api/v1/findings?suppressed=perhaps",
        "/api/v1/findings?origin=fate",
        "/api/v1/findings?rule=%00",
        "/api/v1/dependencies?project=0",
        "/api/v1/analyses?limit=0",
        "/api/v1/analyses?cursor=nonsense",
    ],
)
def test_a_value_that_cannot_be_meant_is_refused(viewer: Any, path: Any) -> None:
    answer = viewer.get(path)
    assert answer.status_code == 400
    assert answer.json()["errors"]


def test_findings_go_page_by_page_without_loss(viewer: Any, repository: Any) -> None:
    names = [f"n{number}" for number in range(7)]
    severities = ["high", "low", "critical"]
    said = [finding(name, severity=severities[i % 3]) for i, name in enumerate(names)]
    analysis = analyse(repository, messages(said))
    url, seen = f"/api/v1/analyses/{analysis.pk}/findings?limit=2", []
    while url:
        page = viewer.get(url).json()
        seen += [row["fingerprint"] for row in page["results"]]
        url = page["next"]
    assert sorted(seen) == sorted(f"v1:{name}" for name in names)
    assert len(seen) == len(set(seen))


def test_files_come_in_path_order_or_hottest_first(viewer: Any, two: Any) -> None:
    url = f"/api/v1/analyses/{two[1].pk}/files"
    rows = viewer.get(url).json()["results"]
    assert [row["path"] for row in rows] == ["a.py", "b.py"]
    assert rows[0]["last_commit_at"] is None
    assert rows[1]["heat"] == 180
    assert viewer.get(f"{url}?sort=heat").json()["results"][0]["path"] == "b.py"
    assert viewer.get(f"{url}?sort=name").status_code == 400


def test_dependencies_say_what_is_not_known(viewer: Any, two: Any) -> None:
    rows = viewer.get(f"/api/v1/analyses/{two[1].pk}/dependencies").json()["results"]
    assert rows[1] == {
        "purl": "pkg:pypi/requests",
        "name": "requests",
        "version": None,
        "requirement": None,
        "ecosystem": "pypi",
        "scope": "runtime",
        "direct": True,
        "manifest": "requirements.txt",
        "line": 1,
        "latest_version": None,
        "vulnerabilities": None,
    }


def test_technologies_know_their_place_on_the_radar(viewer: Any, two: Any, repository: Any) -> None:
    Technology.objects.create(project=repository.project, name="django", status="integrated")
    rows = viewer.get(f"/api/v1/analyses/{two[1].pk}/technologies").json()["results"]
    assert {row["name"]: row["radar_status"] for row in rows} == {"Django": "integrated", "Redis": None}
    assert rows[0]["evidence"] == [{"path": "requirements.txt", "line": 1}]


def test_who_uses_this_package_counts_current_results_only(viewer: Any, two: Any) -> None:
    def uses(query: Any) -> Any:
        return [
            (row["repository"], row["version"])
            for row in viewer.get(f"/api/v1/dependencies?{query}").json()["results"]
        ]

    repository = two[1].repository_id
    assert uses("name=django") == [(repository, "5.2.2")]
    assert uses("purl=pkg:pypi/django") == [(repository, "5.2.2")]
    assert uses("purl=pkg:pypi/django@5.2.1") == [], "an older analysis is not the current one"
    assert uses("name=django&version=5.2.2&ecosystem=pypi") == [(repository, "5.2.2")]
    assert uses("purl=pkg:pypi/djan") == [], "a purl is not a prefix"


def test_a_purl_finds_every_version_qualifier_and_subpath_of_its_package(
    viewer: Any, repository: Any
) -> None:
    purls = [
        "pkg:conda/a",
        "pkg:conda/a?channel=main",
        "pkg:conda/a#sub",
        "pkg:conda/a@1?channel=main",
        "pkg:conda/ab@1",
        "pkg:conda/a%2Fb@1",
    ]
    rows = [dependency_row(f"a{n}", "1", purl=purl, ecosystem="conda") for n, purl in enumerate(purls)]
    analyse(repository, messages([], dependencies=rows))

    def found(purl: str) -> set[str]:
        answer = viewer.get("/api/v1/dependencies", {"purl": purl})
        return {row["purl"] for row in answer.json()["results"]}

    assert found("pkg:conda/a") == set(purls[:4])
    assert found("pkg:conda/a@1") == {"pkg:conda/a@1?channel=main"}
    assert found("pkg:conda/a?channel=main") == {"pkg:conda/a?channel=main"}


def test_portfolio_findings_show_the_state_of_today(viewer: Any, two: Any, repository: Any) -> None:
    rows = viewer.get(f"/api/v1/findings?repository={repository.pk}").json()["results"]
    assert {row["fingerprint"]: row["state"] for row in rows} == {
        "v1:stays": "existing",
        "v1:goes": "fixed",
        "v1:comes": "new",
    }
    assert rows[0]["repository_name"] == repository.name
    fixed = viewer.get("/api/v1/findings?state=fixed").json()["results"]
    assert [row["fingerprint"] for row in fixed] == ["v1:goes"]
    history = viewer.get(f"/api/v1/findings/{fixed[0]['id']}").json()["history"]
    assert [(change["from"], change["to"]) for change in history] == [("new", "fixed"), (None, "new")]


def test_findings_of_other_branches_are_asked_for_by_name(viewer: Any, repository: Any) -> None:
    analyse(repository, messages([finding("main")]))
    analyse(repository, messages([finding("topic")]), ref="topic", asked_for="topic")

    def seen(query: Any = "") -> Any:
        rows = viewer.get(f"/api/v1/findings{query}").json()["results"]
        return {(row["branch"], row["fingerprint"]) for row in rows}

    assert seen() == {("main", "v1:main")}
    assert seen("?branch=topic") == {("topic", "v1:topic")}
    assert seen("?branch=*") == {("main", "v1:main"), ("topic", "v1:topic")}


def test_two_analyses_can_be_compared(viewer: Any, two: Any) -> None:
    first, second = two
    shown = viewer.get(f"/api/v1/analyses/{second.pk}/compare?base={first.pk}").json()
    assert {k: shown["findings"][k] for k in ("new", "fixed", "common")} == {
        "new": 1,
        "fixed": 1,
        "common": 1,
    }
    assert shown["findings"]["new_findings"][0]["fingerprint"] == "v1:comes"
    assert shown["findings"]["fixed_findings"][0]["fingerprint"] == "v1:goes"
    assert shown["summary"]["dependencies"] == {"base": 1, "head": 2, "delta": 1}


_LONG_ID = "0" * 20 + "1" * 5000


def test_comparing_needs_two_analyses_of_one_repository_with_results(
    viewer: Any, two: Any, repository: Any
) -> None:
    other = analyse(make_repository(repository.project), messages([]))
    foreign = analyse(make_repository(), messages([]))
    running = start(repository, tree_ref())
    answers = {
        base: viewer.get(f"/api/v1/analyses/{two[1].pk}/compare?base={base}").status_code
        for base in (other.pk, foreign.pk, running.pk, "x", "", _LONG_ID)
    }
    assert answers == {other.pk: 400, foreign.pk: 404, running.pk: 409, "x": 400, "": 400, _LONG_ID: 400}


def test_trends_go_from_old_to_new(viewer: Any, two: Any, repository: Any) -> None:
    shown = viewer.get(f"/api/v1/repositories/{repository.pk}/trends").json()
    assert shown["branch"] == "main"
    assert [point["analysis"] for point in shown["results"]] == [analysis.pk for analysis in two]
    assert [point["dependencies"] for point in shown["results"]] == [1, 2]


def test_usage_of_a_technology(viewer: Any, two: Any, repository: Any) -> None:
    known = Technology.objects.create(project=repository.project, name="redis")
    rows = viewer.get(f"/api/v1/technologies/{known.pk}/usage").json()["results"]
    assert [(row["repository"], row["analysis"]) for row in rows] == [(repository.pk, two[1].pk)]


def test_analyze_answers_202_with_the_job(operator: Any, repository: Any) -> None:
    answer = operator.post(f"/api/v1/repositories/{repository.pk}/analyze", {"ref": "main"}, format="json")
    assert answer.status_code == 202
    job = Job.objects.get(pk=answer.json()["id"])
    assert job.parameters == {"repository": repository.pk, "ref": "main", "force": False}
    assert answer["Location"].endswith(f"/api/v1/jobs/{job.pk}")


def test_analyze_needs_no_body_and_honours_its_idempotency_key(operator: Any, repository: Any) -> None:
    url = f"/api/v1/repositories/{repository.pk}/analyze"
    first = operator.post(url, headers={"idempotency-key": "once"})
    again = operator.post(url, headers={"idempotency-key": "once"})
    assert (first.status_code, again.status_code) == (202, 202)
    assert first.json()["id"] == again.json()["id"]
    assert Job.objects.count() == 1


@pytest.mark.parametrize(
    "body",
    [
        {"ref": "-x"},
        {"ref": "a b"},
        {"ref": "x" * 300},
        {"ref": ["x"]},
        {"force": "perhaps"},
        {"branch": "x"},
    ],
)
def test_analyze_refuses_what_cannot_be_meant(operator: Any, repository: Any, body: Any) -> None:
    answer = operator.post(f"/api/v1/repositories/{repository.pk}/analyze", body, format="json")
    assert answer.status_code == 400, answer.content
    assert Job.objects.count() == 0


def test_a_viewer_may_look_and_not_analyse(viewer: Any, repository: Any) -> None:
    assert viewer.post(f"/api/v1/repositories/{repository.pk}/analyze").status_code == 403


def test_what_belongs_to_others_does_not_exist(two: Any, repository: Any) -> None:
    stranger = client(make_user(make_project(), Role.ADMIN))
    finding_id = repository.findings.first().pk
    technology = Technology.objects.create(project=repository.project, name="x")
    analysis = two[0].pk
    for path in (
        f"analyses/{analysis}",
        f"analyses/{analysis}/findings",
        f"analyses/{analysis}/dependencies",
        f"analyses/{analysis}/technologies",
        f"analyses/{analysis}/files",
        f"analyses/{analysis}/functions",
        f"analyses/{analysis}/compare?base={analysis}",
        f"findings/{finding_id}",
        f"repositories/{repository.pk}/trends",
        f"technologies/{technology.pk}/usage",
    ):
        assert stranger.get(f"/api/v1/{path}").status_code == 404, path
    assert stranger.post(f"/api/v1/repositories/{repository.pk}/analyze").status_code == 404
    for path in ("analyses", "findings", "findings?branch=*", "dependencies"):
        assert stranger.get(f"/api/v1/{path}").json()["results"] == [], path


def test_nobody_reads_without_signing_in(two: Any) -> None:
    assert APIClient().get(f"/api/v1/analyses/{two[0].pk}").status_code == 401


def test_the_number_of_queries_does_not_depend_on_the_number_of_rows(
    viewer: Any, repository: Any, django_assert_max_num_queries: Any
) -> None:
    names = [f"n{number}" for number in range(30)]
    for _ in range(3):
        analysis = analyse(
            repository,
            messages(
                [finding(name) for name in names],
                files=[file_row(f"{name}.py") for name in names],
                dependencies=[dependency_row(name) for name in names],
                technologies=[technology_row(name) for name in names],
            ),
        )
    for path in (
        "analyses",
        "findings",
        "dependencies",
        f"analyses/{analysis.pk}/findings",
        f"analyses/{analysis.pk}/files",
        f"analyses/{analysis.pk}/dependencies",
        f"analyses/{analysis.pk}/technologies",
        f"repositories/{repository.pk}/trends",
    ):
        with django_assert_max_num_queries(5):
            assert viewer.get(f"/api/v1/{path}").status_code == 200, path


def test_a_repository_can_be_deleted_with_all_its_results(two: Any, repository: Any) -> None:
    repository.delete()
    assert Technology.objects.count() == 0


@pytest.mark.parametrize("query", ["/dependencies?vulnerable=true"])
def test_a_filter_over_what_nothing_measured_is_refused(viewer: Any, query: str) -> None:
    response = viewer.get(f"/api/v1{query}")
    assert response.status_code == 400
    assert response.json()["errors"][0]["code"] == "unknown"


def test_files_that_nobody_edits_by_hand_are_never_hot(viewer: Any, repository: Any) -> None:
    files = [file_row("vendor/a.js", vendored=True), file_row("b_pb2.py", generated=True), file_row("c.py")]
    analysis = analyse(repository, messages(files=files))
    hot = viewer.get(f"/api/v1/analyses/{analysis.pk}/files?sort=heat").json()["results"]
    assert [row["path"] for row in hot] == ["c.py"]
