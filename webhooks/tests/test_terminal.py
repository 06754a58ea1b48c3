"""`manage.py webhooks`: a receiver that verifies what our sender sends it, tests, lists, and sending in the foreground."""

from __future__ import annotations

import asyncio
import io
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from typing import Any

import aiohttp
import pytest
from django.core.management import call_command

from commandcenter.core.signing import key_of, new_secret, signature
from webhooks.keeping import rotate_secret
from webhooks.models import Delivery, Endpoint, EndpointRun
from webhooks.sending.attempt import attempt
from webhooks.sending.dialing import lines
from webhooks.sending.letter import Letter, Outcome
from webhooks.terminal.serving import MAX_BODY, Listener, Manner
from webhooks.terminal.verifying import Heard, Verdict, verify
from webhooks.terminal.wording import Arrival, Palette, shown
from webhooks.tests.factories import make_delivery, make_endpoint
from webhooks.tests.receiver import Receiver, answers, receiving

LOOPBACK = (ip_network("127.0.0.0/8"),)
OLD, NEW, OTHER = (key_of(new_secret()) for _ in range(3))
NOW = 1_800_000_000


@asynccontextmanager
async def listening(*keys: bytes, **values: Any) -> AsyncIterator[tuple[Listener, str, list[Arrival]]]:
    arrivals: list[Arrival] = []
    listener = Listener(keys=keys, say=arrivals.append, **values)
    ready: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    running = asyncio.create_task(listener.run(0, ready.set_result))
    try:
        yield listener, f"http://127.0.0.1:{await ready}/hook", arrivals
    finally:
        listener.stop.set()
        await running


async def sent(
    url: str, *keys: bytes, number: int = 1, message: str = "m1", body: bytes = b'{"type": "a.b"}'
) -> Outcome:
    async with lines(LOOPBACK) as session:
        return await attempt(session, Letter(url, message, number, body, keys))


@pytest.mark.parametrize(
    ("signed", "known", "why"),
    [
        ([NEW], [NEW], ""),
        ([NEW, OLD], [NEW, OLD], "2 of 2 signatures fit"),
        ([NEW, OLD], [OLD], "1 of 2 signatures fit"),
        ([NEW], [OLD, NEW], ""),
    ],
    ids=["one", "both", "the-old-one", "rotated"],
)
async def test_what_our_sender_signs_is_verified(signed: list[bytes], known: list[bytes], why: str) -> None:
    async with listening(*known, manner=Manner(status=503)) as (listener, url, arrivals):
        outcome = await sent(url, *signed)
    assert outcome.status == 503
    assert [each.verdict for each in arrivals] == [Verdict(True, why)]
    assert (listener.tally.requests, listener.tally.verified) == (1, 1)


async def test_a_stranger_is_told_apart_and_spoils_no_sequence() -> None:
    async with listening(NEW) as (listener, url, arrivals):
        await sent(url, OTHER, number=900)
        for number, message in ((1, "m1"), (2, "m2"), (2, "m2"), (5, "m5"), (4, "m4"), (7, "m7")):
            await sent(url, NEW, number=number, message=message)
    places = ["", "", "", "again", "gap: 3 to 4 are missing", "late", "gap: 6 is missing"]
    assert [each.place for each in arrivals] == places
    assert [each.verdict.verified for each in arrivals] == [False, *[True] * 6]
    tally = listener.tally
    assert (tally.requests, tally.verified, tally.again, tally.gaps) == (7, 6, 1, 2)


async def test_what_is_no_webhook_is_answered_and_bounded() -> None:
    async with listening(NEW) as (listener, url, _), aiohttp.ClientSession() as session:
        async with session.get(url) as answer:
            assert (answer.status, answer.headers["Allow"]) == (405, "POST")
        async with session.post(url, data=bytes(MAX_BODY + 1)) as answer:
            assert answer.status == 413
        assert listener.tally.requests == 0
        async with session.post(url, data=b"\xff\x00") as answer:
            assert answer.status == 204
    assert (listener.tally.requests, listener.tally.verified) == (1, 0)


