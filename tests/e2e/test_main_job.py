"""The main job as a person does it: sign in, add a repository, watch its analysis, read and export its findings."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.source import MODULES

pytestmark = [pytest.mark.browser, pytest.mark.process, pytest.mark.timeout(300)]

# Notes each value of the bar in the page itself, so that none is missed between two looks from outside.
RECORD_PROGRESS = """() => {
  window.reloads = 0;
  window.seen = [];
  const look = () => {
    const bar = document.querySelector("#job-live progress");
    if (bar && window.seen.at(-1) !== bar.value) window.seen.push(bar.value);
  };
  look();
  new MutationObserver(look).observe(document.getElementById("job-live"), {subtree: true, childList: true, attributes: true});
}"""


def test_a_person_watches_an_analysis_and_reads_its_findings(
    signed_in: Page, git_url: str, downloads: Path
) -> None:
    page = signed_in
    page.get_by_role("link", name="Add repository").click()
    page.get_by_label("Source").fill(git_url)
    page.get_by_role("button", name="Add").click()

    page.wait_for_url(re.compile(r"/jobs/\d+/$"))
    page.evaluate(RECORD_PROGRESS)
    expect(page.locator("#job-live").get_by_text("Completed", exact=True).first).to_be_visible(
        timeout=120_000
    )
    seen = page.evaluate("window.seen")
    assert seen == sorted(seen), f"the bar went back: {seen}"
    assert len(seen) >= 3, f"the bar did not move: {seen}"
    assert seen[-1] == 100
    assert page.evaluate("window.reloads") == 0, "the page was loaded again"
    numbers = [int(each) for each in page.locator("#job-log li .seq").all_inner_texts()]
    assert numbers == sorted(set(numbers)), "a line of the log was shown twice or out of order"

    page.get_by_role("link", name="Open the analysis").click()
    expect(page.get_by_role("heading", name=re.compile(r"^Analysis #\d+"))).to_be_visible()
    expect(page.locator(".page-head .badge")).to_have_text("Complete")
    summary = page.locator("dl.stats")
    expect(summary).to_contain_text(f"in {MODULES + 2} files")

    page.get_by_role("navigation", name="Analysis").get_by_role("link", name=re.compile("Findings")).click()
    finding = page.locator("table.data tr", has_text="service/shell.py:5")
    expect(finding.first).to_contain_text("S602")

    page.get_by_text("Export", exact=True).click()
    sarif = page.locator("details[name=export-format]", has_text="SARIF").first
    sarif.locator("summary").click()
    with page.expect_download() as download:
        sarif.get_by_role("button", name="Download").click()
    saved = downloads / "result.sarif"
    download.value.save_as(saved)
    results = [result for run in json.loads(saved.read_text())["runs"] for result in run["results"]]
    assert any(result["ruleId"].endswith("S602") for result in results)


def test_a_source_that_cannot_be_reached_ends_in_a_job_that_says_so(signed_in: Page) -> None:
    page = signed_in
    page.goto("/repositories/new/")
    page.get_by_label("Source").fill("git://127.0.0.1:1/nothing.git")
    page.get_by_role("button", name="Add").click()
    page.wait_for_url(re.compile(r"/jobs/\d+/$"))
    expect(page.locator("#job-live .notice.bad")).to_be_visible(timeout=120_000)
    expect(page.locator("#job-live .notice.bad")).to_contain_text("source_unreachable")


def test_the_console_works_by_keyboard_and_in_the_dark(signed_in: Page) -> None:
    page = signed_in
    page.goto("/repositories/")
    page.keyboard.press("Tab")
    expect(page.get_by_text("Skip to content")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("/")
    expect(page.get_by_label("Search repositories")).to_be_focused()
    before = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.get_by_role("button", name="Switch between light and dark").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") != before
