"""The portfolio page: worst first, with its reasons, paged by key, at a cost that does not grow."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.cache import caches
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from commandcenter.advisories.matching import match_stale
from commandcenter.advisories.models import Package, PackageVersion
from commandcenter.analysis.packages import registering
from commandcenter.analysis.portfolio import daily, standings
from commandcenter.analysis.tests.factories import analyse, finding, messages
from commandcenter.dashboard.tests.conftest import World, signed_in
from commandcenter.dashboard.views import portfolio
from commandcenter.inventory.tests.factories import make_repository

pytestmark = pytest.mark.django_db


def test_reasons_are_worded_with_their_points_and_the_trend_is_drawn(world: World) -> None:
    standings.refresh_all(seconds=30)
    daily.record(timezone.now().date() - timedelta(days=3))
    daily.record()
    content = signed_in(world.viewer).get("/portfolio/").content.decode()
    assert "1 critical finding open" in content
    assert "1 high finding open" in content
    assert "Open findings by day" in content


def test_pages_follow_each_other_in_both_directions(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(portfolio, "PAGE_SIZE", 2)
    for number in range(4):
        repository = make_repository(world.project, name=f"repository-{number}")
        analyse(repository, messages([finding(f"{n}", severity="critical") for n in range(number)]))
    standings.refresh_all(seconds=30)
    client = signed_in(world.viewer)
    pages = [client.get("/portfolio/").context["page"]]
    while pages[-1].next:
        pages.append(client.get(f"/portfolio/{pages[-1].next}").context["page"])
    forward = [row.pk for page in pages for row in page.rows]
    assert len(forward) == len(set(forward)) == 5
    assert pages[0].previous is None
    back = client.get(f"/portfolio/{pages[-1].previous}").context["page"]
    assert [row.pk for row in back.rows] == [row.pk for row in pages[-2].rows]
    assert client.get("/portfolio/?after=x-1&before=9").status_code == 200


def test_a_page_costs_the_same_number_of_queries_however_many_repositories_there_are(world: World) -> None:
    client = signed_in(world.viewer)

    def cost() -> int:
        standings.refresh_all(seconds=30)
        caches["default"].clear()
        with CaptureQueriesContext(connection) as captured:
            assert client.get("/portfolio/").status_code == 200
        return len(captured)

    few = cost()
    for number in range(10):
        make_repository(world.project, name=f"repository-{number}")
    assert cost() == few


def test_the_overview_begins_with_the_repositories_of_most_points(world: World) -> None:
    make_repository(world.project, name="untouched")
    standings.refresh_all(seconds=30)
    response = signed_in(world.viewer).get("/")
    rows = [(row["title"], row["detail"]) for row in response.context["attention"]]
    assert rows == [
        ("ledger", "1 critical finding open, 1 high finding open"),
        ("untouched", "never analysed"),
    ]


def test_many_high_findings_do_not_hide_a_critical_one(world: World) -> None:
    high = [finding(f"high{number}", severity="high") for number in range(6)]
    analyse(world.repository, messages([finding("worst", severity="critical"), *high]))
    standings.refresh_all(seconds=30)
    (row,) = signed_in(world.viewer).get("/").context["attention"]
    assert row["detail"] == "6 high findings open, 1 critical finding open"
    assert row["severity"] == "critical"


def test_libyears_are_summed_with_what_is_unknown_and_as_of_when(world: World) -> None:
    standings.refresh_all(seconds=30)
    daily.record()
    registering.register_current()
    match_stale(seconds=10)
    caches["default"].clear()
    client = signed_in(world.viewer)
    assert "unknown: no registry has told of them" in client.get("/portfolio/").content.decode()
    Package.objects.update(
        latest_version="9.0", latest_released_at="2026-01-01T00:00:00Z", checked_at="2026-02-01T00:00:00Z"
    )
    PackageVersion.objects.update(released_at="2024-01-01T12:00:00Z")
    caches["default"].clear()
    words = "1 of 1 direct are behind, 1 unknown, as of 2026-02-01"
    assert words in client.get("/portfolio/").content.decode()
    assert words in client.get(f"/repositories/{world.repository.pk}/").content.decode()
    assert "Libyears" not in signed_in(world.stranger).get("/portfolio/").content.decode()


def test_the_figures_are_there_before_the_first_sums_of_the_day(world: World) -> None:
    standings.refresh_all(seconds=30)
    context = signed_in(world.viewer).get("/portfolio/").context
    assert context["chart"] is None
    assert (context["today"]["analysed"], context["today"]["critical"], context["today"]["high"]) == (1, 1, 1)
