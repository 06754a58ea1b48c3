"""Names of receivers whose servers of names hang: only they wait."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from webhooks.sending import names
from webhooks.sending.attempt import attempt
from webhooks.sending.dialing import lines
from webhooks.sending.letter import Letter
from webhooks.tests.receiver import Receiver, receiving
from webhooks.tests.test_attempt import LOOPBACK

SECONDS = 20.0


@pytest.fixture
def hangs(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Let names that begin with `hangs` not be answered until the event is set; all others are the loopback."""
    end, look_up = threading.Event(), socket.getaddrinfo

    def answered(host: Any, *args: Any, **options: Any) -> Any:
        if str(host).startswith("hangs"):
            end.wait(SECONDS)
            raise socket.gaierror(socket.EAI_AGAIN, "no answer")
        return look_up("127.0.0.1", *args, **options)

    monkeypatch.setattr(socket, "getaddrinfo", answered)
    monkeypatch.setattr(names, "_known", {})
    yield end
    end.set()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as one:
        yield one


def letter(receiver: Receiver, host: str, seconds: float = SECONDS) -> Letter:
    url = receiver.url.replace("127.0.0.1", host)
    return Letter(url, "0192-id", 1, b"{}", [b"k" * 32], seconds=seconds)


async def test_a_name_that_answered_before_waits_for_none_that_hangs(
    hangs: threading.Event, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(names, "LOOKUP_SECONDS", SECONDS)
    async with lines(LOOPBACK) as session:
        assert (await attempt(session, letter(receiver, "fine.test"))).status == 204
    async with lines(LOOPBACK) as session:  # which has no addresses yet
        waiting = [
            asyncio.create_task(attempt(session, letter(receiver, f"hangs-{n}.test")))
            for n in range(names.LOOKUPS + 4)
        ]
        try:
            assert (await attempt(session, letter(receiver, "fine.test", seconds=10))).status == 204
        finally:
            hangs.set()
        assert {each.error for each in await asyncio.gather(*waiting)} == {"name"}


async def test_a_name_that_begins_to_hang_is_a_stranger_again(
    hangs: threading.Event, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(names, "LOOKUP_SECONDS", 0.1)
    names._known.update(dict.fromkeys(["hangs.test", "fine.test"]))
    async with lines(LOOPBACK) as session:
        assert (await attempt(session, letter(receiver, "hangs.test"))).error == "timeout"
        assert (await attempt(session, letter(receiver, "fine.test"))).status == 204
    assert list(names._known) == ["fine.test"]


async def test_so_many_names_are_remembered_and_no_more(
    hangs: threading.Event, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(names, "MOST_KNOWN", 2)
    async with lines(LOOPBACK) as session:
        for host in ("one.test", "two.test", "three.test"):
            assert (await attempt(session, letter(receiver, host))).status == 204
    assert list(names._known) == ["two.test", "three.test"]
