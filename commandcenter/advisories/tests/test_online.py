"""Asking an online database: about what, how often, and what becomes of answers that cannot be used."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import closing
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from commandcenter.advisories import lookup, online
from commandcenter.advisories.importing import import_dump
from commandcenter.advisories.matching import match_stale
from commandcenter.advisories.models import Advisory, PackageVersion
from commandcenter.advisories.tests.corpus import HIGH, affected, record, since, use, write_zip
from commandcenter.advisories.tests.servers import Reply, serving
from commandcenter.core.fetching import FetchError, fetch

pytestmark = pytest.mark.django_db
PEN = record("GHSA-pen", affected("npm", "pen", *since("0", "1.2.0")), severity=[HIGH])
INK = record("GHSA-ink", affected("npm", "pen", *since("0", "1.9.0")))


@pytest.fixture(autouse=True)
def loopback(settings: Any) -> None:
    settings.OUTBOUND_ALLOW = (ip_network("127.0.0.0/8"),)
    settings.OSV_HOURS = 24


def osv(_method: str, path: str, body: Any) -> Reply:
    """A small database with one problem of `pen` on the first page of an answer and one on the second."""
    if path == "/v1/querybatch":
        results: list[Any] = []
        for query in body["queries"]:
            if query["package"]["name"] != "pen":
                results.append({})
            elif "page_token" in query:
                results.append({"vulns": [{"id": "GHSA-ink", "modified": INK["modified"]}]})
            else:
                vulns = [{"id": "GHSA-pen", "modified": PEN["modified"]}]
                results.append({"vulns": vulns, "next_page_token": "more"})
        return 200, {"results": results}
    found = {"/v1/vulns/GHSA-pen": PEN, "/v1/vulns/GHSA-ink": INK}.get(path)
    return (200, found) if found else (404, {})


def test_it_is_off_by_default() -> None:
    use("npm", "pen", "1.0.0")
    assert online.collect(seconds=5) == 0


def test_it_is_asked_about_each_package_once_until_its_answer_is_old(settings: Any) -> None:
    rows = [use("npm", "pen", "1.0.0"), use("npm", "cap", "1.0.0"), use("docker", "x", "1")]
    with serving(osv) as server:
        settings.OSV_URL = server.url
        assert online.collect(seconds=5) == 2
        assert online.collect(seconds=5) == 0
        match_stale(seconds=5)
        known = lookup.known(row.purl for row in rows)
        assert [each["id"] for each in known[rows[0].purl].vulnerabilities or ()] == ["GHSA-pen", "GHSA-ink"]
        assert known[rows[1].purl].vulnerabilities == []
        assert known[rows[2].purl].vulnerabilities is None
        asked = len(server.asked)
        PackageVersion.objects.update(asked_at="2026-01-01T00:00:00Z")
        assert online.collect(seconds=5) == 2
        assert len(server.asked) - asked == 2, "two pages, and no record that is here in this edition"


@pytest.mark.django_db(transaction=True)
def test_of_two_that_collect_at_once_one_asks(settings: Any) -> None:
    use("npm", "cap", "1.0.0")
    asked, go_on, counts = threading.Event(), threading.Event(), []

    def slow(method: str, path: str, body: Any) -> Reply:
        asked.set()
        go_on.wait(60)
        return osv(method, path, body)

    def first() -> None:
        try:
            counts.append(online.collect(seconds=5))
        finally:
            connection.close()

    with serving(slow) as server:
        settings.OSV_URL = server.url
        thread = threading.Thread(target=first)
        thread.start()
        try:
            assert asked.wait(60)
            assert online.collect(seconds=5) == 0
        finally:
            go_on.set()
            thread.join()
    assert (counts, len(server.asked)) == ([1], 1)


def test_an_ecosystem_with_a_fresh_import_is_not_asked_about(settings: Any, tmp_path: Path) -> None:
    import_dump(write_zip(tmp_path / "all.zip", [PEN]))
    use("npm", "pen", "1.0.0")
    use("pypi", "pen", "1.0")
    with serving(osv) as server:
        settings.OSV_URL = server.url
        assert online.collect(seconds=5) == 1
        assert server.asked[0][2]["queries"][0]["package"]["ecosystem"] == "PyPI"


@pytest.mark.parametrize(
    "reply",
    [
        lambda *_: (500, {}),
        lambda *_: (302, {}),
        lambda *_: (200, b"<html>"),
        lambda *_: (200, {"results": []}),
        lambda *_: (200, {"results": "x"}),
        lambda *_: (200, {"results": [{"vulns": [{"id": "../../x"}]}]}),
        lambda _m, path, _b: (200, {"results": [{"vulns": [{"id": "A-1"}]}]}) if "query" in path else (404, {}),
        lambda _m, path, _b: (200, {"results": [{"vulns": [{"id": "A-1"}]}]}) if "query" in path else (200, {}),
        lambda _m, path, _b: (200, {"results": [{"vulns": [{"id": "A-1"}]}]}) if "query" in path else (200, PEN),
        lambda *_: (200, {"results": [{"next_page_token": "for ever"}]}),
    ],
)  # fmt: skip
def test_an_answer_that_cannot_be_used_leaves_the_question_open(settings: Any, reply: Any) -> None:
    row = use("npm", "pen", "1.0.0")
    with serving(reply) as server:
        settings.OSV_URL = server.url
        assert online.collect(seconds=5) == 0
    match_stale(seconds=5)
    row.refresh_from_db()
    assert row.asked_at is None
    assert lookup.known([row.purl])[row.purl].vulnerabilities is None
    assert not Advisory.objects.exists()


def test_a_record_that_cannot_be_used_holds_up_nobody_else(settings: Any) -> None:
    def broken(method: str, path: str, body: Any) -> Reply:
        if path == "/v1/querybatch" and "page_token" not in body["queries"][0]:
            named = {"cap": "GHSA-broken", "lid": "GHSA-gone"}
            results = [
                {"vulns": [{"id": named[name]}]} if (name := query["package"]["name"]) in named else result
                for query, result in zip(body["queries"], osv(method, path, body)[1]["results"], strict=True)
            ]
            return 200, {"results": results}
        return (200, {"id": "x"}) if path == "/v1/vulns/GHSA-broken" else osv(method, path, body)

    for name in ("cap", "lid", "pen"):
        use("npm", name, "1.0.0")
    with serving(broken) as server:
        settings.OSV_URL = server.url
        assert online.collect(seconds=5) == 1
    asked = PackageVersion.objects.filter(asked_at__isnull=False)
    assert list(asked.values_list("spelling", flat=True)) == ["pen"]
    assert Advisory.objects.count() == 2


@pytest.mark.parametrize("reply", [(500, {}), (200, b" " * (9 << 20))])
def test_a_record_that_does_not_come_holds_up_nobody_else(settings: Any, reply: Reply) -> None:
    def failing(method: str, path: str, body: Any) -> Reply:
        if path == "/v1/querybatch" and "page_token" not in body["queries"][0]:
            results = osv(method, path, body)[1]["results"]
            return 200, {"results": [result or {"vulns": [{"id": "GHSA-odd"}]} for result in results]}
        return reply if path == "/v1/vulns/GHSA-odd" else osv(method, path, body)

    for name in ("cap", "pen"):
        use("npm", name, "1.0.0")
    with serving(failing) as server:
        settings.OSV_URL = server.url
        assert online.collect(seconds=5) == 1
    asked = PackageVersion.objects.filter(asked_at__isnull=False)
    assert list(asked.values_list("spelling", flat=True)) == ["pen"]


@pytest.mark.parametrize(("status", "records"), [(503, online.FAILURES), (429, 1)])
def test_a_database_that_gives_no_records_is_left_alone(settings: Any, status: int, records: int) -> None:
    def failing(method: str, path: str, body: Any) -> Reply:
        if path == "/v1/querybatch":
            return 200, {"results": [{"vulns": [{"id": f"GHSA-{number}"} for number in range(50)]}]}
        return status, {}

    use("npm", "pen", "1.0.0")
    with serving(failing) as server:
        settings.OSV_URL = server.url
        assert online.collect(seconds=5) == 0
        assert len(server.asked) == 1 + records


@pytest.mark.parametrize("answer", [b" " * (9 << 20), None])
def test_what_is_too_much_for_one_question_is_asked_in_parts(settings: Any, answer: bytes | None) -> None:
    def much(method: str, path: str, body: Any) -> Reply:
        if path == "/v1/querybatch" and len(body["queries"]) > 1:
            pages = {"results": [{"next_page_token": "for ever"} for _ in body["queries"]]}
            return 200, answer if answer is not None else pages
        return osv(method, path, body)

    for name in ("cap", "lid", "pen"):
        use("npm", name, "1.0.0")
    with serving(much) as server:
        settings.OSV_URL = server.url
        assert online.collect(seconds=20) == 3


def test_what_was_never_asked_about_comes_first(settings: Any) -> None:
    old, new = use("npm", "pen", "1.0.0"), use("npm", "cap", "1.0.0")
    PackageVersion.objects.filter(pk=old.pk).update(asked_at="2026-01-01T00:00:00Z")
    assert [row.pk for row in online.due()] == [new.pk, old.pk]


def test_a_private_address_is_not_dialled_unless_it_is_allowed(settings: Any) -> None:
    settings.OUTBOUND_ALLOW = ()
    with serving(osv) as server:
        with pytest.raises(FetchError, match="CC_OUTBOUND_ALLOW"):
            fetch(server.url)
        assert server.asked == []


def test_what_says_too_much_is_cut() -> None:
    with (
        serving(lambda *_: (200, b"x" * (2 << 20))) as server,
        pytest.raises(FetchError, match="more than 1 MiB"),
    ):
        fetch(server.url, limit=1 << 20)


def test_a_server_that_drips_is_left_at_the_deadline() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:

        def drip() -> None:
            peer, _ = listener.accept()
            with closing(peer):
                try:
                    peer.sendall(b"HTTP/1.1 200 OK\r\n")
                    while True:
                        peer.sendall(b"X-Drip: 1\r\n")
                        time.sleep(0.05)
                except OSError:
                    return

        thread = threading.Thread(target=drip, daemon=True)
        thread.start()
        began = time.monotonic()
        with pytest.raises(FetchError, match="took longer"):
            fetch(f"http://127.0.0.1:{listener.getsockname()[1]}/", seconds=0.5)
        assert time.monotonic() - began < 4
        thread.join(5)


def test_an_answer_that_ends_too_early_is_no_answer() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:

        def half() -> None:
            peer, _ = listener.accept()
            with closing(peer):
                peer.recv(65536)
                peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{}")

        thread = threading.Thread(target=half, daemon=True)
        thread.start()
        with pytest.raises(FetchError, match="broke off"):
            fetch(f"http://127.0.0.1:{listener.getsockname()[1]}/", seconds=5)
        thread.join(5)
