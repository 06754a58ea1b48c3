"""Every page opens for those who may see it, and shows what was measured."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from commandcenter.analysis.models import Analysis, AnalysisStatus
from commandcenter.analysis.running.settle import mark_attempt
from commandcenter.analysis.tests.factories import analyse, finding, messages, start, tree_ref
from commandcenter.dashboard.tests.conftest import LISTS, World, signed_in
from commandcenter.inventory.tests.factories import make_repository

MOST_QUERIES = 20


def test_every_page_opens_for_a_viewer_of_the_project(world: World) -> None:
    client = signed_in(world.viewer)
    for path in [*LISTS, *world.paths()]:
        response = client.get(path)
        assert response.status_code == 200, path


def test_pages_of_a_foreign_project_do_not_exist(world: World) -> None:
    client = signed_in(world.stranger)
    for path in world.paths():
        assert client.get(path).status_code == 404, path


def test_lists_show_nothing_of_a_foreign_project(world: World) -> None:
    client = signed_in(world.stranger)
    for path in LISTS:
        content = client.get(path).content.decode()
        assert "Payments" not in content, path
        assert "ledger" not in content, path


def test_who_is_not_signed_in_is_sent_to_the_sign_in_page(world: World) -> None:
    for path in [*LISTS, *world.paths()]:
        response = Client().get(path)
        assert (response.status_code, response.headers["Location"].startswith("/login/")) == (302, True), path


def test_the_analysis_shows_what_changed_since_its_baseline(world: World) -> None:
    content = signed_in(world.viewer).get(f"/analyses/{world.analysis.pk}/findings/").content.decode()
    assert "Possible hardcoded password in fresh" in content
    assert "Fixed since the baseline" in content
    assert "Possible hardcoded password in old" in content


def test_an_unresolved_version_is_said_to_be_unresolved(world: World) -> None:
    content = signed_in(world.viewer).get(f"/analyses/{world.analysis.pk}/dependencies/").content.decode()
    assert "unknown-version" in content
    assert "unresolved" in content


def test_findings_are_narrowed_by_severity_and_words(world: World) -> None:
    client, path = signed_in(world.viewer), f"/analyses/{world.analysis.pk}/findings/"
    narrowed = client.get(path, {"severity": "critical"}).content.decode()
    assert "in fresh" in narrowed
    assert "in kept" not in narrowed
    assert "in fresh" not in client.get(path, {"q": "kept"}).content.decode()


@pytest.mark.parametrize(
    "path", ["/analyses/99999999999999999999/", "/jobs/0/", "/analyses/1/nothing/", "/no-such-page/"]
)
def test_what_does_not_exist_is_a_plain_404(world: World, path: str) -> None:
    response = signed_in(world.staff).get(path)
    assert response.status_code == 404
    assert b"Nothing here" in response.content


@pytest.mark.parametrize(
    "query", ["before=x", "after=-1", "before=99999999999999999999", "project=%00", "q=%00", "status=no"]
)
def test_queries_that_make_no_sense_do_no_harm(world: World, query: str) -> None:
    client = signed_in(world.viewer)
    for path in [
        "/jobs/",
        "/repositories/",
        "/analyses/",
        "/technologies/",
        f"/analyses/{world.analysis.pk}/files/",
    ]:
        assert client.get(f"{path}?{query}").status_code == 200, path


def test_the_number_of_queries_does_not_grow_with_the_rows(world: World) -> None:
    client = signed_in(world.viewer)
    paths = [*LISTS, f"/projects/{world.project.pk}/", f"/repositories/{world.repository.pk}/"]

    def counted() -> dict[str, int]:
        counts = {}
        for path in paths:
            client.get(path)
            with CaptureQueriesContext(
                connection,
            ) as captured:
                client.get(path)
            counts[path] = len(captured)
        return counts

    before = counted()
    for number in range(4):
        more = make_repository(world.project, name=f"more-{number}")
        analyse(more, messages([finding(f"more-{number}")]))
    assert counted() == before
    assert max(before.values()) <= MOST_QUERIES, before


def test_an_empty_installation_says_the_next_step(db: None, world: World) -> None:
    content = signed_in(world.stranger).get("/").content.decode()
    assert "Start with a project" in content


def test_pages_send_a_strict_content_policy_and_nothing_inline(world: World) -> None:
    response = signed_in(world.viewer).get("/")
    assert "script-src 'self'" in response.headers["Content-Security-Policy"]
    assert b"<style" not in response.content
    assert b" style=" not in response.content
    assert b"onclick" not in response.content


def test_an_attempt_that_failed_is_not_yet_a_failed_analysis(world: World) -> None:
    analysis = start(world.repository, tree_ref())
    mark_attempt(analysis.pk, AnalysisStatus.FAILED, "source_unreachable", "Nobody answered.")
    path = f"/analyses/{analysis.pk}/"
    client = signed_in(world.viewer)
    assert "An attempt failed; another one follows." in client.get(path).content.decode()
    Analysis.objects.filter(pk=analysis.pk).update(settled=True)
    assert "The analysis failed." in client.get(path).content.decode()
