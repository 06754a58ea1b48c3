"""One attempt against receivers that behave and receivers that do not."""

from __future__ import annotations

import base64
import json
import socket
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from standardwebhooks import Webhook, WebhookVerificationError

from commandcenter.core.signing import key_of, new_secret
from webhooks.sending.attempt import MAX_BODY, attempt
from webhooks.sending.dialing import lines
from webhooks.sending.letter import Letter
from webhooks.tests.receiver import (
    Manner,
    Receiver,
    answers,
    drips,
    keeps_silent,
    late,
    pours,
    receiving,
    says,
)

LOOPBACK = (ip_network("127.0.0.0/8"),)
HEAD = b"HTTP/1.1 200 OK\r\n"
SHORT = 0.4  # seconds, where the deadline is what ends it


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as one:
        yield one


@pytest_asyncio.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with lines(LOOPBACK) as one:
        yield one


@pytest.fixture
def secret() -> str:
    return new_secret()


@pytest.fixture
def letter(receiver: Receiver, secret: str) -> Letter:
    body = json.dumps({"type": "job.completed", "data": {"name": "Zo\u00eb"}}).encode()
    return Letter(f"{receiver.url}/hook", "0192-id", 7, body, [key_of(secret)])


async def test_what_is_sent_verifies_and_nothing_of_it_is_changed(
    session: aiohttp.ClientSession, receiver: Receiver, letter: Letter, secret: str
) -> None:
    receiver.plan.append(answers(202, b"thanks", X_Request="r1", Set_Cookie="a=b"))
    outcome = await attempt(session, letter)
    (got,) = receiver.got
    assert Webhook(secret).verify(got.body, got.headers) == json.loads(letter.body)
    assert (got.body, got.headers["webhook-id"], got.headers["webhook-sequence"]) == (
        letter.body,
        "0192-id",
        "7",
    )
    assert (got.headers["content-type"], got.path) == ("application/json", "/hook")
    assert got.headers["user-agent"].startswith("command-center/")
    assert (outcome.status, outcome.error, outcome.body) == (202, "", b"thanks")
    assert (outcome.headers["x-request"], outcome.address) == ("r1", "127.0.0.1")
    assert "set-cookie" not in outcome.headers
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(got.body + b" ", got.headers)


@pytest.mark.parametrize(
    "path",
    [
        "/hook?sig=a%2Fb%3D%2B+c&to=http%3A%2F%2Fx",
        "/a%2Fb/../c//d;e=1",
        "/?x=%41|%7e",
        "/%zz",
        "?only=query",
    ],
)
async def test_an_address_is_asked_for_as_it_was_entered(
    session: aiohttp.ClientSession, receiver: Receiver, letter: Letter, path: str
) -> None:
    """Some receivers sign their own addresses: one that means the same and is written otherwise is refused."""
    outcome = await attempt(session, replace(letter, url=receiver.url + path))
    assert outcome.status == 204
    assert [got.path for got in receiver.got] == [path if path.startswith("/") else f"/{path}"]


