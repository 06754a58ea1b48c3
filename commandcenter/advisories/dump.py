"""Reads the records of a dump one by one: a zip, a zip of zips, or a folder of either and of JSON files."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from commandcenter.advisories.osv import MAX_RECORD_BYTES
from commandcenter.advisories.zipped import MAX_ENTRIES, BadArchive, BombError, Entry, Zip

MAX_INNER_BYTES = 4 << 30  # of a zip within a zip, packed


class BadDump(ValueError):
    """A path that is no dump, or one that cannot be read on."""


@dataclass(frozen=True, slots=True)
class Item:
    """One file of a dump: its bytes, or why they cannot be used. `share` is how far the dump was read, 0 to 1."""

    name: str
    data: bytes | None
    problem: str = ""
    share: float = 0.0


def items(path: Path) -> Iterator[Item]:
    """Yield what a dump holds. Raises BadDump; a file in it that cannot be read is an item that says so."""
    try:
        if path.is_dir():
            yield from _folder(path)
        elif path.is_file():
            with path.open("rb") as file:
                yield from _archive(Zip(file, path.stat().st_size), "", 0.0, 1.0)
        else:
            raise BadDump(f"{path} is no file and no folder.")
    except BadArchive as error:
        raise BadDump(f"{path.name}: {error}") from error
    except OSError as error:
        raise BadDump(f"{path.name} cannot be read: {error.strerror or error}.") from error


def _folder(top: Path) -> Iterator[Item]:
    """Yield the JSON files and zips below a folder. Symbolic links are not followed."""
    seen = 0
    for folder, names, files in os.walk(top):
        names.sort()
        for name in sorted(files):
            if not name.lower().endswith((".json", ".zip")):
                continue
            seen += 1
            if seen > MAX_ENTRIES:
                raise BadDump(f"The folder has more than {MAX_ENTRIES:,} files.")
            path = Path(folder) / name
            yield from _file(path, str(path.relative_to(top)))


def _file(path: Path, shown: str) -> Iterator[Item]:
    if path.is_symlink():
        yield Item(shown, None, "It is a symbolic link, which is not followed.")
        return
    try:
        size = path.stat().st_size
        if not path.is_file():
            yield Item(shown, None, "It is a pipe, socket or device.")
        elif path.suffix.lower() == ".zip":
            with path.open("rb") as file:
                yield from _archive(Zip(file, size), shown, 0.0, 0.0)
        elif size > MAX_RECORD_BYTES:
            yield Item(shown, None, _TOO_LARGE)
        else:
            yield Item(shown, path.read_bytes())
    except (OSError, BadArchive) as error:
        yield Item(shown, None, f"It cannot be read: {error}")


def _archive(archive: Zip, within: str, begin: float, end: float) -> Iterator[Item]:
    """Yield the records of a zip, and of the zips in it; those within them are not opened."""
    for number, entry in enumerate(archive.entries()):
        shown = f"{within}/{entry.name}" if within else entry.name
        share = begin + (end - begin) * min(1.0, number / max(1, archive.count))
        lower = entry.name.lower()
        if lower.endswith(".zip") and not within:
            yield from _inner(archive, entry, share)
        elif lower.endswith(".json"):
            yield _record(archive, entry, shown, share)


def _record(archive: Zip, entry: Entry, shown: str, share: float) -> Item:
    data = bytearray()
    try:
        for chunk in archive.chunks(entry):
            data += chunk
            if len(data) > MAX_RECORD_BYTES:
                return Item(shown, None, _TOO_LARGE, share)
    except BombError:
        raise
    except BadArchive as error:
        return Item(shown, None, str(error), share)
    return Item(shown, bytes(data), "", share)


def _inner(archive: Zip, entry: Entry, share: float) -> Iterator[Item]:
    """Unpack a zip within a zip to a nameless file, for its directory stands at its end."""
    with tempfile.TemporaryFile() as file:
        try:
            written = _unpack(archive, entry, file)
            yield from _archive(Zip(file, written), entry.name, share, share)
        except BombError:
            raise
        except BadArchive as error:
            yield Item(entry.name, None, str(error), share)


def _unpack(archive: Zip, entry: Entry, file: IO[bytes]) -> int:
    written = 0
    for chunk in archive.chunks(entry):
        written += len(chunk)
        if written > MAX_INNER_BYTES:
            raise BadArchive("It is too large.")
        file.write(chunk)
    return written


_TOO_LARGE = f"It has more than {MAX_RECORD_BYTES >> 20} MiB."
