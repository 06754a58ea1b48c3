"""Posts the file of an export to a webhook, signed as Standard Webhooks asks."""

from __future__ import annotations

import time
from urllib.parse import quote

from commandcenter.core.signing import key_of, signature
from exports.delivery.line import UPLOAD_SECONDS, Line, retry_after
from exports.delivery.models import DeliveryTarget, ExportDelivery
from exports.delivery.outcomes import Later, Redirected, Refused
from exports.delivery.reading import pieces
from exports.models import Export

MAX_BYTES = 32 << 20
_ADVICE = {
    401: " Does it know this target's secret?",
    403: " Does it know this target's secret?",
    404: " Is the address right?",
    405: " Does it take POST?",
}


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
