"""Exports as a person meets them: the menu by keyboard, an export followed to its file, deliveries, and every state."""

from __future__ import annotations

import hashlib
import re
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from exports.tests.github import github
from tests.accessibility import complaints
from tests.e2e.api import wait_for_first_analysis
from tests.embedded.running import Up
from tests.exports_scene import ExportsScene

pytestmark = [pytest.mark.browser, pytest.mark.process, pytest.mark.timeout(300)]

# Notes each state that the page shows, so that none is missed between two looks from outside.
RECORD_STATES = """() => {
  window.states = [];
  const look = () => {
    const word = document.querySelector("#job-live .page-head .badge")?.textContent.trim();
    if (word && window.states.at(-1) !== word) window.states.push(word);
  };
  look();
  new MutationObserver(look).observe(document.getElementById("job-live"), {subtree: true, childList: true, characterData: true});
}"""


@pytest.fixture(scope="module")
def scene(platform: Up) -> Iterator[ExportsScene]:
    """Exports and deliveries in every state."""
    with github() as hub:
        made = ExportsScene(platform, wait_for_first_analysis(platform), hub)
        try:
            made.make()
            yield made
        finally:
            made.end()


def menu_of(page: Page) -> Locator:
    return page.locator("details.menu")


@pytest.mark.parametrize("width", [1366, 360])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_state_can_be_used_by_everybody(
    scene: ExportsScene, opened: Callable[..., Page], theme: Any, width: int
) -> None:
    page = opened(color_scheme=theme, viewport={"width": width, "height": 768})
    found = {}
    for name, path in scene.pages.items():
        page.goto(f"/{path}")
        page.wait_for_load_state("networkidle")
        found[name] = complaints(page)
    for path in (f"analyses/{scene.analysis['id']}/", f"projects/{scene.project}/"):
        page.goto(f"/{path}")
        menu_of(page).locator("summary").first.click()
        menu_of(page).locator("summary", has_text="CSV").click()
        found[f"menu of {path}"] = complaints(page)
    assert {name: said for name, said in found.items() if said} == {}


def test_the_menu_works_by_keyboard_and_gives_the_focus_back(
    scene: ExportsScene, opened: Callable[..., Page]
) -> None:
    page = opened()
    page.goto(f"/analyses/{scene.analysis['id']}/")
    menu, button = menu_of(page), menu_of(page).locator("summary").first
    button.focus()
    page.keyboard.press("Enter")
    expect(menu).to_have_attribute("open", "")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    first = menu.locator("details").first
    expect(first).to_have_attribute("open", "")
    page.keyboard.press("Tab")
    assert first.evaluate("(node) => node.querySelector('form').contains(document.activeElement)")
    page.keyboard.press("Escape")
    expect(menu).not_to_have_attribute("open", "")
    expect(button).to_be_focused()
    page.keyboard.press("Space")
    expect(menu).to_have_attribute("open", "")
    page.get_by_role("heading", level=1).click()
    expect(menu).not_to_have_attribute("open", "")


def test_a_portfolio_is_asked_for_and_followed_to_its_file(
    scene: ExportsScene, opened: Callable[..., Page], tmp_path: Path
) -> None:
    page = opened()
    scene.post("queues/export/pause", {"reason": "a test asks"})
    page.goto(f"/projects/{scene.project}/")
    menu_of(page).locator("summary").first.click()
    menu_of(page).locator("summary", has_text="CSV").click()
    page.get_by_label("Deliver to").locator("visible=true").select_option(label="Audit archive (Webhook)")
    page.get_by_role("button", name="In the background").locator("visible=true").click()
    page.wait_for_url(re.compile(r"/exports/\d+/$"))
    expect(page.get_by_text("Why it is not running")).to_be_visible()
    expect(page.locator("#deliveries tr", has_text="Audit archive")).to_contain_text(
        "until the export is done"
    )
    page.evaluate(RECORD_STATES)
    scene.post("queues/export/resume", {})

    live = page.locator("#job-live")
    expect(live.locator(".page-head .badge")).to_have_text("Completed", timeout=60_000)
    states = page.evaluate("window.states")
    assert states in (["Queued", "Running", "Completed"], ["Queued", "Completed"]), (
        "the page was loaded again"
    )
    members = page.locator("section", has_text="In the zip").locator("tbody tr")
    expect(members.first).to_contain_text(".csv")
    expect(page.locator("#deliveries .badge")).to_have_text("Delivered", timeout=90_000)
    expect(page.locator("#deliveries")).not_to_have_attribute("data-live-every", "5")

    with page.expect_download() as download:
        page.get_by_role("link", name=re.compile("Download")).click()
    saved = tmp_path / "portfolio.zip"
    download.value.save_as(saved)
    with zipfile.ZipFile(saved) as file:
        assert "manifest.json" in file.namelist()
        assert len(file.namelist()) == members.count() + 1
    title = page.locator(".digest code").get_attribute("title") or ""
    assert title.removeprefix("SHA-256 ") == hashlib.sha256(saved.read_bytes()).hexdigest()


def test_the_digest_is_copied_and_the_button_says_so_for_a_while(
    scene: ExportsScene, opened: Callable[..., Page]
) -> None:
    page = opened(permissions=["clipboard-read", "clipboard-write"])
    page.goto(f"/{scene.pages['export-completed']}")
    button = page.locator("button[data-copy]")
    words, title = button.inner_text(), button.get_attribute("title")
    button.click()
    expect(button).to_have_text("Copied")
    button.click()
    expect(button).to_have_attribute("title", "Copied")
    assert page.evaluate("navigator.clipboard.readText()") == button.get_attribute("data-copy")
    expect(button).to_have_text(words)
    expect(button).to_have_attribute("title", title or "")
    refusing = opened(permissions=[])
    refusing.add_init_script(
        "navigator.clipboard.writeText = () => Promise.reject(new DOMException('no', 'NotAllowedError'))"
    )
    refusing.goto(f"/{scene.pages['export-completed']}")
    refusing.locator("button[data-copy]").click()
    expect(refusing.locator("button[data-copy]")).to_have_text("Cannot copy here")


def test_what_a_webhook_refused_is_delivered_again(scene: ExportsScene, opened: Callable[..., Page]) -> None:
    page = opened()
    page.goto(f"/{scene.pages['export-deliveries']}")
    rows = page.locator("#deliveries tbody tr")
    expect(rows.filter(has_text="Nightly reports")).to_contain_text("The webhook answered 503.")
    expect(rows.filter(has_text="Nightly reports")).to_contain_text(re.compile(r"next try (in|next)"))
    refused = rows.filter(has_text="Former dashboard")
    expect(refused).to_contain_text("gone for good (410)")
    refused.get_by_role("button", name="Deliver to Former dashboard again").click()
    expect(refused.locator(".badge")).to_have_text("Delivered", timeout=90_000)
