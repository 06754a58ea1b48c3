"""Reads the file of an export for others, who shall not take a damaged one for the whole."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from exports import artifacts
from exports.delivery.outcomes import Refused
from exports.models import Export

CHUNK = 1 << 16


def pieces(export: Export) -> Iterator[bytes]:
    """Yield the file, and raise Refused after its last byte where it is not the file that was written.

    Raises OSError as well: FileNotFoundError where it is gone. Send nothing before the end.
    """
    digest = hashlib.sha256()
    left = export.bytes or 0
    with artifacts.opened(export.artifact) as file:
        while piece := file.read(min(CHUNK, left + 1)):
            digest.update(piece)
            left -= len(piece)
            if left < 0:
                break
            yield piece
    if digest.hexdigest() != export.sha256:
        raise Refused(
            "file_damaged", "The file in the storage is not the one that was written; export again."
        )
