"""Requests as GitHub and GitLab send them, signed for real."""

from __future__ import annotations

import hashlib
import hmac
import itertools
import json
from typing import Any
from urllib.parse import urlencode

from rest_framework.test import APIClient

from webhooks.models import InboundSource

COMMIT, NOWHERE = "8d9f" * 10, "0" * 40
_numbers = itertools.count(1)


def client() -> APIClient:
    """Return a client of nobody that would notice a view that asks for a CSRF token; errors are answers, not raised."""
    return APIClient(enforce_csrf_checks=True, raise_request_exception=False)


def push(ref: Any = "refs/heads/main", **values: Any) -> dict[str, Any]:
    """Return what GitHub says of a push, as far as it matters here."""
    given = {
        "ref": ref,
        "before": NOWHERE,
        "after": COMMIT,
        "deleted": False,
        "repository": {"id": 7, "full_name": "team/app", "default_branch": "main", "archived": False},
        "commits": [{"id": COMMIT, "message": "A change"}],
    } | values
    return {name: value for name, value in given.items() if value is not ...}


def github(source: InboundSource, payload: Any = None, **options: Any) -> Any:
    """Send a delivery as GitHub does. Options: secret, signature, event, delivery, form, path, content_type."""
    body = (
        payload if isinstance(payload, bytes) else json.dumps(push() if payload is None else payload).encode()
    )
    content_type = options.get("content_type", "application/json")
    if options.get("form"):
        body, content_type = (
            urlencode({"payload": body.decode()}).encode(),
            "application/x-www-form-urlencoded",
        )
    key = options.get("secret", source.secret).encode()
    signature = "sha256=" + hmac.new(key, body, hashlib.sha256).hexdigest()
    headers = {
        "X-Hub-Signature-256": options.get("signature", signature),
        "X-GitHub-Event": options.get("event", "push"),
        "X-GitHub-Delivery": options.get("delivery", f"72d3162e-cc78-11e3-81ab-{next(_numbers):012d}"),
    }
    path = options.get("path", f"/webhooks/github/{source.repository_id}")
    return client().post(
        path,
        body,
        content_type=content_type,
        headers={name: value for name, value in headers.items() if value is not None},
    )


def gitlab_push(ref: Any = "refs/heads/main", **values: Any) -> dict[str, Any]:
    """Return what GitLab says of a push, as far as it matters here."""
    project = {"id": 15, "path_with_namespace": "team/app", "default_branch": "main"}
    return {
        "object_kind": "push",
        "before": NOWHERE,
        "after": COMMIT,
        "ref": ref,
        "checkout_sha": COMMIT,
        "project": project,
    } | values


def gitlab(source: InboundSource, payload: Any = None, **headers: Any) -> Any:
    """Send a delivery as GitLab does; headers replace those with the token, None leaves one out."""
    body = payload if isinstance(payload, bytes) else json.dumps(payload or gitlab_push()).encode()
    given = {
        "X-Gitlab-Event": "Push Hook",
        "X-Gitlab-Token": source.secret,
        "Idempotency-Key": f"key-{next(_numbers)}",
    } | headers
    return client().post(
        f"/webhooks/gitlab/{source.repository_id}",
        body,
        content_type="application/json",
        headers={name: value for name, value in given.items() if value is not None},
    )
