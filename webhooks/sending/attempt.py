"""One attempt: a signed request, and what came back. It knows no database, and it never raises."""

from __future__ import annotations

import asyncio
import errno
import os
import re
import ssl
import time
from collections.abc import Mapping

import aiohttp
import structlog
from yarl import URL

from commandcenter.core.retry_after import seconds_asked
from commandcenter.outbound import ForbiddenAddress
from webhooks.sending.clock import Clock, machine_time
from webhooks.sending.dialing import Line, current
from webhooks.sending.letter import MOST_SECONDS, Letter, Outcome, signed

MAX_BODY = 64 << 10  # of an answer; what follows is not read
MAX_HEADER_CHARS = 16 << 10  # of all headers of an answer, as they are kept
MAX_DETAIL = 500
_OPENSSL = re.compile(r"^\[[^]]*\] ?|\(_ssl\.c:\d+\)$")  # around what it says, for who has its source
_UNKEPT = frozenset({"set-cookie"})

log = structlog.get_logger(__name__)


async def attempt(session: aiohttp.ClientSession, letter: Letter, *, clock: Clock = machine_time) -> Outcome:
    """Send once. The status decides: an answer whose body breaks off or is too long was given all the same."""
    outcome, line, began = Outcome(clock()), Line(), time.monotonic()
    token = current.set(line)
    try:
        async with asyncio.timeout(min(letter.seconds, MOST_SECONDS)):
            await _post(session, letter, outcome, clock)
    except Exception as error:  # noqa: BLE001  (whatever a receiver does must not take the others with it)
        if outcome.status is None:
            outcome.error, outcome.detail = _failure(error, letter)
        else:
            outcome.body_cut = True
    finally:
        current.reset(token)
    outcome.duration_ms = round((time.monotonic() - began) * 1000)
    outcome.address, outcome.tls_peer = line.address, _text(line.tls_peer)
    if outcome.status is not None and not 200 <= outcome.status < 300:
        outcome.error, outcome.detail = _refusal(outcome)
    return outcome


async def _post(session: aiohttp.ClientSession, letter: Letter, outcome: Outcome, clock: Clock) -> None:
    headers = signed(letter, int(clock().timestamp()))
    url = _as_entered(letter.url)
    async with session.post(url, data=letter.body, headers=headers, allow_redirects=False) as answer:
        outcome.status = answer.status
        outcome.headers = _kept(answer.headers)
        outcome.asked = seconds_asked(answer.headers.get("Retry-After"), clock())
        body = bytearray()
        try:
            async for piece in answer.content.iter_any():
                body += piece
                if len(body) > MAX_BODY:
                    outcome.body_cut = True
                    answer.close()  # with its connection: nobody reads the rest
                    break
        finally:
            outcome.body = bytes(body[:MAX_BODY])


def _as_entered(url: str) -> URL:
    """Return the address without its escapes being written otherwise: some receivers have signed theirs."""
    try:
        return URL(url, encoded=True)
    except ValueError:
        raise aiohttp.InvalidURL(url) from None


def _kept(headers: Mapping[str, str]) -> dict[str, str]:
    """Return headers as the database takes them: bounded, and without what is no text."""
    kept: dict[str, str] = {}
    left = MAX_HEADER_CHARS
    for name, value in headers.items():
        key = _text(name.lower())
        if key in _UNKEPT:
            continue
        text = _text(value)[: max(0, left - len(key))]
        left -= len(key) + len(text)
        if left <= 0:
            break
        kept[key] = f"{kept[key]}, {text}" if key in kept else text
    return kept


def _text(value: str) -> str:
    return value.encode("utf-8", "replace").decode().replace("\x00", "")


def _refusal(outcome: Outcome) -> tuple[str, str]:
    if 300 <= (outcome.status or 0) < 400:
        return "redirect", f"The receiver points elsewhere ({outcome.status}), which is not followed."
    if outcome.status == 410:
        return "gone", "The receiver says that it is gone for good (410)."
    return "http", f"The receiver answered {outcome.status}."


def _failure(error: Exception, letter: Letter) -> tuple[str, str]:
    """Return the class of a failure without an answer, and a sentence for people."""
    if isinstance(error, TimeoutError):
        return "timeout", f"No answer within {min(letter.seconds, MOST_SECONDS):g} s."
    if isinstance(error, ForbiddenAddress):
        return "forbidden_address", _said(error, "; see CC_OUTBOUND_ALLOW.")
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return "tls", _untrusted(error.certificate_error)
    if isinstance(error, aiohttp.ClientSSLError):
        return "tls", _untrusted(error.os_error)
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return "name", "The name of the receiver is unknown."
    if isinstance(error, aiohttp.ClientConnectorError):
        return "refused", _unconnected(error.os_error)
    if isinstance(error, aiohttp.InvalidURL | aiohttp.NonHttpUrlClientError):
        return "url", "The address cannot be used."
    if isinstance(error, aiohttp.ClientResponseError | aiohttp.ClientPayloadError):
        return "protocol", f"The receiver's answer is no HTTP: {_said(error)}"[:MAX_DETAIL]
    # By TLS 1.3 a receiver may look at our certificate, and refuse, once the handshake is over for us.
    if isinstance(error.__cause__, ssl.SSLError):
        return "tls", _untrusted(
            error.__cause__, "; see CC_WEBHOOK_CLIENT_CERT if it asks for a certificate."
        )
    if isinstance(error, aiohttp.ClientConnectionError | OSError):
        return "closed", "The receiver closed the connection without an answer."
    log.error("attempt broke", action="deliver", message=letter.message, exc_info=error)
    return "internal", "An unexpected error; the log of the worker says more."


def _unconnected(error: OSError) -> str:
    if error.errno == errno.ECONNREFUSED:
        return "The connection was refused: nothing listens at this port, or a firewall is before it."
    return f"There is no connection: {os.strerror(error.errno) if error.errno else _said(error)}."


def _untrusted(error: Exception, more: str = "") -> str:
    if getattr(error, "reason", "") == "WRONG_VERSION_NUMBER":
        return "The receiver does not speak TLS at this port: is its address http?"
    text = _OPENSSL.sub("", _said(error)).strip()
    return f"{text[:1].upper()}{text[1 : MAX_DETAIL - len(more)]}{more or '.'}"


def _said(error: BaseException, more: str = "") -> str:
    text = getattr(error, "strerror", None) or getattr(error, "message", None) or str(error)
    return _text(str(text) or type(error).__name__)[: MAX_DETAIL - len(more)] + more
