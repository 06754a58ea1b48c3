"""Name secrets so that the same one is met again elsewhere and none can be learned: HMAC-SHA256 under the caller's key."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

KEY_BYTES = 32
NAME_BYTES = 16


@runtime_checkable
class Correlating(Protocol):
    """An engine whose results hold names of secrets, so that the key is part of its cache keys."""

    correlates: bool


@dataclass(frozen=True, slots=True)
class Correlator:
    """Names secrets under a key that lives in memory alone; without a key there are no names."""

    key: bytes = field(default=b"", repr=False)

    @property
    def key_id(self) -> str:
        """Which key it is, without telling it; empty without one. A digest is safe: the key is random."""
        return hashlib.sha256(b"correlation key\0" + self.key).hexdigest()[:16] if self.key else ""

    def name(self, secret: str) -> str | None:
        """Return 32 hexadecimal characters, the same for the same secret; line ends do not count."""
        text = secret.replace("\r\n", "\n").strip()
        if not self.key or not text:
            return None
        named = hmac.digest(self.key, text.encode("utf-8", "surrogatepass"), "sha256")
        return named[:NAME_BYTES].hex()


NOBODY = Correlator()


def correlator(given: object) -> Correlator:
    """Return the correlator of a request's hexadecimal key, NOBODY for none. Raises ValueError, which repeats no key."""
    if given is None:
        return NOBODY
    try:
        key = bytes.fromhex(given) if isinstance(given, str) else b""
    except ValueError:
        key = b""
    if len(key) != KEY_BYTES:
        raise ValueError(f"The correlation key must be {KEY_BYTES} bytes in hexadecimal.")
    return Correlator(key)
