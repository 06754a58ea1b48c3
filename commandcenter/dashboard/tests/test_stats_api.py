"""GET /dashboard/stats counts what one may see."""

from __future__ import annotations

from commandcenter.accounts.tests.factories import api
from commandcenter.dashboard.tests.conftest import World

URL = "/api/v1/dashboard/stats"


def test_the_figures_are_those_of_the_projects_one_may_see(world: World) -> None:
    figures = api(world.viewer).get(URL).json()
    assert figures["repositories"] == figures["analysed_repositories"] == 1
    assert figures["open_findings"] == {"critical": 1, "high": 1, "medium": 0, "low": 0, "info": 0}
    assert figures["jobs"]["completed_24h"] == 2
    assert figures["analyses"] == {"total": 2, "last_24h": 2}
    assert api(world.stranger).get(URL).json()["repositories"] == 0


def test_a_foreign_project_is_not_there_and_a_bad_one_is_an_error(world: World) -> None:
    assert api(world.stranger).get(URL, {"project": world.project.pk}).status_code == 404
    assert api(world.viewer).get(URL, {"project": world.project.pk}).json()["technologies"] == 1
    assert api(world.viewer).get(URL, {"project": "x"}).status_code == 400
    assert api().get(URL).status_code == 401
