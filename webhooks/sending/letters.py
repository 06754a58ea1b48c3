"""Makes letters of what is leased: where each goes, under which secrets, with which headers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import connection

from commandcenter.core.encryption import DecryptionFailed, decrypt
from commandcenter.core.signing import key_of
from webhooks import headers
from webhooks.sending.claim import Leased
from webhooks.sending.letter import Letter

# Secrets come as they lie, and each is read by itself: one that no key fits keeps no other endpoint waiting.
_ADDRESSES = """
    SELECT id, url, timeout_seconds, headers, secret, CASE WHEN previous_until > statement_timestamp() THEN previous_secret END
    FROM webhooks_endpoint WHERE id = ANY(%s)
"""


@dataclass(frozen=True, slots=True)
class _Address:
    url: str
    seconds: float
    keys: list[bytes]
    headers: dict[str, str]


def letters(leased: Sequence[Leased]) -> list[tuple[Leased, Letter | None]]:
    """Return what is to be sent for each; None where its endpoint's secrets cannot be read. One query."""
    addresses: dict[int, _Address | None] = {}
    with connection.cursor() as cursor:
        cursor.execute(_ADDRESSES, [sorted({each.endpoint for each in leased})])
        for key, url, seconds, lines, *secrets in cursor.fetchall():
            addresses[key] = _address(url, seconds, lines, secrets)
    return [(each, _letter(each, addresses.get(each.endpoint))) for each in leased]


def _address(url: str, seconds: int, lines: bytes | None, secrets: Sequence[bytes | None]) -> _Address | None:
    try:
        return _Address(
            url=url,
            seconds=seconds,
            keys=[key_of(decrypt(bytes(secret))) for secret in secrets if secret is not None],
            headers=headers.read(None if lines is None else decrypt(bytes(lines))),
        )
    except DecryptionFailed:
        return None


def _letter(leased: Leased, to: _Address | None) -> Letter | None:
    if to is None:
        return None
    return Letter(to.url, leased.message, leased.sequence, leased.body, to.keys, to.headers, to.seconds)
