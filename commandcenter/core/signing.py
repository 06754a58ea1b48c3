"""Signatures of Standard Webhooks: the secret `whsec_...`, and the header `webhook-signature`."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets

PREFIX = "whsec_"
SECRET_BYTES = range(24, 65)


def new_secret() -> str:
    """Return a secret that nobody knows yet."""
    return PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()


def key_of(secret: str) -> bytes:
    """Return the bytes of a secret. Raises ValueError for one that is not whsec_ and base64 of 24 to 64 bytes."""
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except binascii.Error:
        key = b""
    if not secret.startswith(PREFIX) or len(key) not in SECRET_BYTES:
        raise ValueError("A webhook's secret is whsec_ followed by the base64 of 24 to 64 bytes.")
    return key


def signature(key: bytes, message: str, timestamp: int, body: bytes) -> str:
    """Return one value of webhook-signature; several are separated by blanks. `timestamp` is in seconds, UTC."""
    signed = hmac.new(key, f"{message}.{timestamp}.".encode(), hashlib.sha256)
    signed.update(body)
    return "v1," + base64.b64encode(signed.digest()).decode()
