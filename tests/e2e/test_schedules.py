"""Schedules as a person meets them: the form with its preview, a run that a tick starts, and every state."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.accessibility import complaints
from tests.e2e.api import wait_for_first_analysis
from tests.embedded.running import Up
from tests.schedules_scene import SchedulesScene

pytestmark = [pytest.mark.browser, pytest.mark.process, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def scene(platform: Up) -> SchedulesScene:
    """Schedules in every state."""
    made = SchedulesScene(platform, wait_for_first_analysis(platform))
    made.make()
    return made


@pytest.mark.parametrize("width", [1366, 360])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_state_can_be_used_by_everybody(
    scene: SchedulesScene, opened: Callable[..., Page], theme: Any, width: int
) -> None:
    page = opened(color_scheme=theme, viewport={"width": width, "height": 768})
    found = {}
    for name, path in scene.pages.items():
        page.goto(f"/{path}")
        page.wait_for_load_state("networkidle")
        found[name] = complaints(page)
    page.goto("/schedules/new/")
    for each in ("Export the project", "Analyse many", "Something else"):
        page.get_by_role("radio", name=each).check()
        found[each] = complaints(page)
    assert {name: said for name, said in found.items() if said} == {}


def test_the_preview_follows_what_is_filled_in(scene: SchedulesScene, opened: Callable[..., Page]) -> None:
    page = opened(timezone_id="America/New_York")
    page.goto("/schedules/new/")
    expect(page.get_by_label("Time zone")).to_have_value("America/New_York")
    said, runs = page.locator("#preview .said"), page.locator("#preview li")
    expect(said).to_have_text("Every day at 02:30 (America/New_York).")
    expect(runs).to_have_count(10)
    expect(page.get_by_label("Day of the month")).to_be_hidden()
    page.get_by_role("radio", name="Monthly").check()
    page.get_by_label("Day of the month").select_option("last")
    page.get_by_label("Time zone").fill("Europe/Berlin")
    expect(said).to_have_text("On the last day of every month at 02:30 (Europe/Berlin).")
    expect(runs.first).to_contain_text("02:30 Europe/Berlin")
    expect(runs.first).to_contain_text("America/New_York")

    page.get_by_role("radio", name="Cron").check()
    cron = page.get_by_label("Cron expression")
    cron.fill("61 * * * *")
    expect(page.locator("#errors-cron")).not_to_be_empty()
    expect(cron).to_have_attribute("aria-invalid", "true")
    cron.fill("30 2 * * MON-FRI")
    expect(page.locator("#errors-cron")).to_be_empty()
    expect(cron).not_to_have_attribute("aria-invalid", "true")
    expect(runs).to_have_count(10)


def test_the_form_works_by_keyboard_and_without_scripts(
    scene: SchedulesScene, opened: Callable[..., Page]
) -> None:
    page = opened(java_script_enabled=False)
    page.goto("/schedules/new/")
    page.get_by_label("Analyse a repository").focus()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_label("Analyse many")).to_be_checked()
    expect(page.get_by_label("Repository", exact=True)).to_be_hidden()
    page.get_by_role("button", name="Preview").click()
    expect(page.locator("#preview .said")).to_have_text("Every day at 02:30 (UTC).")
    expect(page.get_by_label("Analyse many")).to_be_checked()


def test_a_schedule_is_made_and_runs_by_itself(scene: SchedulesScene, opened: Callable[..., Page]) -> None:
    page = opened()
    page.goto(f"/repositories/{scene.repository}/")
    page.get_by_role("link", name="New schedule").click()
    page.get_by_label("Name").fill("Every few seconds")
    page.get_by_label("Analyse again where nothing has changed").check()
    page.get_by_role("radio", name="Interval").check()
    page.get_by_label("Every", exact=True).fill("5")
    page.get_by_label("Every: unit").select_option("seconds")
    expect(page.locator("#preview .said")).to_contain_text("Every 5 seconds")
    page.get_by_role("button", name="Make schedule").click()
    page.wait_for_url(re.compile(r"/schedules/\d+/$"))
    rows = page.locator("#schedule-live tbody tr")
    expect(rows.filter(has_text="Succeeded").first).to_be_visible(timeout=60_000)

    page.locator("summary", has_text="Pause").click()
    page.get_by_label("Why", exact=True).fill("It was only a test")
    page.get_by_role("button", name="Pause it").click()
    expect(page.locator("#schedule-live .told")).to_contain_text("It was only a test")
    expect(page.get_by_text("Schedule disabled: It was only a test")).to_be_visible()
    page.goto("/schedules/?q=few")
    page.get_by_role("switch", name="Every few seconds is enabled").click()
    expect(page.get_by_role("switch", name="Every few seconds is enabled")).to_have_attribute(
        "aria-checked", "true"
    )
    page.get_by_role("link", name="Every few seconds").click()
    page.locator("summary", has_text="Delete").click()
    page.get_by_role("button", name="Delete Every few seconds").click()
    expect(page.get_by_text("Every few seconds is deleted")).to_be_visible()
