"""The radar says what is used of it, and drift where use and decision part."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from commandcenter.accounts.tests.factories import api, make_token
from commandcenter.analysis.tests.factories import (
    analyse,
    dependency_row,
    make_project,
    make_repository,
    make_user,
    messages,
    technology_row,
)
from commandcenter.inventory.models import Project, Technology

pytestmark = pytest.mark.django_db
RADAR = "/api/v1/technologies/radar"
DRIFT = "/api/v1/technologies/drift"
USES = "/api/v1/technologies/uses?name=Django"


def used(project: Project, *technologies: tuple[str, str | None], **packages: str) -> Any:
    """Analyse a new repository that uses these."""
    return analyse(
        make_repository(project),
        messages(
            technologies=[technology_row(name, version=version) for name, version in technologies],
            dependencies=[dependency_row(name, version) for name, version in packages.items()],
        ),
    )


def decided(project: Project, name: str, status: str, domain: str = "framework") -> Technology:
    return Technology.objects.create(project=project, name=name, status=status, domain=domain)


@pytest.fixture
def project(db: None) -> Project:
    return make_project("Payments")


@pytest.fixture
def viewer(project: Project) -> Any:
    return api(make_user(project))


def rows(client: Any, path: str, section: str = "") -> dict[str, Any]:
    answer = client.get(path).json()
    found = answer[section]["results"] if section else answer["results"]
    return {row["name"]: row for row in found}


def test_an_entry_says_who_uses_it_in_which_versions_since_when(viewer: Any, project: Project) -> None:
    first = used(project, ("Django", "4.2"), ("PostgreSQL", None))
    last = [used(project, ("Django", "5.2"), ("PostgreSQL", "16")) for _ in range(2)][-1]
    used(make_project(), ("Django", "1.0"))
    technology = decided(project, "django", "integrated")
    decided(project, "Postgres", "evaluation", "database")
    found = rows(viewer, RADAR)
    assert found["django"] == {
        "technology": technology.pk,
        "name": "django",
        "project": project.pk,
        "domain": "framework",
        "status": "integrated",
        "ring": "adopt",
        "repositories": 3,
        "versions": [{"version": "5.2", "repositories": 2}, {"version": "4.2", "repositories": 1}],
        "versions_total": 2,
        "first_seen": found["django"]["first_seen"],
        "last_seen": last.completed_at.isoformat().replace("+00:00", "Z"),
    }
    sighting = project.technology_sightings.get(name="Django")
    assert sighting.first_analysis == first
    assert found["django"]["first_seen"] == sighting.first_seen.isoformat().replace("+00:00", "Z")
    assert found["Postgres"]["ring"] == "trial"
    assert found["Postgres"]["versions"] == [
        {"version": "16", "repositories": 2},
        {"version": None, "repositories": 1},
    ]


def test_only_the_last_complete_analysis_of_the_default_branch_counts(viewer: Any, project: Project) -> None:
    repository = make_repository(project)
    decided(project, "Django", "integrated")
    for version in ("4.2", "5.2"):
        analyse(repository, messages(technologies=[technology_row("Django", version=version)]))
    broken = {"manifests": "failed"}
    analyse(repository, messages(engines=broken))
    branch = messages(technologies=[technology_row("Django", version="6.0")])
    analyse(repository, branch, ref="next", asked_for="next")
    assert rows(viewer, RADAR)["Django"]["versions"] == [{"version": "5.2", "repositories": 1}]


def test_what_nothing_can_tell_is_null_and_what_is_not_used_is_zero(viewer: Any, project: Project) -> None:
    decided(project, "Django", "integrated")
    decided(project, "Our own gateway", "integrated")
    found = rows(viewer, RADAR)
    assert found["Django"]["repositories"] is None, "nothing was analysed"
    assert rows(viewer, DRIFT, "unused") == {}
    used(project, ("Flask", "3.0"))
    found = rows(viewer, RADAR)
    assert found["Django"]["repositories"] == 0
    assert (found["Django"]["first_seen"], found["Django"]["last_seen"]) == (None, None)
    assert found["Our own gateway"]["repositories"] is None, "no rule looks for it"
    assert list(rows(viewer, DRIFT, "unused")) == ["Django"]


def test_every_status_has_a_ring(viewer: Any, project: Project) -> None:
    rings = {
        "discovery": "assess",
        "research": "assess",
        "evaluation": "trial",
        "implementation": "trial",
        "integrated": "adopt",
        "archived": "hold",
    }
    for status in rings:
        decided(project, status, status)
    assert {name: row["ring"] for name, row in rows(viewer, RADAR).items()} == rings


def test_drift_names_technologies_in_several_majors(viewer: Any, project: Project) -> None:
    other = make_project()
    used(project, ("Django", "4.2"), ("Flask", "3.0"), ("Redis", None))
    used(project, ("Django", "5.2"), ("Flask", "3.1"), ("Redis", "7"))
    used(other, ("Flask", "2.0"))
    answer = viewer.get(DRIFT).json()["technologies"]
    assert (answer["total"], answer["more"]) == (1, 0)
    assert answer["results"] == [
        {
            "name": "Django",
            "domain": "framework",
            "repositories": 2,
            "majors": 2,
            "versions": [{"version": "4.2", "repositories": 1}, {"version": "5.2", "repositories": 1}],
            "versions_total": 2,
        }
    ]
    staff = api(make_user(staff=True))
    assert set(rows(staff, DRIFT, "technologies")) == {"Django", "Flask"}, "over all projects"
    assert set(rows(staff, f"{DRIFT}?project={other.pk}", "technologies")) == set()


def test_drift_names_packages_in_several_majors(viewer: Any, project: Project) -> None:
    used(project, lodash="3.1.0", axios="1.0.0", requests="2.1")
    used(project, lodash="4.2.0", axios="1.9.0", requests="2.9")
    used(project, lodash="4.2.0")
    both = [dependency_row("alone", "1.0"), dependency_row("alone", "2.0", path="b.txt")]
    along = [dependency_row("axios", "0.9", direct=False), dependency_row("requests", None)]
    analyse(make_repository(project), messages(dependencies=[*both, *along]))
    answer = viewer.get(DRIFT).json()["packages"]
    assert answer == {
        "results": [
            {
                "ecosystem": "pypi",
                "name": "lodash",
                "repositories": 3,
                "majors": 2,
                "versions": [
                    {"version": "4.2.0", "repositories": 2},
                    {"version": "3.1.0", "repositories": 1},
                ],
                "versions_total": 2,
            }
        ],
        "total": 1,
        "more": 0,
    }


def test_drift_names_use_without_decision_and_decision_without_use(viewer: Any, project: Project) -> None:
    used(project, ("Django", "5.2"), ("AngularJS", "1.8"), ("Apache Kafka", None))
    used(project, ("AngularJS", "1.7"))
    decided(project, "kafka", "implementation", "infrastructure")
    decided(project, "AngularJS", "archived", "frontend")
    decided(project, "MongoDB", "archived", "database")
    decided(project, "Redis", "integrated", "database")
    decided(project, "Flask", "research")
    unlisted = viewer.get(DRIFT).json()["unlisted"]["results"]
    assert [(row["name"], row["repositories"], row["projects"]) for row in unlisted] == [
        ("Django", 1, [{"project": project.pk, "repositories": 1}])
    ]
    retired = rows(viewer, DRIFT, "retired")
    assert {name: (row["ring"], row["repositories"]) for name, row in retired.items()} == {
        "AngularJS": ("hold", 2)
    }
    assert list(rows(viewer, DRIFT, "unused")) == ["Redis"]


def test_a_decision_holds_in_its_own_project(project: Project) -> None:
    other = make_project()
    used(project, ("Django", "5.2"))
    used(other, ("Django", "5.2"))
    decided(other, "Django", "integrated")
    staff = api(make_user(staff=True))
    assert rows(staff, DRIFT, "unlisted")["Django"]["projects"] == [
        {"project": project.pk, "repositories": 1}
    ]
    assert rows(staff, RADAR)["Django"]["repositories"] == 1


@pytest.mark.parametrize("path", [f"{RADAR}?", f"{DRIFT}?", f"{USES}&"])
def test_who_may_see_what(viewer: Any, project: Project, path: str) -> None:
    foreign = make_project()
    assert viewer.get(f"{path}project={foreign.pk}").status_code == 404
    assert viewer.get(f"{path}project={project.pk}").status_code == 200
    _, token = make_token(make_user(project), scope="read", project_ids=[foreign.pk])
    limited = api(token=token)
    assert limited.get(f"{path}project={project.pk}").status_code == 404
    assert api().get(path).status_code == 401


@pytest.mark.parametrize("path", [RADAR, DRIFT])
@pytest.mark.parametrize(
    "query", ["project=x", "project=0", "project=1.5", f"project={2**70}", "limit=0", "limit=x"]
)
def test_bad_queries_are_refused(viewer: Any, path: str, query: str) -> None:
    answer = viewer.get(f"{path}?{query}")
    assert answer.status_code == 400
    assert answer["Content-Type"].startswith("application/problem+json")


def test_lists_are_bounded_and_say_what_is_left_out(viewer: Any, project: Project) -> None:
    used(project, ("Django", "4"), ("Flask", "2"), a="1.0", b="1.0")
    used(project, ("Django", "5"), ("Flask", "3"), a="2.0", b="2.0")
    answer = viewer.get(f"{DRIFT}?limit=1").json()
    for section in ("technologies", "packages", "unlisted"):
        assert (len(answer[section]["results"]), answer[section]["total"], answer[section]["more"]) == (
            1,
            2,
            1,
        )
    for name in ("one", "two", "three"):
        decided(project, name, "research")
    page = viewer.get(f"{RADAR}?limit=2").json()
    assert [row["name"] for row in page["results"]] == ["one", "two"]
    assert [row["name"] for row in viewer.get(page["next"]).json()["results"]] == ["three"]


@pytest.mark.parametrize("path", [RADAR, DRIFT, USES])
def test_the_cost_does_not_grow(viewer: Any, project: Project, path: str) -> None:
    def cost() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert viewer.get(path).status_code == 200
        return len(captured)

    used(project, ("Django", "4.2"), lodash="3.0")
    decided(project, "Django", "integrated")
    viewer.get(path)
    few = cost()
    for number in range(4):
        used(project, ("Django", f"{number}.2"), (f"Own {number}", None), lodash=f"{number}.0")
        decided(project, f"Own {number}", "archived")
    assert cost() == few <= 8


def test_usage_and_the_status_of_what_was_found_know_other_names(viewer: Any, project: Project) -> None:
    analysis = used(project, ("PostgreSQL", "16"))
    technology = decided(project, "postgres", "integrated", "database")
    uses = viewer.get(f"/api/v1/technologies/{technology.pk}/usage").json()["results"]
    assert [(use["repository"], use["version"]) for use in uses] == [(analysis.repository_id, "16")]
    assert (uses[0]["analysis"], uses[0]["seen_at"] is None) == (analysis.pk, False)
    later = used(project, ("PostgreSQL", None))
    page = viewer.get(f"/api/v1/technologies/{technology.pk}/usage?limit=1").json()
    assert [use["repository"] for use in page["results"]] == [later.repository_id]
    rest = viewer.get(page["next"]).json()
    assert [use["repository"] for use in rest["results"]] == [analysis.repository_id]
    found = viewer.get(f"/api/v1/analyses/{analysis.pk}/technologies").json()["results"]
    assert [row["radar_status"] for row in found] == ["integrated"]


def test_who_uses_a_technology_is_listed_whether_it_is_on_the_radar_or_not(
    viewer: Any, project: Project
) -> None:
    old = used(project, ("PostgreSQL", "13"))
    new = used(project, ("PostgreSQL", "16"))
    unknown = used(project, ("PostgreSQL", None))
    used(make_project(), ("PostgreSQL", "16"))

    def repositories(query: str) -> list[int]:
        answer = viewer.get(f"/api/v1/technologies/uses?{query}")
        assert answer.status_code == 200, answer.json()
        return [row["repository"] for row in answer.json()["results"]]

    everything = [unknown.repository_id, new.repository_id, old.repository_id]
    assert repositories("name=postgres") == everything
    assert repositories(f"name=PostgreSQL&project={project.pk}") == everything
    assert repositories("name=postgresql&version=16") == [new.repository_id]
    assert repositories("name=postgresql&version=-") == [unknown.repository_id]
    assert repositories("name=mysql") == []
    page = viewer.get("/api/v1/technologies/uses?name=postgres&limit=2").json()
    assert [row["version"] for row in page["results"]] == [None, "16"]
    assert [row["version"] for row in viewer.get(page["next"]).json()["results"]] == ["13"]


@pytest.mark.parametrize(
    "query", ["", "name=", "name=%00", "name=x&version=%00", f"name={'x' * 201}", "name=x&limit=x"]
)
def test_what_cannot_be_a_technology_is_refused(viewer: Any, query: str) -> None:
    assert viewer.get(f"/api/v1/technologies/uses?{query}").status_code == 400