async def test_during_a_rotation_the_old_secret_verifies_as_well(
    session: aiohttp.ClientSession, receiver: Receiver, letter: Letter, secret: str
) -> None:
    newer = new_secret()
    await attempt(session, replace(letter, keys=[key_of(newer), key_of(secret)]))
    (got,) = receiver.got
    for each in (secret, newer):
        Webhook(each).verify(got.body, got.headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(new_secret()).verify(got.body, got.headers)


async def test_headers_of_the_endpoint_go_along_and_cannot_forge_ours(
    session: aiohttp.ClientSession, receiver: Receiver, letter: Letter, secret: str
) -> None:
    headers = {"Authorization": "Bearer x", "Webhook-Id": "forged", "CONTENT-TYPE": "text/plain"}
    await attempt(session, replace(letter, headers=headers))
    (got,) = receiver.got
    assert got.headers["authorization"] == "Bearer x"
    assert (got.headers["webhook-id"], got.headers["content-type"]) == ("0192-id", "application/json")
    Webhook(secret).verify(got.body, got.headers)


async def test_a_connection_is_used_again_and_cookies_are_not_kept(
    session: aiohttp.ClientSession, receiver: Receiver, letter: Letter
) -> None:
    receiver.plan.extend([answers(200, b"ok", Set_Cookie="tenant=1; Path=/")] * 3)
    seen = [await attempt(session, letter) for _ in range(3)]
    assert [each.address for each in seen] == ["127.0.0.1"] * 3
    assert receiver.connections == 1
    assert not any("cookie" in got.headers for got in receiver.got)


@pytest.mark.parametrize(
    ("manner", "expected"),
    [
        (answers(500, b"oops"), (500, "http")),
        (answers(410), (410, "gone")),
        (answers(301, Location="/elsewhere"), (301, "redirect")),
        (answers(307, Location="http://169.254.169.254/"), (307, "redirect")),
        (says(b""), (None, "closed")),
        (says(b"SSH-2.0-OpenSSH_9.9\r\n\r\n"), (None, "protocol")),
        (says(HEAD + b"A: " + b"x" * 20_000 + b"\r\n\r\n"), (None, "protocol")),
        (keeps_silent, (None, "timeout")),
        (late(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 2 * SHORT), (None, "timeout")),
        (drips(b"", b"HTTP/1.1 102 Processing\r\n\r\n"), (None, "timeout")),
        (pours(HEAD, 1 << 33, b"A: b\r\n" * 1000), (None, "protocol")),
        (drips(HEAD, b"A: b\r\n"), (None, "timeout|protocol")),
        (says(HEAD + b"Content-Length: 100\r\n\r\nhalf"), (200, "")),
        (drips(HEAD + b"\r\n", b"x"), (200, "")),
    ],
    ids=[
        "500",
        "gone",
        "redirect",
        "redirect-inside",
        "closes",
        "no-http",
        "long-header",
        "silent",
        "late",
        "processing-for-ever",
        "endless-headers",
        "dripping-headers",
        "half-a-body",
        "dripping-body",
    ],
)
async def test_a_rude_receiver_ends_within_the_deadline(
    session: aiohttp.ClientSession,
    receiver: Receiver,
    letter: Letter,
    manner: Manner,
    expected: tuple[int | None, str],
) -> None:
    status, error = expected
    receiver.plan.append(manner)
    outcome = await attempt(session, replace(letter, seconds=SHORT))
    assert outcome.status == status
    assert outcome.error in error.split("|")
    assert bool(outcome.detail) == bool(error)
    assert len(receiver.got) == 1
    polite = await attempt(session, letter)
    assert (polite.status, polite.error) == (204, ""), "and the next one is as if nothing had been"


async def test_a_receiver_that_never_reads_is_given_up(
    session: aiohttp.ClientSession, letter: Letter
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        url = f"http://127.0.0.1:{deaf.getsockname()[1]}/hook"
        outcome = await attempt(session, replace(letter, url=url, body=bytes(64 << 20), seconds=SHORT))
    assert (outcome.status, outcome.error) == (None, "timeout")
    assert outcome.duration_ms < 10_000


async def test_sent_again_later_it_has_the_same_id_and_bytes_and_is_signed_anew(
    session: aiohttp.ClientSession, receiver: Receiver, letter: Letter, secret: str
) -> None:
    now = datetime.now(UTC)
    older, newer = secret, new_secret()
    both = replace(letter, keys=[key_of(newer), key_of(older)])
    await attempt(session, both, clock=lambda: now - timedelta(minutes=4))
    await attempt(session, both, clock=lambda: now)
    first, again = receiver.got
    for each in (older, newer):
        Webhook(each).verify(first.body, first.headers)
        Webhook(each).verify(again.body, again.headers)
    assert (first.body, first.headers["webhook-id"]) == (again.body, again.headers["webhook-id"])
    assert int(again.headers["webhook-timestamp"]) - int(first.headers["webhook-timestamp"]) == 240
    assert first.headers["webhook-signature"] != again.headers["webhook-signature"]


async def test_of_ten_gigabytes_the_first_64_kib_are_read(
    session: aiohttp.ClientSession, receiver: Receiver, letter: Letter
) -> None:
    receiver.plan.append(pours(HEAD + b"Content-Length: 10000000000\r\n\r\n", 10**10))
    outcome = await attempt(session, letter)
    assert (outcome.status, outcome.error, outcome.body_cut) == (200, "", True)
    assert outcome.body == bytes(MAX_BODY)
    assert receiver.sent < 64 << 20, "the connection was closed, not drained"


async def test_a_packed_body_is_not_unpacked(
    session: aiohttp.ClientSession, receiver: Receiver, letter: Letter
) -> None:
    receiver.plan.append(answers(200, b"\x1f\x8b\x00 not even gzip", Content_Encoding="gzip"))
    outcome = await attempt(session, letter)
    assert (outcome.error, outcome.body) == ("", b"\x1f\x8b\x00 not even gzip")
    assert receiver.got[0].headers["accept-encoding"] == "identity"


async def test_retry_after_is_read_as_a_number_and_as_a_date(
    session: aiohttp.ClientSession, receiver: Receiver, letter: Letter
) -> None:
    hour = (datetime.now(UTC) + timedelta(hours=1)).strftime("%a, %d %b %Y %H:%M:%S GMT")
    receiver.plan.extend([answers(429, Retry_After="120"), answers(503, Retry_After=hour)])
    assert (await attempt(session, letter)).asked == 120
    assert 3500 < ((await attempt(session, letter)).asked or 0) <= 3600


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "2130706433",
        "0x7f.1",
        "0177.0.0.1",
        "127.1",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "\uff11\uff12\uff17.0.0.1",
    ],
)
async def test_no_spelling_of_an_address_inside_is_dialled(
    receiver: Receiver, letter: Letter, host: str
) -> None:
    port = receiver.url.rpartition(":")[2]
    async with lines(()) as session:
        outcome = await attempt(session, replace(letter, url=f"http://{host}:{port}/hook"))
    assert outcome.error in {"forbidden_address", "url"}
    assert outcome.status is None
    assert receiver.connections == 0


async def test_a_name_that_comes_to_mean_an_address_inside_is_not_dialled(
    receiver: Receiver, letter: Letter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rebinding: its owner answers with an address that may be dialled once, and with one that may not ever after."""
    given = iter(["127.0.0.1"])

    def look_up(host: str, port: int, *_: Any, **__: Any) -> list[Any]:
        return [(2, 1, 6, "", (next(given, "10.0.0.1"), port))]

    monkeypatch.setattr("commandcenter.outbound.socket.getaddrinfo", look_up)
    url = receiver.url.replace("127.0.0.1", "rebinding.example")
    async with lines(LOOPBACK) as session:
        first = await attempt(session, replace(letter, url=f"{url}/hook"))
        assert (first.status, first.address) == (204, "127.0.0.1")
    async with lines(LOOPBACK) as session:
        second = await attempt(session, replace(letter, url=f"{url}/hook"))
    assert (second.error, second.status, second.address) == ("forbidden_address", None, "")
    assert len(receiver.got) == 1


async def test_a_proxy_of_the_environment_is_not_asked(
    session: aiohttp.ClientSession, receiver: Receiver, letter: Letter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    assert (await attempt(session, letter)).status == 204


async def test_a_secret_is_used_as_its_bytes(letter: Letter, secret: str) -> None:
    assert letter.keys == [base64.b64decode(secret.removeprefix("whsec_"))]
