"""Receivers whose answers are meant to harm: to other receivers, to other attempts, or to what is written down."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from webhooks.models import Attempt
from webhooks.sending.attempt import attempt
from webhooks.sending.dialing import MOST_HEADS, lines
from webhooks.sending.letter import Letter
from webhooks.tests.receiver import Manner, Receiver, answers, pours, receiving, says
from webhooks.tests.test_attempt import LOOPBACK

ANNOUNCED = b"HTTP/1.1 102 Processing\r\n\r\n"
SECONDS = 10.0


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as one:
        yield one


@pytest_asyncio.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with lines(LOOPBACK) as one:
        yield one


@pytest.fixture
def letter(receiver: Receiver) -> Letter:
    return Letter(f"{receiver.url}/hook", "0192-id", 7, b"{}", [b"k" * 32], seconds=SECONDS)


async def test_a_flood_of_announcements_is_cut(
    session: aiohttp.ClientSession, receiver: Receiver, letter: Letter
) -> None:
    receiver.plan.append(pours(b"", 1 << 40, ANNOUNCED * 1000))
    outcome = await attempt(session, letter)
    assert (outcome.error, outcome.status) == ("protocol", None)
    assert f"more than {MOST_HEADS} times" in outcome.detail
    assert (await attempt(session, letter)).status == 204, "its connection is not used again"
    assert receiver.connections == 2


async def test_a_few_announcements_are_nothing_unusual(
    session: aiohttp.ClientSession, receiver: Receiver, letter: Letter
) -> None:
    announced = ANNOUNCED * (MOST_HEADS - 1) + b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
    receiver.of_path["/hook"] = _writes(announced)
    for _ in range(2):
        outcome = await attempt(session, letter)
        assert (outcome.status, outcome.error, outcome.body) == (200, "", b"ok")
    assert receiver.connections == 1


async def test_what_comes_unasked_is_no_answer_to_the_next_request(
    session: aiohttp.ClientSession, receiver: Receiver, letter: Letter
) -> None:
    """A receiver that failed is not taken at the word that it said before it was asked."""
    receiver.plan.extend([_and_later(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nstale"), answers(500)])
    assert (await attempt(session, letter)).status == 200
    connector: Any = session.connector
    ((kept, _),) = next(iter(connector._conns.values()))
    async with asyncio.timeout(SECONDS):
        while not kept.should_close:  # noqa: ASYNC110  (nothing tells of it)
            await asyncio.sleep(0.01)
    assert (await attempt(session, letter)).status == 500
    assert (len(receiver.got), receiver.connections) == (2, 2)


@pytest.mark.parametrize(
    "answer",
    [
        says(b"HTTP/1.1 200 OK\r\nX" + b"\x01" * 700 + b"\r\n\r\n"),
        says(b"HTTZ" + b"q" * 5000 + b"\r\n\r\n"),
        says(b"HTTP/1.1 200 OK\r\nX: " + b"y" * 20_000 + b"\r\n\r\n"),
    ],
    ids=["header", "status-line", "long-header"],
)
async def test_whatever_is_wrong_with_an_answer_the_reason_fits_its_column(
    session: aiohttp.ClientSession, receiver: Receiver, letter: Letter, answer: Manner
) -> None:
    """One that does not would keep the whole batch from being written down."""
    receiver.plan.append(answer)
    outcome = await attempt(session, letter)
    longest = Attempt._meta.get_field("detail").max_length
    assert outcome.error == "protocol"
    assert 0 < len(outcome.detail) <= (longest or 0)


def _writes(data: bytes) -> Manner:
    async def manner(receiver: Receiver, writer: asyncio.StreamWriter) -> None:
        writer.write(data)

    return manner


def _and_later(more: bytes) -> Manner:
    """Answer, and go on talking when that has been read."""

    async def manner(receiver: Receiver, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        asyncio.get_running_loop().call_later(0.05, writer.write, more)

    return manner