def headers(*keys: bytes, at: int = NOW, body: bytes = b"{}", **changed: str) -> dict[str, str]:
    given = {
        "webhook-id": "m",
        "webhook-timestamp": str(at),
        "webhook-signature": " ".join(signature(key, "m", at, body) for key in keys),
    }
    return given | {f"webhook-{name}": value for name, value in changed.items()}


@pytest.mark.parametrize(
    ("given", "why"),
    [
        (headers(), "webhook-signature missing"),
        (headers(NEW, id="", timestamp=""), "webhook-id, webhook-timestamp missing"),
        (headers(NEW, timestamp="soon"), "webhook-timestamp is no number of seconds"),
        (headers(NEW, timestamp="9" * 400), "webhook-timestamp is no number of seconds"),
        (headers(NEW, timestamp=str(NOW + 1)), "no signature fits"),
        (headers(NEW, id="other"), "no signature fits"),
        (headers(NEW, body=b"[]"), "no signature fits"),
        (headers(NEW, signature="v1,\xe4 v2,x nonsense"), "no signature fits"),
        (headers(NEW, at=NOW - 400), "signed 400 s ago"),
        (headers(NEW, at=NOW + 4000), "signed 4,000 s ahead"),
    ],
)
def test_what_is_wrong_is_said(given: dict[str, str], why: str) -> None:
    verdict = verify(given, b"{}", [NEW], NOW)
    assert not verdict.verified
    assert why in verdict.why


def test_each_path_has_a_sequence_of_its_own() -> None:
    heard = Heard()
    assert [heard.note(path, "m", number) for path, number in (("/a", "5"), ("/b", "9"), ("/a", "x"))] == [
        "",
        "",
        "again",
    ]
    assert heard.note("/a", "n", "x") == "without a number"
    assert heard.note("/a", "o", "6") == ""


def lines_of(body: bytes, palette: Palette | None = None, **values: Any) -> list[str]:
    given: dict[str, Any] = {
        "at": datetime(2026, 1, 1, 2, 3, 4, tzinfo=UTC), "path": "/hook", "message": "m1", "sequence": "7", "body": body,
        "verdict": Verdict(True, ""), "place": "", "status": 204,
    }  # fmt: skip
    return list(shown(Arrival(**given | values), palette or Palette()))


def test_a_delivery_is_shown_readably_and_cannot_move_the_cursor() -> None:
    head, where, *payload = lines_of('{"type": "job.failed", "data": {"name": "Zo\u00eb \x9b2J"}}'.encode())
    assert head == "02:03:04  job.failed  #7  verified  -> 204"
    assert where == "  m1  /hook"
    assert '      "name": "Zo\u00eb ?2J"' in payload
    refused = lines_of(b"\x1b[2J\nplain", verdict=Verdict(False, "no signature fits"), place="late")
    assert refused[0] == "02:03:04  (no type)  #7  NOT VERIFIED (no signature fits)  late  -> 204"
    assert refused[2:] == ["  ?[2J", "  plain"]
    assert len(lines_of(b"[" + b"1," * 5000 + b"1]")) == 203
    coloured = lines_of(b'{"type": "job.failed"}', Palette.coloured())
    assert "\x1b[32mverified\x1b[0m" in coloured[0]
    assert coloured[3] == '    \x1b[36m"type"\x1b[0m: "job.failed"'


class Screen(io.StringIO):
    """A terminal that tells when it was written to."""

    def __init__(self) -> None:
        super().__init__()
        self.written = threading.Event()

    def write(self, text: str) -> int:
        count = super().write(text)
        if "Listening" in text:
            self.written.set()
        return count


def run(*arguments: str, screen: io.StringIO | None = None) -> tuple[int, str, str]:
    out, err, status = screen or io.StringIO(), io.StringIO(), 0
    try:
        call_command("webhooks", *arguments, stdout=out, stderr=err)
    except SystemExit as ended:
        status = int(str(ended.code))
    return status, out.getvalue(), err.getvalue()


