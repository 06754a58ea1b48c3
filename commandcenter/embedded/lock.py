"""One user of a data folder's servers at a time, by a lock that ends with its process."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager

from commandcenter.embedded.errors import Refusal
from commandcenter.embedded.layout import Layout


@contextmanager
def held(layout: Layout, holder: str) -> Iterator[None]:
    """Hold the folder's lock; raise Refusal, naming who holds it, when it is taken.

    holder is how others call us, as in "`manage.py up`".
    """
    descriptor = os.open(layout.lock, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            other = os.read(descriptor, 200).decode(errors="replace").strip() or "another process"
            raise Refusal(
                f"The data folder {layout.data} is in use by {other}; stop it first, or name another folder "
                "with CC_DATA_DIR (DATA= for make)."
            ) from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{holder} (process {os.getpid()})".encode(), 0)
        yield
    finally:
        os.close(descriptor)  # which releases the lock; the file stays, or two starts could lock two files
