"""Posts the file of an export to a webhook, signed as Standard Webhooks asks."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
import time
from urllib.parse import quote

from exports.delivery.line import UPLOAD_SECONDS, Line, retry_after
from exports.delivery.models import DeliveryTarget, ExportDelivery
from exports.delivery.outcomes import Later, Redirected, Refused
from exports.delivery.reading import pieces
from exports.models import Export

PREFIX = "whsec_"
SECRET_BYTES = range(24, 65)
MAX_BYTES = 32 << 20
_ADVICE = {
    401: " Does it know this target's secret?",
    403: " Does it know this target's secret?",
    404: " Is the address right?",
    405: " Does it take POST?",
}


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
    """Return the value of webhook-signature."""
    signed = hmac.new(key, f"{message}.{timestamp}.".encode(), hashlib.sha256)
    signed.update(body)
    return "v1," + base64.b64encode(signed.digest()).decode()


def post(delivery: ExportDelivery, export: Export, target: DeliveryTarget) -> None:
    """Send the file; any 2xx is a success. Raises Refused or Later."""
    body = _file(export)
    message, now = str(delivery.message), int(time.time())
    headers = {
        "Content-Type": export.media_type,
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(export.file_name, safe='')}",
        "webhook-id": message,
        "webhook-timestamp": str(now),
        "webhook-signature": signature(key_of(str(target.token)), message, now, body),
    }
    try:
        answer = Line(headers).call("POST", target.url, body, seconds=UPLOAD_SECONDS)
    except Redirected as error:
        raise Redirected(error.code, f"{error} Enter the address to which it points.") from None
    if 200 <= answer.status < 300:
        return
    code = f"http_{answer.status}"
    if answer.status == 410:
        raise Refused(code, "The webhook says that it is gone for good (410).")
    if answer.status == 413:
        raise Refused(code, f"The file is too large for the webhook, with {len(body):,} bytes (413).")
    advice = _ADVICE.get(answer.status, "")
    raise Later(code, f"The webhook answered {answer.status}.{advice}", seconds=retry_after(answer.headers))


def _file(export: Export) -> bytes:
    if (export.bytes or 0) > MAX_BYTES:
        raise Refused(
            "too_large",
            f"The file has {export.bytes:,} bytes; a webhook gets at most {MAX_BYTES >> 20} MiB. Download it instead.",
        )
    return b"".join(pieces(export))
