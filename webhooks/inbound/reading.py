"""Reads what a code host sends: the parameters that say what it is, and the object in its body."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

import orjson

from webhooks.exceptions import UnreadableDelivery

JSON, FORM = "application/json", "application/x-www-form-urlencoded"
MOST_FIELDS = 20  # of a form

_DELIVERY = re.compile(r"[\x21-\x7e]{1,100}")
_EVENT = re.compile(r"[\x20-\x7e]{1,100}")


def event_of(headers: Mapping[str, str], name: str) -> str:
    """Return the event that a header names. Raises UnreadableDelivery."""
    event = headers.get(name, "")
    if not _EVENT.fullmatch(event):
        raise UnreadableDelivery(f"{name} must name the event, in 1 to 100 characters of ASCII.")
    return event


def github_delivery(headers: Mapping[str, str]) -> str:
    """Return the id of GitHub's delivery, which a repetition keeps. Raises UnreadableDelivery."""
    return _checked(headers.get("X-GitHub-Delivery", ""), "X-GitHub-Delivery")


def gitlab_delivery(headers: Mapping[str, str], body: bytes) -> str:
    """Return an id that GitLab's repetitions share, and deliveries that differ do not. Raises UnreadableDelivery.

    Before Idempotency-Key there was but the id of the event, which hooks that lead to each other share.
    """
    if "Idempotency-Key" in headers:
        return _checked(headers["Idempotency-Key"], "Idempotency-Key")
    event = _checked(headers.get("X-Gitlab-Event-UUID", ""), "Idempotency-Key or X-Gitlab-Event-UUID")
    return f"{event}:{hashlib.sha256(body).hexdigest()[:32]}"


def payload_of(body: bytes, content_type: str, *, forms: bool) -> dict[str, Any]:
    """Return the object that the body holds, as JSON or as JSON in a form's `payload`. Raises UnreadableDelivery."""
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type == FORM and forms:
        body = _form_field(body)
    elif media_type != JSON:
        known = f"{JSON} or {FORM}" if forms else JSON
        raise UnreadableDelivery(f"Send the body as {known}.", code="unsupported_media_type")
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise UnreadableDelivery(f"The body is not valid JSON: {error}.") from None
    if not isinstance(found, dict):
        raise UnreadableDelivery("The body must be an object.")
    return found


def _form_field(body: bytes) -> bytes:
    try:
        fields = parse_qsl(
            body.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=MOST_FIELDS
        )
    except ValueError as error:
        raise UnreadableDelivery(f"The form cannot be read: {error}.") from None
    found = [value for name, value in fields if name == "payload"]
    if len(found) != 1:
        raise UnreadableDelivery("The form must have one field `payload`.")
    return found[0].encode()


def _checked(delivery: str, name: str) -> str:
    if not _DELIVERY.fullmatch(delivery):
        raise UnreadableDelivery(
            f"{name} must tell deliveries apart, in 1 to 100 visible characters of ASCII."
        )
    return delivery
