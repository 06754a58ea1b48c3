"""The HTML report in Chromium, opened from a disk: no request, no complaint, and tables that can be used by keyboard."""

from __future__ import annotations

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, sync_playwright

from commandcenter.analysis.tests.factories import analyse, finding, license_row, make_repository, messages
from exports.formats.html.embedding import rows_block
from exports.tests.small import small
from exports.tests.test_formats import export
from tests import chromium

pytestmark = pytest.mark.django_db
THEME = "document.documentElement.dataset.theme ?? null"
NARROW: Any = {"width": 360, "height": 740}
LICENSES = [license_row("MIT"), license_row("GPL-3.0-only", "lib/COPYING", place="vendored")]
TEXT = '</script><img src="http://evil.example/x" onerror="throw 1">\u202e'


def opened(made: bytes, folder: Path, look: Callable[[Page], Any], **context: Any) -> Any:
    """Open a report and return what `look` finds; an event loop of the browser's must not run in Django's thread."""
    path = folder / "report.html"
    path.write_bytes(made)

    def run() -> Any:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=chromium.find(), args=["--no-sandbox", "--disable-gpu"]
            )
            try:
                page = browser.new_page(**context)
                trouble: list[str] = []
                page.on("console", lambda message: trouble.append(message.text))
                page.on("pageerror", lambda error: trouble.append(str(error)))
                page.on("request", lambda request: trouble.append(request.url))
                page.goto(path.as_uri())
                found = look(page)
                asked = [each for each in trouble if each != path.as_uri() and not each.startswith("data:")]
                assert asked == []
                return found
            finally:
                browser.close()

    with ThreadPoolExecutor(1) as thread:
        return thread.submit(run).result()


def column(page: Page, section: str, number: int) -> list[str]:
    return page.locator(f"#{section} tbody tr td:nth-child({number})").all_inner_texts()


def test_tables_sort_search_and_filter_by_keyboard(tmp_path: Path) -> None:
    def look(page: Page) -> None:
        heading = page.locator("#findings").get_by_role("button", name="Path")
        heading.focus()
        page.keyboard.press("Enter")
        first = column(page, "findings", 6)
        assert first == sorted(first)
        assert page.locator("#findings th[aria-sort=ascending]").inner_text().strip() == "Path"
        page.keyboard.press("Enter")
        assert column(page, "findings", 6) == first[::-1]
        page.keyboard.press("Enter")
        assert page.locator("#findings th[aria-sort]").count() == 0
        page.keyboard.press("/")
        page.keyboard.type("AWS key")
        page.locator("#findings tbody tr").nth(1).wait_for(state="detached")
        assert column(page, "findings", 3) == ["aws-key"]
        page.keyboard.press("Escape")
        assert page.locator("#findings tbody tr").count() == 5
        page.get_by_label("State of findings").select_option(label="fixed (1)")
        assert column(page, "findings", 2) == ["Fixed"]

    opened(export(small(tmp_path), "html"), tmp_path, look)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_theme_follows_the_system_and_the_switch(tmp_path: Path, scheme: Any) -> None:
    def look(page: Page) -> tuple[str, str]:
        ground = "getComputedStyle(document.body).backgroundColor"
        before = page.evaluate(ground)
        page.get_by_role("button", name="Switch between light and dark").click()
        return before, page.evaluate(ground)

    light = [0.977, 0.175] if scheme == "light" else [0.175, 0.977]
    found = opened(export(small(tmp_path), "html"), tmp_path, look, color_scheme=scheme)
    assert [float(re.findall(r"[\d.]+", colour)[0]) for colour in found] == light


def test_the_chosen_theme_is_kept(tmp_path: Path) -> None:
    def look(page: Page) -> None:
        page.get_by_role("button", name="Switch between light and dark").click()
        for _ in range(2):
            page.reload()
            assert page.evaluate(THEME) == "dark"
        page.get_by_role("button", name="Switch between light and dark").click()
        page.reload()
        assert page.evaluate(THEME) == "light"

    opened(export(small(tmp_path), "html"), tmp_path, look, color_scheme="light")


def test_a_browser_that_keeps_nothing_switches_the_theme_all_the_same(tmp_path: Path) -> None:
    def look(page: Page) -> None:
        page.add_init_script(
            "Object.defineProperty(window, 'localStorage', { get() { throw new Error('no'); } })"
        )
        page.reload()
        assert page.evaluate(THEME) is None
        page.get_by_role("button", name="Switch between light and dark").click()
        assert page.evaluate(THEME) == "dark"
        assert page.locator("#findings tbody tr").count() == 5

    opened(export(small(tmp_path), "html"), tmp_path, look, color_scheme="light")


