"""A request as a command for a shell: exact to the byte, whatever is in it."""

from __future__ import annotations

import base64
import shlex

from webhooks.as_sent import Request

LARGEST_ARGUMENT = 100_000  # bytes; systems take up to 128 KiB


def command(request: Request) -> str:
    """Return the command. A body that a terminal might not show as it is goes through base64."""
    lines = ["curl --globoff --include --request POST"]
    lines += [f"--header {_quoted(f'{name}: {value}')}" for name, value in request.headers.items()]
    body = request.body.decode("utf-8", "replace")
    if body.isascii() and body.isprintable() and len(body) <= LARGEST_ARGUMENT:
        return " \\\n  ".join([*lines, f"--data-raw {_quoted(body)}", _quoted(request.url)])
    encoded = base64.b64encode(request.body).decode()
    sent = " \\\n  ".join([*lines, "--data-binary @-", _quoted(request.url)])
    return f"printf %s {_quoted(encoded)} | base64 -d | {sent}"


def _quoted(text: str) -> str:
    """Quote always, so that nothing depends on what a shell takes for safe."""
    quoted = shlex.quote(text)
    return quoted if quoted != text else f"'{text}'"
