"""The lines of a finding on its page: as the last analysis that saw it read them, never a secret, honest without a mirror."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from commandcenter.analysis import sources
from commandcenter.analysis.models import Finding
from commandcenter.analysis.tests.conftest import GitRepository
from commandcenter.analysis.tests.factories import analyse, finding, make_repository, make_user, messages
from commandcenter.inventory.models import Role

pytestmark = pytest.mark.django_db
SOURCE = "one\n<b>two</b>\nkey = 'hunter2'\nfour\nfive\nsix\n"


@pytest.fixture
def git(tmp_path: Path, settings: Any) -> GitRepository:
    settings.MIRRORS_DIR = tmp_path / "mirrors"
    settings.SOURCE_ROOTS = (tmp_path / "sources",)
    made = GitRepository(tmp_path / "sources" / "example")
    made.commit({"src/a.py": SOURCE})
    return made


@pytest.fixture
def repository(git: GitRepository) -> Any:
    return make_repository(source=str(git.folder))


@pytest.fixture
def viewer(repository: Any) -> Client:
    made = Client()
    made.force_login(make_user(repository.project, Role.VIEWER))
    return made


def seen(repository: Any, *findings: dict[str, Any]) -> Any:
    tree = sources.open_repository(repository, "", progress=lambda _step: None, cancelled=lambda: False)
    return analyse(repository, messages(findings), commit=tree.commit)


def at(line: int, name: str = "a", **fields: Any) -> dict[str, Any]:
    return finding(name, path="src/a.py", start_line=line, end_line=line, **fields)


def code(viewer: Client, name: str = "a") -> str:
    pk = Finding.objects.get(fingerprint=f"v1:{name}").pk
    answer = viewer.get(f"/findings/{pk}/code/")
    assert answer.status_code == 200
    return str(answer.content.decode())


def test_the_lines_are_those_of_the_last_sight_escaped_and_marked(
    viewer: Client, repository: Any, git: GitRepository
) -> None:
    seen(repository, at(2))
    git.commit({"src/a.py": f"zero\n{SOURCE}"})
    latest = seen(repository, at(3))
    content = code(viewer)
    assert "&lt;b&gt;two&lt;/b&gt;" in content
    assert "zero" in content
    assert '<tr class="marked"><th scope="row">3<' in content
    assert f"analysis #{latest.pk}" in content
    page = viewer.get(f"/findings/{Finding.objects.get().pk}/").content.decode()
    assert f'hx-get="/findings/{Finding.objects.get().pk}/code/"' in page


def test_a_fixed_finding_shows_what_the_analysis_before_saw(
    viewer: Client, repository: Any, git: GitRepository
) -> None:
    seen(repository, at(2))
    git.commit({"src/a.py": "clean\n"})
    seen(repository)
    content = code(viewer)
    assert "&lt;b&gt;two&lt;/b&gt;" in content
    assert "clean" not in content


def test_secrets_are_never_shown_not_even_beside_another_finding(viewer: Client, repository: Any) -> None:
    seen(repository, at(2), at(3, "key", engine="secrets", rule_id="key"))
    assert "hunter2" not in code(viewer, "key")
    beside = code(viewer)
    assert "hunter2" not in beside
    assert "a secret stands here" in beside
    assert "four" in beside


def test_without_a_mirror_or_an_analysis_the_part_says_why(
    viewer: Client, repository: Any, settings: Any
) -> None:
    seen(repository, at(2))
    shutil.rmtree(settings.MIRRORS_DIR)
    assert "not on the machine that shows this page" in code(viewer)
    line = Finding.objects.get().branch_line
    line.latest = line.baseline = None
    line.save()
    assert "no longer kept" in code(viewer)


def test_it_is_there_for_those_who_see_the_project_and_costs_a_handful_of_queries(
    viewer: Client, repository: Any
) -> None:
    seen(repository, at(2))
    pk = Finding.objects.get().pk
    with CaptureQueriesContext(connection) as queries:
        viewer.get(f"/findings/{pk}/code/")
    assert len(queries) <= 7
    stranger = Client()
    stranger.force_login(make_user())
    assert stranger.get(f"/findings/{pk}/code/").status_code == 404
    assert viewer.post(f"/findings/{pk}/code/").status_code == 405
    assert Client().get(f"/findings/{pk}/code/").status_code == 302