def test_a_narrow_screen_sorts_by_a_list_and_hides_what_it_does_not_show(tmp_path: Path) -> None:
    def look(page: Page) -> None:
        sorter = page.get_by_label("Sort findings")
        sorter.select_option(label="Path, up")
        first = column(page, "findings", 6)
        assert first == sorted(first)
        sorter.select_option(label="Path, down")
        assert column(page, "findings", 6) == first[::-1]
        assert page.locator("#findings").get_by_role("button", name="Path").count() == 0
        page.set_viewport_size({"width": 1366, "height": 768})
        assert not sorter.is_visible()
        assert page.locator("#findings th[aria-sort=descending]").inner_text().strip() == "Path"
        page.locator("#findings").get_by_role("button", name="Path").click()
        page.set_viewport_size(NARROW)
        assert sorter.input_value() == ""
        sorter.select_option(label="State, up")
        sorter.select_option(label="Not sorted")
        assert column(page, "findings", 1) == ["Critical", "High", "Medium", "Info", "Low"]

    opened(export(small(tmp_path), "html"), tmp_path, look, viewport=NARROW)


def test_axe_finds_nothing_wrong(tmp_path: Path) -> None:
    def look(page: Page) -> list[str]:
        found = []
        for width in (1366, 360):
            page.set_viewport_size({"width": width, "height": 768})
            for scheme in ("light", "dark"):
                page.emulate_media(color_scheme=scheme)
                assert page.evaluate("document.documentElement.scrollWidth") <= width
                violations = Axe().run(page).response["violations"]
                found += [
                    f"{width} {scheme} {each['id']}: {node['html']}"
                    for each in violations
                    for node in each["nodes"]
                ]
        return found

    said = [
        finding(f"f{n}", message="word " * 60, path="long/path/" * 12 + f"{n}.py", severity=severity)
        for n, severity in enumerate(("critical", "high", "medium", "low", "info") * 12)
    ]
    repository = make_repository(name="a-name-without-a-blank-" * 8)
    analyse(repository, messages(said[:30]))
    unread = [("ruff", "a.py", "It is larger than 5 MiB.")]
    engines = {"manifests": "ok", "ruff": "ok", "secrets": "partial"}
    analysis = analyse(repository, messages(said[10:], unread=unread, engines=engines, licenses=LICENSES))
    for made in (export(analysis, "html"), export(small(tmp_path), "html")):
        assert opened(made, tmp_path, look) == []


def test_hostile_texts_are_shown_and_nothing_else(tmp_path: Path) -> None:
    def look(page: Page) -> tuple[list[str], list[str]]:
        first = column(page, "findings", 5)
        page.locator("#findings").get_by_role("button", name="Severity").click()
        return first, column(page, "findings", 5)

    made = export(analyse(make_repository(), messages([finding("a", message=TEXT)])), "html")
    said = TEXT.replace("\u202e", "\\u202e")
    assert opened(made, tmp_path, look) == ([said], [said])


def test_without_a_script_the_first_rows_are_there(tmp_path: Path) -> None:
    def look(page: Page) -> tuple[int, bool]:
        return page.locator("#findings tbody tr").count(), page.get_by_role("searchbox").first.is_visible()

    said = messages([finding(f"f{number}") for number in range(60)])
    made = export(analyse(make_repository(), said), "html")
    assert opened(made, tmp_path, look, java_script_enabled=False) == (50, False)


def test_twenty_thousand_rows_are_paged(tmp_path: Path) -> None:
    made = export(small(tmp_path), "html")
    (block,) = re.findall(
        rb'<script type="application/json" id="findings-rows">.*?</script>\n', made, re.DOTALL
    )
    rows = [
        [0, 0, 0, 0, f"message {number}", f"src/{number}.py", number, None, number] for number in range(50)
    ]
    many = b"".join(rows_block("findings-rows", islice(cycle(rows), 20_000)))

    def look(page: Page) -> dict[str, float]:
        assert page.locator("#findings tbody tr").count() == 50
        assert page.locator("#findings .shown").inner_text() == "20,000 rows"
        page.locator("#findings").get_by_role("button", name="Last").click()
        assert page.locator("#findings .pager .where").inner_text() == "Rows 19,951 to 20,000 of 20,000"
        marks: dict[str, float] = page.evaluate(
            "Object.fromEntries(performance.getEntriesByType('mark').map((mark) => [mark.name, mark.startTime]))"
        )
        return marks

    marks = opened(made.replace(block, many), tmp_path, look)
    assert 0 < marks["report-begin"] <= marks["report-ready"]


def test_paper_shows_more_rows_and_no_tools(tmp_path: Path) -> None:
    def look(page: Page) -> tuple[int, bool]:
        page.emulate_media(media="print")
        page.evaluate("dispatchEvent(new Event('beforeprint'))")
        printed = page.locator("#findings tbody tr").count()
        visible = page.get_by_label("Search findings").is_visible()
        page.evaluate("dispatchEvent(new Event('afterprint'))")
        assert page.locator("#findings tbody tr").count() == 50
        return printed, visible

    said = messages([finding(f"f{number}") for number in range(60)])
    made = export(analyse(make_repository(), said), "html")
    assert opened(made, tmp_path, look) == (60, False)
