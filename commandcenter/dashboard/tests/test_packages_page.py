"""The packages page answers who uses a package, in which version, among the repositories that one may see."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from commandcenter.analysis.tests.factories import analyse, dependency_row, messages
from commandcenter.dashboard.tests.conftest import World, signed_in
from commandcenter.inventory.tests.factories import make_repository

pytestmark = pytest.mark.django_db


def test_versions_are_counted_and_uses_listed_with_their_place(world: World) -> None:
    for number, version in enumerate(["1.0", "2.0", "2.0", None]):
        repository = make_repository(world.project, name=f"user-{number}")
        analyse(repository, messages(dependencies=[dependency_row("left-pad", version, direct=number < 2)]))
    foreign = make_repository(name="foreign")
    analyse(foreign, messages(dependencies=[dependency_row("left-pad", "3.0")]))
    client = signed_in(world.viewer)
    for query in ("left-pad", "pkg:pypi/left-pad"):
        response = client.get("/dependencies/", {"q": query})
        found = {use["version"]: (use["repositories"], use["direct"]) for use in response.context["versions"]}
        assert found == {"1.0": (1, 1), "2.0": (2, 1), None: (1, 0)}, query
        assert len(response.context["page"].rows) == 4
        assert "foreign" not in response.content.decode()
    narrowed = client.get("/dependencies/", {"q": "left-pad", "version": "2.0", "ecosystem": "pypi"})
    assert sorted(row.repository_name for row in narrowed.context["page"].rows) == ["user-1", "user-2"]
    unresolved = client.get("/dependencies/", {"q": "left-pad", "version": "-"})
    assert [row.repository_name for row in unresolved.context["page"].rows] == ["user-3"]
    assert (
        client.get("/dependencies/", {"q": "pkg:pypi/left-pad@1.0"}).context["versions"][0]["version"]
        == "1.0"
    )


def test_without_a_name_everything_in_use_is_listed_with_its_place(world: World) -> None:
    repository = make_repository(world.project, name="far")
    analyse(repository, messages(dependencies=[dependency_row("transitive", direct=False)]))
    client = signed_in(world.viewer)
    content = client.get("/dependencies/").content.decode()
    assert "transitive" in content
    assert "unknown-version" in content
    direct = client.get("/dependencies/", {"direct": "true"}).context["page"].rows
    assert {row.name for row in direct} == {"django", "unknown-version"}
    assert client.get("/dependencies/", {"vulnerable": "true"}).context["page"].rows == []
    assert "transitive" not in signed_in(world.stranger).get("/dependencies/").content.decode()


def test_nobody_and_nothing_are_said(world: World) -> None:
    client = signed_in(world.viewer)
    stranger = signed_in(world.stranger)
    assert "No packages yet" in stranger.get("/dependencies/").content.decode()
    assert "Nobody uses it" in client.get("/dependencies/", {"q": "left-pad\0"}).content.decode()


def test_the_page_costs_the_same_however_many_use_it(world: World) -> None:
    client = signed_in(world.viewer)

    def cost() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert client.get("/dependencies/", {"q": "django"}).status_code == 200
        return len(captured)

    few = cost()
    for number in range(5):
        repository = make_repository(world.project, name=f"user-{number}")
        analyse(repository, messages(dependencies=[dependency_row("django")]))
    assert cost() == few
