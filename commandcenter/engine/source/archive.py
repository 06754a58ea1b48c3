"""Opens zip and tar archives, whatever they are called, as a stream of files."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator

from commandcenter.engine.errors import SourceError
from commandcenter.engine.limits import MIB
from commandcenter.engine.source.decompress import pieces
from commandcenter.engine.source.guard import Guard
from commandcenter.engine.source.importer import Member, Tally
from commandcenter.engine.source.meter import Meter
from commandcenter.engine.source.roots import Place
from commandcenter.engine.source.untar import is_header, read_tar
from commandcenter.engine.source.unzip import read_zip

SUFFIXES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz", ".tar.zst", ".tzst")
_ZIP = (b"PK\x03\x04", b"PK\x05\x06")
_COMPRESSED = (b"\x1f\x8b", b"BZh", b"\xfd7zXZ\0", b"\x28\xb5\x2f\xfd")


def read_archive(place: Place, tally: Tally, guard: Guard) -> Iterator[Member]:
    """Yield the regular files of an archive. What it is, its content says. Raises SourceError."""
    try:
        with place.open(os.O_RDONLY | os.O_NONBLOCK) as handle:
            status = os.fstat(handle)
            if not stat.S_ISREG(status.st_mode):
                raise SourceError("The source is neither a folder nor a regular file.")
            if status.st_size > guard.limits.max_archive_bytes:
                raise SourceError(
                    f"The archive is larger than {guard.limits.max_archive_bytes // MIB} MiB.",
                    code="source_too_large",
                )
            with os.fdopen(os.dup(handle), "rb") as file:
                start = file.read(512)
                file.seek(0)
                meter = Meter(status.st_size, guard)
                if start.startswith(_ZIP):
                    yield from read_zip(file, status.st_size, tally, meter)
                elif start.startswith(_COMPRESSED) or is_header(start):
                    yield from read_tar(pieces(file, start, meter), tally, guard)
                else:
                    raise SourceError(
                        "The file is neither a zip nor a tar archive (plain, gzip, bzip2, xz or zstandard).",
                        code="archive_invalid",
                    )
    except FileNotFoundError:
        raise SourceError("There is no such file any more.", code="source_not_found") from None
    except PermissionError:
        raise SourceError(
            "The archive cannot be read: check its permissions.", code="source_forbidden"
        ) from None
