"""The bridge from ASGI to WSGI: what clients may do with the time of a thread."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from typing import Any

import pytest

from commandcenter.core import bridge

SCOPE = {
    "type": "http", "method": "POST", "path": "/", "query_string": b"", "http_version": "1.1", "scheme": "http",
    "headers": [(b"content-length", b"1000000")],
}  # fmt: skip


def reading(environ: Any, start_response: Any) -> list[bytes]:
    """Read the whole body, then answer with how long it was."""
    try:
        said = str(len(environ["wsgi.input"].read()))
    except OSError as error:
        said = str(error)
    start_response("200 OK", [])
    return [said.encode()]


def writing(_environ: Any, start_response: Any) -> Any:
    """Answer with a hundred pieces of a byte."""
    start_response("200 OK", [])
    return (b"x" for _ in range(100))


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bridge, "PATIENCE_SECONDS", 2.0)


def ask(wsgi: Any, pause: float, more: Callable[[int], bool]) -> list[Any]:
    """Return the messages that a client gets that takes and sends a byte after each pause."""
    got: list[Any] = []
    sent = 0

    async def receive() -> Any:
        nonlocal sent
        if got:
            await asyncio.Event().wait()  # it stays, and says nothing more
        sent += 1
        await asyncio.sleep(pause)
        return {"type": "http.request", "body": b"x", "more_body": more(sent)}

    async def send(message: Any) -> None:
        await asyncio.sleep(pause)
        got.append(message)

    asyncio.run(bridge.Bridge(wsgi, 1, re.compile("/long"))(SCOPE, receive, send))
    return got


def test_a_body_that_drips_for_ever_ends() -> None:
    """Although each of its pieces comes in time."""
    got = ask(reading, 0.05, lambda sent: True)
    assert b"".join(each.get("body", b"") for each in got) == b"The client sent its request too slowly."


def test_half_a_body_is_not_taken_for_the_whole() -> None:
    """Of a form that ends early some fields would look as if they were all."""
    messages = [
        {"type": "http.request", "body": b"delete=1", "more_body": True},
        {"type": "http.disconnect"},
    ]
    got: list[Any] = []

    async def receive() -> Any:
        return messages.pop(0)

    async def send(message: Any) -> None:
        got.append(message)

    asyncio.run(bridge.Bridge(reading, 1, re.compile("/long"))(SCOPE, receive, send))
    assert b"".join(each.get("body", b"") for each in got).startswith(b"The client left")


def test_a_body_in_pieces_is_read_whole() -> None:
    got = ask(reading, 0.0, lambda sent: sent < 30)
    assert b"".join(each.get("body", b"") for each in got) == b"30"


def test_an_answer_that_is_taken_in_drops_is_broken_off() -> None:
    got: list[Any] = []
    with pytest.raises(bridge.ClientTooSlow):
        got += ask(writing, 0.05, lambda sent: False)
    assert not got
    whole = ask(writing, 0.0, lambda sent: False)
    assert b"".join(each.get("body", b"") for each in whole) == b"x" * 100
    assert not whole[-1].get("more_body")
