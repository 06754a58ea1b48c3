"""`make screenshots`: pictures of every page in both themes and at two widths, for the eye, in build/screenshots."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from exports.tests.github import github
from tests import chromium
from tests.e2e.api import PASSWORD, USER, call, wait_for_first_analysis
from tests.e2e.conftest import CHROMIUM_ARGUMENTS
from tests.e2e.source import write_repository
from tests.embedded.running import Up, data_folder, small_repository
from tests.exports_scene import ExportsScene
from tests.scene import RETRY_SECONDS, Scene, stalling_server
from tests.schedules_scene import SchedulesScene
from tests.webhooks_scene import WebhooksScene
from webhooks.tests.receiver import receiving

TARGET = Path(__file__).resolve().parent.parent / "build" / "screenshots"
WIDTHS = {"wide": 1366, "phone": 360}
LISTS = (
    "",
    "projects",
    "repositories",
    "technologies",
    "technologies/radar",
    "technologies/drift",
    "technologies/new",
    "analyses",
    "findings",
    "dependencies",
    "advisories",
    "portfolio",
    "rules",
    "jobs",
    "exports",
    "schedules/calendar",
    "schedules",
    "schedules/new",
    "system",
    "projects/new",
    "repositories/new",
)
TABS = (
    "findings",
    "dependencies",
    "technologies",
    "gaps",
    "licenses",
    "functions",
    "files",
    "history",
    "unread",
    "compare",
)


def main() -> int:
    """Start a platform, bring it into the states that are worth a picture, and take the pictures."""
    TARGET.mkdir(parents=True, exist_ok=True)
    for old in TARGET.glob("*.png"):
        old.unlink()
    with data_folder() as folder, stalling_server() as stalled, github() as hub, receiving() as receiver:
        write_repository(folder / "service")
        small_repository(folder).rename(folder / "small")
        up = Up(
            folder / "data",
            folder / "service",
            CC_ADMIN_USER=USER,
            CC_ADMIN_PASSWORD=PASSWORD,
            CC_RATE_LIMITS="off",
            CC_SOURCE_ROOTS=str(folder),
            CC_OUTBOUND_ALLOW="127.0.0.0/8",
            CC_JOB_RETRY_SECONDS=str(RETRY_SECONDS),
        )
        try:
            up.start_and_wait()
            token = wait_for_first_analysis(up)
            technology = {"project": 1, "name": "Django", "domain": "framework"}
            call(up, "technologies", technology, token=token)
            exports = ExportsScene(up, token, hub)
            exports.make()
            exports.end()
            schedules = SchedulesScene(up, token)
            schedules.make()
            webhooks = WebhooksScene(up, token, receiver)
            webhooks.make()
            scene = Scene(up, token, stalled)
            scene.make()
            waiting = exports.get("exports?status=queued")["results"][0]["id"]
            pages = (
                scene.pages
                | exports.pages
                | schedules.pages
                | webhooks.pages
                | {"export-waiting": f"exports/{waiting}/"}
            )
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=chromium.find(), args=CHROMIUM_ARGUMENTS)
                for theme in ("light", "dark"):
                    for name, width in WIDTHS.items():
                        context = browser.new_context(
                            base_url=f"http://localhost:{up.port}",
                            viewport={"width": width, "height": 768},
                            color_scheme="dark" if theme == "dark" else "light",
                        )
                        _pictures(context.new_page(), f"{theme}-{name}", pages)
                        context.close()
                browser.close()
        finally:
            up.end()
    sys.stdout.write(f"{TARGET}\n")
    return 0


def _pictures(page: Page, suffix: str, scenes: dict[str, str]) -> None:
    page.goto("/login/")
    _shoot(page, f"login-{suffix}")
    page.get_by_label("Username").fill(USER)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("heading", name="Overview").wait_for()
    details = [
        *(
            f"{kind}/1"
            for kind in ("projects", "repositories", "technologies", "jobs", "analyses", "exports")
        ),
        "repositories/1/edit",
        "projects/1/policy",
        "findings/1",
        "rules/ruff/S307",
        "technologies/uses/?name=Python",
    ]
    for path in (*LISTS, *details, *(f"analyses/1/{tab}" for tab in TABS), "no-such-page"):
        page.goto(f"/{path}/" if path and "?" not in path else f"/{path}")
        _shoot(page, f"{re.sub(r'[^A-Za-z0-9]+', '-', path) or 'overview'}-{suffix}")
    for name, path in {"export-menu": "/analyses/1/", "portfolio-menu": "/projects/1/"}.items():
        page.goto(path)
        page.locator("details.menu > summary").click()
        page.get_by_text("SARIF 2.1.0").click()
        _shoot(page, f"{name}-{suffix}")
    for name, path in scenes.items():
        page.goto(f"/{path}" if not path or "?" in path else f"/{path.rstrip('/')}/")
        _shoot(page, f"{name}-{suffix}")


def _shoot(page: Page, name: str) -> None:
    page.wait_for_load_state("networkidle")
    width = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    if width > 0:
        sys.stdout.write(f"{name} is {width} px too wide\n")
    page.screenshot(path=TARGET / f"{name}.png", full_page=True)


if __name__ == "__main__":
    sys.exit(main())
