"""Lends a folder for what must be written before it can be sent; what killed processes left is removed by the next."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice

PREFIX = "commandcenter-export-"
SECONDS = 86_400  # longer than any export takes
MAX_NAMES = 10_000  # looked at for one folder


@contextmanager
def folder() -> Iterator[str]:
    """Lend an empty folder and remove it afterwards with everything in it. Raises OSError."""
    _remove_abandoned()
    with tempfile.TemporaryDirectory(prefix=PREFIX, ignore_cleanup_errors=True) as made:
        yield made


def _remove_abandoned() -> None:
    before = time.time() - SECONDS
    with os.scandir(tempfile.gettempdir()) as entries:
        for entry in islice(entries, MAX_NAMES):
            if entry.name.startswith(PREFIX) and _changed(entry) < before:
                shutil.rmtree(entry.path, ignore_errors=True)


def _changed(entry: os.DirEntry[str]) -> float:
    try:
        return entry.stat(follow_symlinks=False).st_mtime
    except FileNotFoundError:  # its owner has removed it meanwhile
        return time.time()
