"""Stops an archive that unpacks to more than it should while it is being unpacked."""

from __future__ import annotations

from commandcenter.engine.errors import SourceError
from commandcenter.engine.source.guard import Guard, too_large

_FREE = (
    16 * 1024 * 1024
)  # text and logs can shrink a thousandfold: a ratio says nothing about a small archive


class Meter:
    """Counts unpacked bytes against the packed size of the whole archive."""

    def __init__(self, packed: int, guard: Guard) -> None:
        self.guard = guard
        self._packed = max(1, packed)
        self.unpacked = 0

    def add(self, size: int) -> None:
        """Count unpacked bytes. Raises SourceError `archive_bomb` or `source_too_large`."""
        self.unpacked += size
        self.guard.check()
        limits = self.guard.limits
        if self.unpacked > _FREE and self.unpacked > self._packed * limits.max_archive_ratio:
            raise SourceError(
                f"The archive unpacks to more than {limits.max_archive_ratio} times its size, as a zip bomb does.",
                code="archive_bomb",
            )
        if self.unpacked > limits.max_repository_bytes:
            raise too_large(limits)


def invalid(what: str) -> SourceError:
    """Build the error for an archive that cannot be unpacked."""
    return SourceError(f"The archive cannot be unpacked: {what}.", code="archive_invalid")
