"""A zip archive as a stream: no part of it is kept longer than it takes to pass it on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import IO, cast
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

FIRST_YEAR = 1980  # that a zip archive can tell
READABLE = 0o100644 << 16


@dataclass(frozen=True, slots=True)
class Member:
    """One file of the archive; the pieces are read when its turn comes."""

    name: str
    at: datetime | None
    pieces: Iterator[bytes]


class _Sink:
    """What ZipFile writes to: it cannot seek, so that sizes follow the contents."""

    def __init__(self) -> None:
        self._held: list[bytes] = []

    def write(self, data: bytes) -> int:
        self._held.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        """Do nothing: `take` passes on what is held."""

    def take(self) -> Iterator[bytes]:
        held, self._held = self._held, []
        yield from held


def zipped(members: Iterable[Member]) -> Iterator[bytes]:
    """Yield the archive of these members."""
    sink = _Sink()
    with ZipFile(cast("IO[bytes]", sink), "w", ZIP_DEFLATED) as archive:
        for member in members:
            with archive.open(_info(member), "w", force_zip64=True) as file:
                for piece in member.pieces:
                    file.write(piece)
                    yield from sink.take()
            yield from sink.take()
    yield from sink.take()


def _info(member: Member) -> ZipInfo:
    at = (member.at or datetime.now(UTC)).astimezone(UTC)
    info = ZipInfo(member.name, date_time=max(at, datetime(FIRST_YEAR, 1, 1, tzinfo=UTC)).timetuple()[:6])
    info.compress_type = ZIP_DEFLATED
    info.external_attr = READABLE
    return info
