"""Nothing that stands in an address breaks a page or a call that shows rules, technologies, licences or advisories."""

from __future__ import annotations

import base64
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from django.test import Client

from commandcenter.analysis.models import Finding
from commandcenter.analysis.tests.factories import (
    analyse,
    dependency_row,
    file_row,
    finding,
    license_row,
    messages,
    technology_row,
)
from commandcenter.dashboard.tests.conftest import LISTS, World, signed_in


def cursor(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


RUBBISH = [
    "%00",
    "a%00b",
    "9" * 30,
    "%ED%A0%80%FF",
    "%E2%80%AE%F0%9F%98%80",
    quote("<script>alert(1)</script>'\"\\"),
    "x" * 10_000,
    "-".join(["9" * 18] * 2),
    cursor("[0,1.5]"),
    cursor('[0,"ruff","a\\u0000"]'),
    cursor("[" * 400),
]
PAGES = {
    "/rules/": "q engine severity cwe tag show before after",
    "/technologies/": "q domain status project before after",
    "/technologies/radar/": "project",
    "/technologies/drift/": "project",
    "/technologies/uses/": "name version project before after",
    "/technologies/uses/?name=Django&": "version project before after",
    "/technologies/new/": "project name domain",
    "/technologies/{technology}/": "x",
    "/advisories/": "q severity ecosystem fixed project before after",
    "/analyses/{analysis}/licenses/": "q place known before after",
    "/analyses/{analysis}/gaps/": "severity check before",
    "/schedules/": "q project repository type tag health before after",
    "/schedules/new/": "project repository",
    "/schedules/repositories/": "project repository",
    "/schedules/calendar/": "view date zone project before after",
    "/portfolio/": "project sort before after",
    "/dependencies/": "q ecosystem project before after",
    "/findings/": "rule engine q cursor before after",
}
CALLS = {
    "/api/v1/rules": "engine severity cwe tag search retired limit cursor",
    "/api/v1/technologies/radar": "project limit cursor",
    "/api/v1/technologies/drift": "project limit",
    "/api/v1/technologies/uses": "name version project limit cursor",
    "/api/v1/technologies/uses?name=Django&": "version project limit cursor",
    "/api/v1/technologies/{technology}/usage": "limit cursor",
    "/api/v1/analyses/{analysis}/licenses": "spdx place source known limit cursor",
    "/api/v1/analyses/{analysis}/gaps": "severity check limit cursor",
    "/api/v1/advisories": "package ecosystem severity alias withdrawn limit cursor",
    "/api/v1/advisories/GHSA-1/affected": "limit cursor",
    "/api/v1/dependencies": "purl name version ecosystem vulnerable limit cursor",
    "/api/v1/freshness": "project",
    "/api/v1/schedules/timeline": "from until project limit cursor",
}


@pytest.fixture
def licensed(world: World) -> World:
    world.analysis = analyse(
        world.repository, messages(licenses=[license_row("MIT"), license_row(None, path="COPYING")])
    )
    return world


def answers(client: Client, path: str, names: str, world: World) -> list[tuple[str, Any]]:
    filled = path.format(technology=world.technology.pk, analysis=world.analysis.pk)
    way = filled if filled.endswith("&") else f"{filled}?"
    addresses = [f"{way}{name}={value}" for name in names.split() for value in RUBBISH]
    return [(address[:120], client.get(address)) for address in addresses]


@pytest.mark.parametrize("path", PAGES)
def test_a_page_takes_what_makes_no_sense_as_absent(licensed: World, path: str) -> None:
    for address, answer in answers(signed_in(licensed.viewer), path, PAGES[path], licensed):
        assert answer.status_code in {200, 404}, address
        assert b"<script>alert" not in answer.content, address


@pytest.mark.parametrize("path", CALLS)
def test_a_call_answers_or_says_what_is_wrong(licensed: World, path: str) -> None:
    for address, answer in answers(signed_in(licensed.viewer), path, CALLS[path], licensed):
        assert answer.status_code in {200, 400, 404}, address
        if answer.status_code != 200:
            assert answer["Content-Type"] == "application/problem+json", address


@pytest.mark.parametrize(
    "name", ["%00", "..", "..%2F..", "a/../b", "%2e%2e", "%25", "%ff", "x" * 10_000, "a%0Ab", "%E2%80%AE"]
)
def test_names_in_paths_are_found_or_not(world: World, name: str) -> None:
    client = signed_in(world.viewer)
    for path in ("/rules/ruff/{}/", "/rules/{}/S105/", "/advisories/{}/", "/api/v1/rules/ruff/{}", "/api/v1/rules/{}/S105",
                 "/api/v1/advisories/{}", "/api/v1/advisories/{}/affected", "/technologies/{}/", "/findings/{}/code/"):  # fmt: skip
        assert client.get(path.format(name)).status_code == 404, path


FORMS: list[dict[str, str]] = [
    {"project": "x"},
    {"project": "9" * 30},
    {"name": "a\0b"},
    {"name": "x" * 201},
    {"priority": "9" * 30},
    {"relevance_score": "NaN"},
    {"relevance_score": "1e5"},
    {"domain": "none"},
    {"status": "\u202e"},
    {"description": "x" * 10_001},
    {"notes": "\0"},
]


@pytest.mark.parametrize("changes", FORMS)
def test_a_form_that_cannot_be_taken_comes_back(world: World, changes: dict[str, str]) -> None:
    whole = {"project": str(world.project.pk), "name": "Kafka", "domain": "data", "status": "discovery", "priority": "3",
             "relevance_score": "50"}  # fmt: skip
    answer = signed_in(world.operator).post("/technologies/new/", {**whole, **changes})
    assert answer.status_code == 400
    assert not world.project.technologies.filter(name="Kafka").exists()


def test_what_a_repository_says_is_shown_as_it_is(world: World) -> None:
    """Markup is text, and a path cannot pretend to be another one."""
    hostile = "\"><img src=x onerror=alert(1)>'"
    named = technology_row(
        hostile, version=hostile, evidence=[{"path": f"{hostile}\u202egpj.exe", "line": 1}]
    )
    said = messages(
        [finding("x", path=f"src/{hostile}\u202egpj.py", message=hostile)],
        files=[file_row(f"src/{hostile}\u202egpj.py")],
        dependencies=[dependency_row(hostile, "1", path=f"{hostile}\u202etxt")],
        technologies=[named],
        licenses=[license_row(None, path=f"{hostile}\u202eLICENSE", name=hostile)],
    )
    world.analysis = analyse(world.repository, said)
    world.finding = Finding.objects.latest("pk").pk
    client = signed_in(world.viewer)
    addresses = [*world.paths(), *LISTS, f"/technologies/uses/?{urlencode({'name': hostile})}"]
    pages = {address: client.get(address).content.decode() for address in addresses}
    assert not [address for address, page in pages.items() if "<img src=x" in page]
    for address in (f"/findings/{world.finding}/", f"/analyses/{world.analysis.pk}/licenses/", addresses[-1]):
        assert "\\u202e" in pages[address], address
        assert "\u202e" not in pages[address], address
