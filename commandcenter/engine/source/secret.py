"""Lends a secret to git without writing it to a disk, an argument, or an environment."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from commandcenter.engine.errors import SourceError
from commandcenter.engine.source.model import Credentials


@contextmanager
def lent(content: str) -> Iterator[str]:
    """Hold the content in memory and yield a path under which processes of this user can read it, until the end."""
    handle = os.memfd_create("lent", os.MFD_CLOEXEC)
    try:
        os.fchmod(handle, 0o600)  # ssh insists on it
        data = content.encode()
        while data:
            data = data[os.write(handle, data) :]
        yield f"/proc/{os.getpid()}/fd/{handle}"
    finally:
        os.close(handle)


def http_answer(credentials: Credentials) -> str:
    """Return what a git credential helper prints. Raises SourceError for characters that would end a line of it."""
    name = credentials.username or "git"  # with a token alone, hosts take any name
    for value in (name, credentials.secret):
        if not value or not value.isprintable():
            raise SourceError("The credentials are empty or contain line breaks or control characters.")
    return f"username={name}\npassword={credentials.secret}\n"


def http_helper(path: str) -> str:
    """Return git's configuration value for a helper that answers from that path and stores nothing."""
    return f'!f() {{ test "$1" = get && cat {path}; }}; f'


def ssh_key(credentials: Credentials) -> str:
    """Return the private key as ssh reads it. Raises SourceError when it is none."""
    key = credentials.secret.replace("\r\n", "\n").strip() + "\n"
    if "PRIVATE KEY-----" not in key.partition("\n")[0]:
        raise SourceError("For an ssh address the secret must be a private key without a passphrase.")
    return key
