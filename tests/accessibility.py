"""Asks axe, and the page itself, what would keep somebody from using it."""

from __future__ import annotations

from importlib.resources import files
from typing import Any

from playwright.sync_api import Page

AXE = (files("axe_playwright_python") / "axe.min.js").read_text()
WANTED = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]


def complaints(page: Page) -> list[str]:
    """Return each violation of WCAG 2.1 AA that axe finds as it stands, with its first places, and a page too wide."""
    page.evaluate(AXE)
    found: dict[str, Any] = page.evaluate(
        "(tags) => axe.run(document, {runOnly: tags, resultTypes: ['violations']})", WANTED
    )
    said = []
    for rule in found["violations"]:
        places = [str(node["target"]) for node in rule["nodes"]]
        said.append(f"{rule['id']}: {rule['help']} ({len(places)}) {' '.join(places[:3])}")
    wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    return [*said, f"{wide} px too wide"] if wide > 0 else said
