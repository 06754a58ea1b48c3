"""Asks a running platform's API, to know when it is ready for a test."""

from __future__ import annotations

import json
import urllib.request
from typing import Any

from tests.embedded.running import Up, until

USER, PASSWORD = "ada", "correct horse battery staple"


def call(
    up: Up, path: str, body: dict[str, Any] | None = None, *, token: str = "", method: str | None = None
) -> Any:
    """Send GET, POST with a body, or what `method` says, and return the answer's JSON, None for an empty one."""
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
    data = json.dumps(body).encode() if body is not None else None
    request = urllib.request.Request(
        f"http://127.0.0.1:{up.port}/api/v1/{path}", data=data, headers=headers, method=method
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.loads(answer.read() or b"null")


def wait_for_first_analysis(up: Up) -> str:
    """Return a token, once what `up` registers at its first start is analysed: the block is printed before that."""
    token: str = call(up, "auth/token", {"username": USER, "password": PASSWORD})["token"]
    until(lambda: call(up, "analyses?status=complete", token=token)["results"], "the first analysis")
    return token
