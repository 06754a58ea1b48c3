"""Idempotency-Key on POSTs that create: a repeated request gets the first answer and does nothing again."""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from typing import Any

import orjson
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from commandcenter.core.models import IdempotencyKey
from commandcenter.core.problems import Conflict, Problem
from commandcenter.core.renderers import to_json

LIFETIME = timedelta(hours=24)
ABANDONED = timedelta(minutes=2)  # the first request died without an answer; it committed nothing
SECRETS = frozenset({"token", "secret", "password", "plaintext"})
WAIT_SECONDS = 2.0  # that a repeated request gives the first one to end
POLL_SECONDS = 0.05
_KEY = re.compile(r"[\x21-\x7e]{1,255}")

ViewMethod = Callable[..., Response]


def idempotent(method: ViewMethod) -> ViewMethod:
    """Make a view method that creates something honour Idempotency-Key.

    What the method writes and the record of its answer are committed together; only 2xx answers are kept, without
    secrets. The same key with another body or path is 409, and so is one whose first request runs on and on.
    """

    @wraps(method)
    def wrapper(view: Any, request: Request, *args: Any, **kwargs: Any) -> Response:
        key = request.META.get("HTTP_IDEMPOTENCY_KEY")
        if key is None or not request.user.is_authenticated:
            return method(view, request, *args, **kwargs)
        if not _KEY.fullmatch(key):
            raise Problem(
                "Idempotency-Key must be 1 to 255 visible ASCII characters.", code="invalid_idempotency_key"
            )
        record = _claim(request, key)
        if record.status is not None:
            return Response(record.response, status=record.status, headers={"Idempotent-Replayed": "true"})
        try:
            with transaction.atomic():
                response = method(view, request, *args, **kwargs)
                if 200 <= response.status_code < 300:
                    record.status = response.status_code
                    record.response = without_secrets(orjson.loads(to_json(response.data)))
                    record.save(update_fields=["status", "response"])
        finally:
            if record.status is None or record.response is None:
                IdempotencyKey.objects.filter(pk=record.pk, status__isnull=True).delete()
        return response

    return wrapper


class IdempotentCreateMixin:
    """Put before a viewset: its `create` honours Idempotency-Key."""

    @idempotent
    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Make one. A repetition with the same `Idempotency-Key` makes none, and gets the first answer."""
        response: Response = super().create(request, *args, **kwargs)  # type: ignore[misc]
        return response


def without_secrets(data: Any) -> Any:
    """Return the answer with the values of secret members left out."""
    if isinstance(data, dict):
        return {name: without_secrets(value) for name, value in data.items() if name not in SECRETS}
    if isinstance(data, list):
        return [without_secrets(value) for value in data]
    return data


def prune() -> int:
    """Delete records older than a day and return their number."""
    return IdempotencyKey.objects.filter(created_at__lt=timezone.now() - LIFETIME).delete()[0]


def _claim(request: Request, key: str) -> IdempotencyKey:
    """Return the record of this key: ours to fill (no status), or the first answer, which may be waited for."""
    deadline = time.monotonic() + WAIT_SECONDS
    while True:
        record = _look(request, key)
        if record is not None:
            return record
        if time.monotonic() > deadline:
            raise Conflict(
                "idempotency_in_progress",
                "The first request with this Idempotency-Key is still running; try again shortly.",
                headers={"Retry-After": "1"},
            )
        time.sleep(POLL_SECONDS)


def _look(request: Request, key: str) -> IdempotencyKey | None:
    """Return the record of this key as `_claim` does, None while its first request runs."""
    user: Any = request.user
    path = f"{request.method} {request.path}"[:300]
    digest = _digest(request)
    now = timezone.now()
    IdempotencyKey.objects.filter(user=user, key=key, created_at__lt=now - LIFETIME).delete()
    IdempotencyKey.objects.filter(
        user=user, key=key, status__isnull=True, created_at__lt=now - ABANDONED
    ).delete()
    # get_or_create inserts, and reads the other's row when the unique constraint says that it was first.
    record, ours = IdempotencyKey.objects.get_or_create(
        user=user, key=key, defaults={"method_path": path, "body_digest": digest}
    )
    if ours:
        return record
    if record.method_path != path or record.body_digest != digest:
        raise Conflict("idempotency_key_reused", "This Idempotency-Key was used for another request.")
    return record if record.status is not None else None


def _digest(request: Request) -> str:
    data: Any = request.data
    if hasattr(data, "lists"):
        data = {name: [_plain(value) for value in values] for name, values in data.lists()}
    return hashlib.sha256(orjson.dumps(data, option=orjson.OPT_SORT_KEYS, default=str)).hexdigest()


def _plain(value: Any) -> Any:
    if isinstance(value, UploadedFile):
        content = hashlib.sha256()
        for chunk in value.chunks():
            content.update(chunk)
        value.seek(0)
        return [value.name, content.hexdigest()]
    return value
