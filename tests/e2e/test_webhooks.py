"""Webhooks as a person meets them: an endpoint is made, its secret shown once, a test arrives, and every state."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from standardwebhooks.webhooks import Webhook

from tests.accessibility import complaints
from tests.e2e.api import wait_for_first_analysis
from tests.embedded.running import Up
from tests.webhooks_scene import WebhooksScene
from webhooks.tests.receiver import receiving

pytestmark = [pytest.mark.browser, pytest.mark.process, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def scene(platform: Up) -> Iterator[WebhooksScene]:
    """Endpoints in every state."""
    with receiving() as receiver:
        made = WebhooksScene(platform, wait_for_first_analysis(platform), receiver)
        made.make()
        yield made


@pytest.mark.parametrize(("theme", "width"), [("light", 1366), ("dark", 360)])
def test_every_state_can_be_used_by_everybody(
    scene: WebhooksScene, opened: Callable[..., Page], theme: Any, width: int
) -> None:
    page = opened(color_scheme=theme, viewport={"width": width, "height": 768})
    found = {}
    for name, path in scene.pages.items():
        page.goto(f"/{path}")
        page.wait_for_load_state("networkidle")
        found[name] = complaints(page)
    page.goto("/webhooks/new/")
    for summary in page.locator(".picker summary").all():
        summary.click()
    found["picker"] = complaints(page)
    assert {name: said for name, said in found.items() if said} == {}


def test_an_endpoint_is_made_and_told(scene: WebhooksScene, opened: Callable[..., Page]) -> None:
    page = opened()
    page.goto("/webhooks/")
    page.get_by_role("link", name="New endpoint").click()
    address = page.get_by_label("Address")
    address.fill("http://127.0.0.1:0/")
    address.blur()
    expect(page.locator("#url-said")).to_contain_text("Port 0")
    address.fill(f"{scene.receiver.url}/made-by-hand")
    address.blur()
    expect(page.locator("#url-said")).to_contain_text("may be dialled")
    page.get_by_label("Description").fill("Made by hand")
    page.get_by_role("checkbox", name="All events").check()
    page.get_by_role("button", name="Make endpoint").click()

    secret = page.locator("#endpoint-secret").inner_text()
    assert secret.startswith("whsec_")
    assert complaints(page) == []
    page.reload()
    expect(page.get_by_role("heading", name="Made by hand")).to_be_visible()
    assert secret not in page.content()

    page.get_by_role("button", name="Send a test").click()
    page.wait_for_url(re.compile(r"/webhooks/deliveries/\d+/$"))
    expect(page.locator(".attempts li")).to_contain_text("It arrived")
    expect(page.locator("#delivery-live .badge").first).to_have_text("Delivered")
    (got,) = [each for each in scene.receiver.got if each.path == "/made-by-hand"]
    Webhook(secret).verify(got.body, got.headers)

    page.get_by_role("link", name="Its answer").click()
    expect(page.locator("#answer")).to_contain_text("Its body was empty.")
    page.get_by_role("link", name="Show as curl").click()
    expect(page.get_by_label("Command")).to_contain_text("webhook-signature: v1,")
    assert complaints(page) == []


def test_a_secret_is_replaced_and_an_endpoint_removed(
    scene: WebhooksScene, opened: Callable[..., Page]
) -> None:
    endpoint = scene.endpoint("/fine", description="Not for long")
    page = opened()
    page.goto(f"/webhooks/{endpoint}/")
    page.locator("summary", has_text="New secret").click()
    page.get_by_label("The one before signs as well for").select_option("0")
    page.get_by_role("button", name="Make a new secret").click()
    assert page.locator("#endpoint-secret").inner_text().startswith("whsec_")
    page.get_by_role("link", name="I have it").click()
    page.locator("summary", has_text="Delete").click()
    page.get_by_role("button", name="Delete Not for long").click()
    expect(page.get_by_role("status").first).to_contain_text("The endpoint is deleted")
    expect(page.locator("#endpoints")).not_to_contain_text("Not for long")
