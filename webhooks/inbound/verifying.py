"""Whether a request was sent by someone who knows the secret: told from its raw bytes, before anything is parsed.

Each secret is tried, whatever became of those before, so that the time taken tells nothing of them.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence

from commandcenter.core.signing import key_of, signature

GITHUB, GITLAB, STANDARD = "X-Hub-Signature-256", "X-Gitlab-Token", "webhook-signature"
TOLERANCE_SECONDS = 300  # between GitLab's clock and ours, as Standard Webhooks asks
MOST_SIGNATURES = 10  # of one request that are looked at
LONGEST_ID = 200

_GITHUB = re.compile(r"sha256=[0-9a-f]{64}")
_SECONDS = re.compile(r"[0-9]{1,12}")


def claims_github(headers: Mapping[str, str]) -> bool:
    """Tell whether there is what could be GitHub's signature."""
    return _GITHUB.fullmatch(headers.get(GITHUB, "")) is not None


def claims_gitlab(headers: Mapping[str, str]) -> bool:
    """Tell whether there is a token or what could be a signature of GitLab's."""
    return bool(headers.get(GITLAB) or headers.get(STANDARD))


def sent_by_github(headers: Mapping[str, str], body: bytes, secrets: Sequence[str]) -> bool:
    """Tell whether X-Hub-Signature-256 is the HMAC of the body with one of these secrets."""
    given = _bytes(headers.get(GITHUB, ""))
    wanted = [f"sha256={hmac.new(each.encode(), body, hashlib.sha256).hexdigest()}" for each in secrets]
    return _is_one_of([given], wanted)


def sent_by_gitlab(headers: Mapping[str, str], body: bytes, secrets: Sequence[str], now: float) -> bool:
    """Tell whether webhook-signature is right, where there is one, else whether X-Gitlab-Token is a secret.

    A secret serves as a signing token (its bytes sign, as in Standard Webhooks) and as a secret token (sent as it is).
    """
    if STANDARD not in headers:
        return _is_one_of([_bytes(headers.get(GITLAB, ""))], secrets)
    message, moment = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if (
        not _SECONDS.fullmatch(moment)
        or abs(now - int(moment)) > TOLERANCE_SECONDS
        or len(message) > LONGEST_ID
    ):
        return False
    given = [_bytes(each) for each in headers[STANDARD].split(" ", MOST_SIGNATURES)[:MOST_SIGNATURES]]
    return _is_one_of(given, [signature(key_of(each), message, int(moment), body) for each in secrets])


def _is_one_of(given: Sequence[bytes], wanted: Sequence[str]) -> bool:
    # Not any(): it would end with the first that fits.
    return bool(sum(hmac.compare_digest(each, one.encode()) for each in given for one in wanted))


def _bytes(text: str) -> bytes:
    """Return what was sent: a server gives headers as latin-1."""
    return text.encode("latin-1", "replace")
