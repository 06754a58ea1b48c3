"""Asking registries, each in its own format, about the packages in use."""

from __future__ import annotations

import threading
from ipaddress import ip_network
from typing import Any

import pytest
from django.db import connection

from commandcenter.advisories import freshness
from commandcenter.advisories.matching import match_stale
from commandcenter.advisories.models import Package, PackageVersion
from commandcenter.advisories.tests.corpus import use
from commandcenter.advisories.tests.servers import Reply, serving

pytestmark = pytest.mark.django_db
OLD, NEW = "2024-01-01T00:00:00Z", "2026-01-01T00:00:00Z"
ANSWERS: dict[str, Any] = {
    "/@quill%2Fpen": {
        "dist-tags": {"latest": "2.0.0", "next": "3.0.0-rc.1"},
        "time": {"created": OLD, "modified": NEW, "1.0.0": OLD, "2.0.0": NEW, "3.0.0-rc.1": NEW},
    },
    "/pypi/ink-well/json": {
        "info": {"version": "2.0"},
        "releases": {
            "1.0": [{"upload_time_iso_8601": OLD}],
            "2.0": [{"upload_time_iso_8601": NEW}],
            "3.0": [],
        },
    },
    "/api/v1/crates/nib": {
        "crate": {"max_stable_version": "2.0.0", "max_version": "3.0.0-beta.1"},
        "versions": [{"num": "2.0.0", "created_at": NEW}, {"num": "1.0.0", "created_at": OLD}],
    },
    "/api/v1/versions/cap.json": [
        {"number": "3.0.0.rc1", "created_at": NEW, "prerelease": True},
        {"number": "2.0.0", "created_at": NEW, "prerelease": False},
        {"number": "1.0.0", "created_at": OLD, "prerelease": False},
    ],
    "/example.com/!quill/@latest": {"Version": "v2.0.0", "Time": NEW},
    "/example.com/!quill/@v/v1.0.0.info": {"Version": "v1.0.0", "Time": OLD},
    "/p2/quill/pen.json": {
        "packages": {
            "quill/pen": [
                {"version": "3.0.0-RC1", "time": NEW},
                {"version": "v2.0.0"},  # what is as in the entry before is left out
                {"version": "1.0.0", "time": OLD},
            ]
        }
    },
    "/org/quill/pen/maven-metadata.xml": (
        b"<metadata><versioning><release>2.0.0</release><versions><version>1.0.0</version>"
        b"<version>2.0.0</version></versions></versioning></metadata>"
    ),
}
CASES = [
    ("npm", "@quill/pen", "1.0.0", "2.0.0"),
    ("pypi", "ink-well", "1.0", "2.0"),
    ("cargo", "nib", "1.0.0", "2.0.0"),
    ("gem", "cap", "1.0.0", "2.0.0"),
    ("golang", "example.com/Quill", "v1.0.0", "v2.0.0"),
    ("composer", "quill/pen", "v1.0.0", "v2.0.0"),
    ("nuget", "Quill.Pen", "1.0.0", "2.0.0"),
]


def answering(method: str, path: str, _body: Any) -> Reply:
    return (200, ANSWERS[path]) if path in ANSWERS else (404, b"")


@pytest.fixture(autouse=True)
def loopback(settings: Any, monkeypatch: Any) -> None:
    settings.OUTBOUND_ALLOW = (ip_network("127.0.0.0/8"),)
    settings.REGISTRY_URLS = {}
    monkeypatch.setattr(freshness, "PER_SECOND", 1000.0)


def used(ecosystem: str, name: str, version: str) -> PackageVersion:
    row = use(ecosystem, name, version)
    match_stale(seconds=5)
    row.refresh_from_db()
    return row


def test_it_is_off_by_default() -> None:
    used("npm", "@quill/pen", "1.0.0")
    assert freshness.collect(seconds=5) == 0


@pytest.mark.parametrize(("ecosystem", "name", "version", "latest"), CASES)
def test_each_registry_is_understood(
    settings: Any, ecosystem: str, name: str, version: str, latest: str
) -> None:
    row = used(ecosystem, name, version)
    with serving(answering) as server:
        leaves = [
            {"catalogEntry": {"version": v, "published": at, "listed": listed}}
            for v, at, listed in (("1.0.0", OLD, True), ("2.0.0", NEW, True), ("3.0.0-beta", NEW, True), ("9.0.0", "1900-01-01T00:00:00Z", False))
        ]  # fmt: skip
        page = f"{server.url}/quill.pen/page/1.json"
        ANSWERS["/quill.pen/index.json"] = {"items": [{"@id": page}]}
        ANSWERS["/quill.pen/page/1.json"] = {"items": leaves}
        settings.REGISTRY_URLS = {ecosystem: server.url}
        assert freshness.collect(seconds=5) == 1
        assert freshness.collect(seconds=5) == 0, "an answer is kept"
    package = Package.objects.get()
    row.refresh_from_db()
    assert (package.latest_version, package.problem) == (latest, "")
    assert package.latest_released_at is not None
    assert row.released_at is not None
    assert (row.released_at.year, package.latest_released_at.year) == (2024, 2026)


