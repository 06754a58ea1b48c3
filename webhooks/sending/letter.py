"""What is sent where, and what came of it. Whoever shows or records that needs no HTTP client for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from commandcenter.core.signing import signature

MOST_SECONDS = 30.0  # of an attempt, whatever its endpoint says: far below a lease


@dataclass(frozen=True, slots=True)
class Letter:
    """What is to be sent where. `keys`: the secrets that sign, the current one first."""

    url: str
    message: str
    sequence: int
    body: bytes
    keys: Sequence[bytes]
    headers: Mapping[str, str] = field(default_factory=dict)
    seconds: float = 15.0


@dataclass(slots=True)
class Outcome:
    """What came of an attempt. `error` is empty for a 2xx, else a class of failures."""

    started_at: datetime
    duration_ms: int = 0
    address: str = ""
    tls_peer: str = ""
    status: int | None = None
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    body_cut: bool = False
    error: str = ""
    detail: str = ""
    asked: float | None = None  # seconds, by Retry-After


def signed(letter: Letter, now: int) -> dict[str, str]:
    """Return the headers of a request that is sent now; none of the endpoint's own takes the place of ours."""
    ours = {
        "Content-Type": "application/json",
        "webhook-id": letter.message,
        "webhook-timestamp": str(now),
        "webhook-signature": " ".join(
            signature(key, letter.message, now, letter.body) for key in letter.keys
        ),
        "webhook-sequence": str(letter.sequence),
    }
    taken = {name.lower() for name in ours}
    return {name: value for name, value in letter.headers.items() if name.lower() not in taken} | ours
