"""A token of one project shows nothing of another one, also where its owner sees both."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from commandcenter.accounts.tests.factories import api, make_token
from commandcenter.advisories.importing import import_dump
from commandcenter.advisories.matching import match_stale
from commandcenter.advisories.tests.corpus import HIGH, affected, record, since, write_zip
from commandcenter.analysis.models import Finding
from commandcenter.analysis.packages import registering
from commandcenter.analysis.tests.factories import (
    analyse,
    dependency_row,
    finding,
    license_row,
    make_project,
    make_repository,
    make_user,
    messages,
    technology_row,
)
from commandcenter.inventory.models import Technology

pytestmark = pytest.mark.django_db
SECRET = "a" * 32


@pytest.fixture
def hidden(tmp_path: Path) -> Any:
    """An analysis of a project that the token is not for, with something of everything."""
    repository = make_repository(name="hidden-repository")
    Technology.objects.create(project=repository.project, name="Hidden tech", status="archived")
    said = messages(
        [finding("secret", engine="secrets", rule_id="key", correlation=SECRET)],
        dependencies=[dependency_row("pen", "1.0")],
        technologies=[technology_row("Django", version="4.2"), technology_row("Flask", version="3.0")],
        licenses=[license_row("MIT")],
    )
    done = analyse(repository, said)
    registering.register(done.result_set_id or 0)
    pen = affected("PyPI", "pen", *since("0", "1.2"))
    import_dump(write_zip(tmp_path / "all.zip", [record("GHSA-pen", pen, severity=[HIGH])]))
    match_stale(seconds=10)
    return done


@pytest.fixture
def bound() -> tuple[Any, Any]:
    """A project with the same secret, and a client with a token of a staff member for it alone."""
    project = make_project()
    said = messages([finding("shown", engine="secrets", rule_id="key", correlation=SECRET)])
    analyse(make_repository(project), said)
    _, text = make_token(make_user(staff=True), scope="admin", project_ids=[project.pk])
    return project, api(token=text)


def test_lists_and_sums_hold_nothing_of_another_project(hidden: Any, bound: tuple[Any, Any]) -> None:
    project, client = bound
    for path in ("technologies/radar", "technologies/uses?name=Django", "technologies/drift", "dependencies",
                 "advisories/GHSA-pen/affected", "findings", "technologies"):  # fmt: skip
        answer = client.get(f"/api/v1/{path}")
        assert answer.status_code == 200, path
        assert "idden" not in answer.content.decode(), path
    drift = client.get("/api/v1/technologies/drift").json()
    assert [drift[section]["total"] for section in ("unlisted", "retired", "technologies", "packages")] == [
        0
    ] * 4
    assert client.get("/api/v1/freshness").json()["direct"] == 0
    assert client.get("/api/v1/rules/secrets/key").json()["open_findings"] == 1
    shown = Finding.objects.get(repository__project=project)
    assert client.get(f"/api/v1/findings/{shown.pk}").json()["also_in"] == []


def test_what_is_of_another_project_is_not_found(hidden: Any, bound: tuple[Any, Any]) -> None:
    _, client = bound
    repository, project = hidden.repository_id, hidden.repository.project_id
    technology = Technology.objects.get(name="Hidden tech").pk
    foreign = Finding.objects.get(repository=repository).pk
    for path in (
        f"technologies/radar?project={project}",
        f"technologies/drift?project={project}",
        f"technologies/uses?name=Django&project={project}",
        f"technologies/{technology}/usage",
        f"freshness?project={project}",
        f"repositories/{repository}/freshness",
        f"analyses/{hidden.pk}/licenses",
        f"analyses/{hidden.pk}/gaps",
        f"findings/{foreign}",
    ):
        assert client.get(f"/api/v1/{path}").status_code == 404, path
