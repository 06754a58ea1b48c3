"""The snippets for receivers do what they say, and the docs show the same ones."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from commandcenter.core.signing import key_of, new_secret, signature
from commandcenter.dashboard.verifiers import LANGUAGES

BODY = b'{"type":"analysis.completed","data":{"name":"\xc3\xa9"}}'
PYTHON, NODE, _GO = LANGUAGES


def sent(secret: str, *, at: int | None = None, before: str = "") -> dict[str, str]:
    """Return the headers of a request, signed by the secret and the one before."""
    now = int(time.time()) if at is None else at
    signed = [signature(key_of(each), "id-1", now, BODY) for each in (before, secret) if each]
    return {"webhook-id": "id-1", "webhook-timestamp": str(now), "webhook-signature": " ".join(signed)}


@pytest.mark.parametrize("snippet", [PYTHON.library, PYTHON.by_hand], ids=["library", "by hand"])
def test_python_takes_what_is_signed_and_nothing_else(snippet: str) -> None:
    space: dict[str, Any] = {}
    exec(snippet, space)  # our own text
    received, secret = space["received"], new_secret()
    assert received(secret, sent(secret), BODY) == json.loads(BODY)
    assert received(secret, sent(secret, before=new_secret()), BODY) == json.loads(BODY)
    old = int(time.time()) - 3600
    for headers, body in (
        (sent(new_secret()), BODY),
        (sent(secret), BODY + b" "),
        (sent(secret, at=old), BODY),
    ):
        with pytest.raises(Exception, match=r"(?i)signature|old"):
            received(secret, headers, body)


def test_node_takes_what_is_signed_and_nothing_else(tmp_path: Path) -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("No Node.js here.")
    secret = new_secret()
    cases = [
        (sent(secret), BODY.decode(), True),
        (sent(secret, before=new_secret()), BODY.decode(), True),
        (sent(new_secret()), BODY.decode(), False),
        (sent(secret), BODY.decode() + " ", False),
        (sent(secret, at=int(time.time()) - 3600), BODY.decode(), False),
    ]
    script = tmp_path / "received.mjs"
    script.write_text(
        NODE.by_hand
        + f"""
        const said = {json.dumps([(headers, body) for headers, body, _ in cases])}.map(([headers, body]) => {{
          try {{ return received({json.dumps(secret)}, headers, body).type === "analysis.completed"; }}
          catch {{ return false; }}
        }});
        console.log(JSON.stringify(said));
        """
    )
    done = subprocess.run([node, str(script)], capture_output=True, check=True, timeout=60)
    assert json.loads(done.stdout) == [fits for *_, fits in cases]


def test_the_docs_show_the_same_snippets() -> None:
    docs = (Path(settings.BASE_DIR) / "docs" / "webhooks.md").read_text()
    for language in LANGUAGES:
        for snippet in (language.library, language.by_hand):
            assert snippet in docs, language.name