@pytest.mark.django_db
def test_the_listener_knows_both_secrets_of_an_endpoint_and_ends_with_a_summary() -> None:
    endpoint = make_endpoint()
    old = key_of(Endpoint.objects.get().secret)
    new = key_of(rotate_secret(endpoint, by=None))
    screen = Screen()

    def post() -> None:
        assert screen.written.wait(10)
        port = screen.getvalue().split("127.0.0.1:")[1].split("/")[0]
        for keys in ([old], [new, old], [OTHER]):
            asyncio.run(sent(f"http://127.0.0.1:{port}/", *keys))

    thread = threading.Thread(target=post)
    thread.start()
    arguments = ("listen", "--port", "0", "--endpoint", str(endpoint.pk), "--count", "3")
    status, out, _ = run(*arguments, screen=screen)
    thread.join(10)
    assert status == 1
    assert "CC_OUTBOUND_ALLOW names 127.0.0.1/32" in out
    assert "verified (2 of 2 signatures fit)" in out
    assert out.endswith("2 of 3 verified, 1 came again.\n")


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("listen",), "Give --secret"),
        (("listen", "--secret", "whsec_x"), "A webhook's secret is"),
        (("listen", "--endpoint", "7"), "There is no endpoint '7'"),
        (("listen", "--secret", new_secret(), "--status", "99"), "--status"),
        (("listen", "--secret", new_secret(), "--delay", "nan"), "--delay"),
        (("listen", "--secret", new_secret(), "--port", "70000"), "--port"),
        (("listen", "--secret", new_secret(), "--count", "0"), "--count"),
        (("test", "x"), "There is no endpoint 'x'"),
        (("list", "--limit", "0"), "--limit"),
    ],
)
def test_bad_input_is_named(arguments: tuple[str, ...], said: str) -> None:
    status, _, err = run(*arguments)
    assert status == 2
    assert said in err


def test_a_port_that_is_taken_is_named() -> None:
    with receiving() as receiver:
        port = receiver.url.rpartition(":")[2]
        status, _, err = run("listen", "--secret", new_secret(), "--port", port)
    assert status == 1
    assert f"Port {port} cannot be listened on" in err


@pytest.mark.django_db
def test_what_is_due_is_sent_in_the_foreground(receiver: Receiver) -> None:
    endpoint = make_endpoint(url=receiver.url)
    for _ in range(3):
        make_delivery(endpoint)
    receiver.plan.append(answers(500))
    assert run("drain")[:2] == (1, "2 succeeded, 1 failed.\n")
    assert run("drain")[:2] == (0, "0 succeeded, 0 failed.\n")
    assert len(receiver.got) == 3


@pytest.mark.django_db
def test_a_test_that_nobody_sends_is_said(receiver: Receiver) -> None:
    endpoint = make_endpoint(url=receiver.url)
    status, out, err = run("test", str(endpoint.pk), "--seconds", "0")
    assert (status, out) == (1, f"Delivery {Delivery.objects.get().pk} is due.\n")
    assert "does a worker" in err
    Endpoint.objects.update(enabled=False)
    assert "disabled" in run("test", str(endpoint.pk))[2]


@pytest.mark.django_db
def test_endpoints_are_listed_without_their_queries(django_assert_num_queries: Any) -> None:
    assert run("list")[2] == "There are no endpoints.\n"
    fails, off = make_endpoint(url="https://8.8.8.8/a?token=hidden"), make_endpoint(enabled=False)
    EndpointRun.objects.filter(endpoint=fails).update(failing_since=datetime.now(UTC) - timedelta(days=2))
    with django_assert_num_queries(1):
        _, out, _ = run("list")
    heading, newest, first = out.splitlines()
    assert heading.split() == ["ID", "PROJECT", "STATE", "EVENTS", "ADDRESS"]
    assert newest.split()[::2] == [str(off.pk), "disabled", "https://8.8.8.8/hook"]
    assert "fails since" in first
    assert first.endswith("https://8.8.8.8/a")
