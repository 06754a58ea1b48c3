"""The calendar of schedules in a real browser: it opens in the browser's own zone, and everybody can use it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Page, expect

from tests.accessibility import complaints
from tests.e2e.api import call, wait_for_first_analysis
from tests.embedded.running import Up

pytestmark = [pytest.mark.browser, pytest.mark.process, pytest.mark.timeout(300)]


@pytest.fixture(scope="module", autouse=True)
def schedules(platform: Up) -> None:
    """One run a day, and one that comes every few minutes; none comes while these tests go on."""
    token = wait_for_first_analysis(platform)
    repository = call(platform, "repositories", token=token)["results"][0]
    common = {"project": repository["project"], "repository": repository["id"], "job_type": "analysis"}
    common["starts_at"] = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    daily = {"name": "Daily", "frequency": "daily", "time": "00:30"}
    often = {
        "name": "Often",
        "frequency": "cron",
        "cron": "*/5 * * * *",
        "window_start": "02:00",
        "window_end": "03:00",
    }
    for each in (daily, often):
        call(platform, "schedules", common | each, token=token)


def test_it_opens_in_the_zone_of_the_browser_and_keeps_a_chosen_one(opened: Callable[..., Page]) -> None:
    page = opened(timezone_id="Asia/Tokyo")
    page.goto("/schedules/")
    page.get_by_role("link", name="Calendar").click()
    expect(page.get_by_label("Time zone")).to_have_value("Asia/Tokyo")
    page.get_by_role("link", name="Week after").click()
    expect(page.get_by_role("row", name="Daily")).to_contain_text("09:30")
    page.get_by_label("Time zone").fill("UTC")
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_role("row", name="Daily")).to_contain_text("00:30")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_everybody_can_use_it(opened: Callable[..., Page], theme: str) -> None:
    page = opened(color_scheme=theme, viewport={"width": 360, "height": 768})
    later = datetime.now(UTC).date() + timedelta(days=7)
    for view in ("day", "week"):
        page.goto(f"/schedules/calendar/?zone=UTC&view={view}&date={later}")
        expect(page.get_by_role("heading", name="Calendar")).to_be_visible()
        expect(page.get_by_role("row", name="Daily")).to_be_visible()
        assert complaints(page) == []
