"""The absence of an engine shows on the pages and over the API: what it would have said is unknown, never 0."""

from __future__ import annotations

import pytest

from commandcenter.accounts.tests.factories import api
from commandcenter.analysis.models import Analysis
from commandcenter.analysis.tests.factories import analyse, finding, messages
from commandcenter.dashboard.tests.conftest import World, signed_in
from commandcenter.inventory.tests.factories import make_repository

TABS = ("findings", "dependencies", "technologies", "gaps", "licenses", "functions", "files", "history")
UNKNOWN = ("lines_of_code", "functions", "complexity", "dependencies", "technologies", "gaps", "contributors")


@pytest.fixture
def partial(world: World) -> Analysis:
    """An analysis of which one engine was missing and one failed; what they alone know is not in its summary."""
    said = messages(
        [finding("kept")], engines={"ruff": "ok", "secrets": "unavailable", "manifests": "failed"}
    )
    (summary,) = (each for each in said if each["type"] == "summary")
    summary |= dict.fromkeys(UNKNOWN)
    return analyse(make_repository(world.project, name="half"), said)


def test_every_tab_names_the_engines_that_are_missing(world: World, partial: Analysis) -> None:
    client = signed_in(world.viewer)
    for path in (f"/analyses/{partial.pk}/", *(f"/analyses/{partial.pk}/{tab}/" for tab in TABS)):
        content = client.get(path).content.decode()
        assert "secrets did not end well." in content, path
        assert "manifests did not end well." in content, path
        assert "ruff did not end well." not in content, path
    assert (
        "Something is missing here"
        not in client.get(f"/analyses/{world.analysis.pk}/findings/").content.decode()
    )


def test_what_a_missing_engine_would_know_is_unknown(world: World, partial: Analysis) -> None:
    shown = api(world.viewer).get(f"/api/v1/analyses/{partial.pk}").json()
    assert shown["status"] == "partial"
    assert {name: shown["summary"][name] for name in UNKNOWN} == dict.fromkeys(UNKNOWN)
    states = {engine["id"]: engine["status"] for engine in shown["engines"]}
    assert states == {"ruff": "ok", "secrets": "unavailable", "manifests": "failed"}
    client = signed_in(world.viewer)
    for tab, words in {
        "dependencies": "Not looked for",
        "technologies": "Not looked for",
        "functions": "Not measured",
        "gaps": "Not checked",
    }.items():
        assert words in client.get(f"/analyses/{partial.pk}/{tab}/").content.decode(), tab
    assert "vulnerable: unknown" in client.get(f"/analyses/{partial.pk}/").content.decode()


def test_the_repository_and_the_portfolio_show_a_dash_for_it(world: World, partial: Analysis) -> None:
    client = signed_in(world.viewer)
    content = client.get(f"/repositories/{partial.repository_id}/").content.decode()
    start = content.index("<dt>Lines of code</dt>")
    assert "\N{EN DASH}</a>" in content[start : start + 200]
    assert client.get("/portfolio/").status_code == 200


def test_files_that_an_engine_could_not_read_show_where_its_findings_do(world: World) -> None:
    said = messages([finding("kept")])
    (ruff,) = (each for each in said if each["type"] == "engine" and each["id"] == "ruff")
    ruff["failures"] = 2
    unread = analyse(make_repository(world.project, name="torn"), said)
    client = signed_in(world.viewer)
    for path in (f"/analyses/{unread.pk}/", f"/analyses/{unread.pk}/findings/"):
        content = client.get(path).content.decode()
        assert "Some files could not be read in full" in content, path
        assert "ruff (2 files)" in content, path
        assert "secrets (" not in content, path
    whole = client.get(f"/analyses/{world.analysis.pk}/findings/").content.decode()
    assert "could not be read" not in whole


def test_an_engine_that_did_not_run_took_no_time(world: World, partial: Analysis) -> None:
    content = signed_in(world.viewer).get(f"/analyses/{partial.pk}/").content.decode()
    card = content[content.index('id="engines"') :]
    assert "12 ms" in card[card.index(">ruff<") : card.index(">secrets<")]
    assert " ms" not in card[card.index(">secrets<") : card.index(">manifests<")]
