"""Two analyses of one repository, side by side on a page."""

from __future__ import annotations

import pytest

from commandcenter.analysis.models import Analysis
from commandcenter.analysis.tests.factories import analyse, finding, messages
from commandcenter.dashboard.tests.conftest import World, signed_in
from commandcenter.inventory.tests.factories import make_repository

pytestmark = pytest.mark.django_db


def test_what_came_and_what_went_is_shown(world: World) -> None:
    client = signed_in(world.viewer)
    response = client.get(f"/analyses/{world.analysis.pk}/compare/")
    content = response.content.decode()
    assert [row["fingerprint"] for row in response.context["new"]] == ["v1:fresh"]
    assert [row["fingerprint"] for row in response.context["fixed"]] == ["v1:old"]
    assert "in fresh" in content
    assert "in old" in content
    first = Analysis.objects.order_by("pk")[0]
    reverse = client.get(f"/analyses/{first.pk}/compare/?base={world.analysis.pk}")
    assert [row["fingerprint"] for row in reverse.context["new"]] == ["v1:old"]


def test_there_is_nothing_to_compare_the_first_analysis_with(world: World) -> None:
    repository = make_repository(world.project, name="single")
    only = analyse(repository, messages([finding("a")]))
    content = signed_in(world.viewer).get(f"/analyses/{only.pk}/compare/").content.decode()
    assert "Nothing to compare with" in content


def test_other_repositories_and_other_projects_do_not_exist_here(world: World) -> None:
    other = analyse(make_repository(world.project, name="other"), messages([finding("a")]))
    path = f"/analyses/{world.analysis.pk}/compare/"
    assert signed_in(world.viewer).get(f"{path}?base={other.pk}").status_code == 404
    assert signed_in(world.stranger).get(path).status_code == 404


def test_an_engine_that_did_not_see_everything_is_named(world: World) -> None:
    repository = make_repository(world.project, name="torn")
    analyse(repository, messages([finding("a")]))
    said = messages([])
    (ruff,) = (each for each in said if each["type"] == "engine" and each["id"] == "ruff")
    ruff["failures"] = 1
    torn = analyse(repository, said)
    client = signed_in(world.viewer)
    content = client.get(f"/analyses/{torn.pk}/compare/").content.decode()
    assert content.count("is not complete.") == 1
    assert f"#{torn.pk} is not complete." in content
    assert "ruff did not run to the end or could not read some files" in content
    assert "is not complete." not in client.get(f"/analyses/{world.analysis.pk}/compare/").content.decode()