def test_maven_tells_dates_by_the_age_of_its_files(settings: Any) -> None:
    row = used("maven", "org.quill:pen", "1.0.0")

    def maven(method: str, path: str, _body: Any) -> Reply:
        if path == "/org/quill/pen/maven-metadata.xml":
            return 200, ANSWERS[path]
        year = {"/org/quill/pen/1.0.0/pen-1.0.0.pom": 2024, "/org/quill/pen/2.0.0/pen-2.0.0.pom": 2026}.get(
            path
        )
        return (
            (404, b"") if year is None else (200, b"", {"Last-Modified": f"Thu, 01 Feb {year} 00:00:00 GMT"})
        )

    with serving(maven) as server:
        settings.REGISTRY_URLS = {"maven": server.url}
        assert freshness.collect(seconds=5) == 1
        assert {method for method, path, _ in server.asked if path.endswith(".pom")} == {"HEAD"}
    package = Package.objects.get()
    row.refresh_from_db()
    assert package.latest_version == "2.0.0"
    assert package.latest_released_at is not None
    assert row.released_at is not None
    assert (row.released_at.year, package.latest_released_at.year) == (2024, 2026)


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        ((500, b""), "status 500"),
        ((302, b""), "points elsewhere"),
        ((200, b"<html>"), "cannot be read"),
        ((200, []), "cannot be read"),
        ((200, {"dist-tags": 3, "time": {}}), "cannot be read"),
        ((404, b""), "does not have it"),
    ],
)
def test_what_cannot_be_used_is_noted_and_what_was_known_stays(
    settings: Any, reply: Reply, words: str
) -> None:
    used("npm", "@quill/pen", "1.0.0")
    Package.objects.update(latest_version="1.5.0")
    with serving(lambda *_: reply) as server:
        settings.REGISTRY_URLS = {"npm": server.url}
        assert freshness.collect(seconds=5) == 1
        assert freshness.collect(seconds=5) == 0, "it is not asked again at once"
    package = Package.objects.get()
    assert package.latest_version == "1.5.0"
    assert words in package.problem


@pytest.mark.parametrize(
    ("ecosystem", "name", "answer"),
    [
        ("maven", "org.quill:pen", b"<html>not closed"),
        ("maven", "org.quill:pen", b'<?xml version="1.0" encoding="odd"?><metadata/>'),
        ("npm", "pen", {"dist-tags": {"latest": {"odd": 1}}, "time": {}}),
        ("npm", "pen", {"dist-tags": {"latest": "1\0"}, "time": {}}),
        ("npm", "pen", {"dist-tags": {"latest": "1" * 300}, "time": {}}),
        ("pypi", "pen", {"info": {"version": 7}, "releases": {}}),
    ],
)
def test_an_odd_answer_costs_nobody_else_theirs(
    settings: Any, ecosystem: str, name: str, answer: Any
) -> None:
    used(ecosystem, name, "1.0.0")
    with serving(lambda *_: (200, answer)) as server:
        settings.REGISTRY_URLS = {ecosystem: server.url}
        assert freshness.collect(seconds=5) == 1
    package = Package.objects.get()
    assert (package.latest_version, "cannot be read" in package.problem) == (None, True)


def test_odd_versions_and_times_are_left_out(settings: Any) -> None:
    row = used("gem", "cap", "1.0.0")
    answer = [
        {"number": "2.0.0", "created_at": NEW},
        {"number": "1.0.0", "created_at": "0001-01-01T00:00:00+05:00"},
        {"number": 7, "created_at": OLD},
        {"number": "1" * 300, "created_at": OLD},
    ]
    with serving(lambda *_: (200, answer)) as server:
        settings.REGISTRY_URLS = {"gem": server.url}
        assert freshness.collect(seconds=5) == 1
    row.refresh_from_db()
    assert (Package.objects.get().latest_version, row.released_at) == ("2.0.0", None)


def test_a_registry_that_fails_again_and_again_is_left_alone(settings: Any) -> None:
    for number in range(8):
        used("npm", f"p{number}", "1.0.0")
    with serving(lambda *_: (503, b"")) as server:
        settings.REGISTRY_URLS = {"npm": server.url}
        assert freshness.collect(seconds=5) == freshness.FAILURES


@pytest.mark.django_db(transaction=True)
def test_of_two_that_collect_at_once_one_asks(settings: Any) -> None:
    used("npm", "@quill/pen", "1.0.0")
    asked, go_on, counts = threading.Event(), threading.Event(), []

    def slow(method: str, path: str, body: Any) -> Reply:
        asked.set()
        go_on.wait(60)
        return answering(method, path, body)

    def first() -> None:
        try:
            counts.append(freshness.collect(seconds=5))
        finally:
            connection.close()

    with serving(slow) as server:
        settings.REGISTRY_URLS = {"npm": server.url}
        thread = threading.Thread(target=first)
        thread.start()
        try:
            assert asked.wait(60)
            assert freshness.collect(seconds=5) == 0
        finally:
            go_on.set()
            thread.join()
    assert (counts, len(server.asked)) == ([1], 1)
