"""Contributors from a real repository to the API, and their pages."""

from __future__ import annotations

from typing import Any

import pytest

from commandcenter.analysis.models import Contributor
from commandcenter.analysis.tests.factories import analyse, file_row, make_repository, make_user, messages
from commandcenter.analysis.tests.running import analysis_of, run
from commandcenter.analysis.tests.test_api import client
from commandcenter.dashboard.tests.conftest import signed_in
from commandcenter.inventory.models import Role


def person(name: str, **fields: Any) -> dict[str, Any]:
    return {
        "name": name,
        "digest": f"{abs(hash(name)):016x}"[:16],
        "commits": 3,
        "changes": 2,
        "added": 10,
        "deleted": None,
        "first_commit_at": "2026-01-01T00:00:00Z",
        "last_commit_at": "2026-01-02T00:00:00Z",
        **fields,
    }


@pytest.mark.django_db
def test_contributors_are_listed_in_pages_in_their_order() -> None:
    repository = make_repository()
    viewer = client(make_user(repository.project, Role.VIEWER))
    analysis = analyse(
        repository, messages([], contributors=[person("Ada"), person("B\x00b"), person("Cleo")])
    )
    path = f"/api/v1/analyses/{analysis.pk}/contributors"
    first = viewer.get(path, {"limit": 2}).json()
    assert [row["name"] for row in first["results"]] == ["Ada", "B\ufffdb"]
    assert first["results"][0] == {**person("Ada")}
    assert [row["name"] for row in viewer.get(first["next"]).json()["results"]] == ["Cleo"]
    assert client(make_user()).get(path).status_code == 404


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("folders")
def test_a_real_analysis_knows_its_people_and_goes_on_from_the_last_commit(git_repository: Any) -> None:
    repository = make_repository(source=str(git_repository.folder))
    viewer = client(make_user(repository.project, Role.VIEWER))
    first = analysis_of(run(repository))
    git_repository.git("config", "user.email", "bob@example.com")
    git_repository.git("config", "user.name", "Bob")
    git_repository.commit({"app/main.py": "def run():\n    return 1\n"})
    second = analysis_of(run(repository))
    shown = viewer.get(f"/api/v1/analyses/{second.pk}/contributors").json()["results"]
    assert [(row["name"], row["commits"], row["changes"]) for row in shown] == [("Ada", 1, 1), ("Bob", 1, 1)]
    history = viewer.get(f"/api/v1/analyses/{second.pk}").json()["summary"]["history"]
    assert (history["contributors"], history["bus_factor"], history["days"], history["percent"]) == (
        2,
        1,
        365,
        50,
    )
    assert (len(history["weeks"]), history["weeks"][-1]) == (53, 2)
    assert Contributor.objects.filter(result_set=first.result_set).count() == 1
    assert "example.com" not in str(shown)


@pytest.mark.django_db
def test_the_repository_page_shows_people_pace_and_hotspots() -> None:
    repository = make_repository()
    history = {
        "commits": 5, "contributors": 9, "bus_factor": 2, "first_commit_at": "2026-01-01T00:00:00Z",
        "last_commit_at": "2026-01-02T00:00:00Z", "truncated": False, "days": 365, "percent": 50, "weeks": [0, 4, 1],
    }  # fmt: skip
    said = messages(
        [],
        files=[file_row("src/hot.py", commits=40, complexity=30), file_row("src/cold.py", commits=0)],
        contributors=[person(f"Person {n}") for n in range(9)],
        history=history,
    )
    analysis = analyse(repository, said)
    viewer = make_user(repository.project, Role.VIEWER)
    content = signed_in(viewer).get(f"/repositories/{repository.pk}/").content.decode()
    assert "Person 7" in content
    assert "Person 8" not in content
    assert f"/analyses/{analysis.pk}/history/" in content
    assert "Commits per week over 3 weeks, 4 at most, 1 in the last one" in content
    assert "hot.py" in content
    assert "cold.py" not in content
