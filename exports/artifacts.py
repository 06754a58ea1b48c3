"""Files in the default storage. A name is used by one attempt only, so a file that an export names is whole.

Names are exports/<day of the export>/<id>-<attempt>-<random>.<extension>: what an attempt left behind is found by them.
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
import secrets
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

import structlog
from django.core.files.base import File
from django.core.files.storage import Storage, storages

from exports.models import Export

FOLDER = "exports"
NAME = re.compile(r"(?P<export>[1-9][0-9]{0,18})-(?P<attempt>[0-9]+)-[0-9a-f]{16}\.[A-Za-z0-9.]+")

log = structlog.get_logger(__name__)


class Pieces(File):  # type: ignore[type-arg]
    """Bytes that a storage takes piece by piece, counted and hashed on the way."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        super().__init__(None, name="")
        self._pieces = pieces
        self._digest = hashlib.sha256()
        self.written = 0

    @property
    def sha256(self) -> str:
        """The digest of what has been taken."""
        return self._digest.hexdigest()

    def chunks(self, chunk_size: int | None = None) -> Iterator[bytes]:
        """Yield the pieces as they come, whatever their size."""
        for piece in self._pieces:
            self._digest.update(piece)
            self.written += len(piece)
            yield piece


def storage() -> Storage:
    """Return the storage of artifacts."""
    return storages["default"]


def folder_of(export: Export) -> str:
    """Return the folder of an export's files."""
    return f"{FOLDER}/{export.created_at:%Y-%m-%d}"


def new_key(export: Export, attempt: int, extension: str) -> str:
    """Return a name that nobody else uses."""
    return f"{folder_of(export)}/{export.pk}-{attempt}-{secrets.token_hex(8)}.{extension}"


def write(key: str, content: Pieces) -> None:
    """Store the whole content under a new name, on the disk where the storage is one."""
    kept = storage().save(key, content)
    with suppress(NotImplementedError):  # a storage without paths is durable by itself
        path = Path(storage().path(kept))
        for each in (path, path.parent, path.parent.parent):
            descriptor = os.open(each, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
    if kept != key:
        remove(kept)
        raise FileExistsError(f"The storage has {key} already.")


def opened(key: str) -> File[Any]:
    """Open a file to read from any place. Raises OSError: FileNotFoundError for one that is not there."""
    try:
        return storage().open(key)
    except FileNotFoundError:
        _require_folder()
        raise


def remove(key: str) -> bool:
    """Remove a file; what cannot be removed now is left to the sweep. Return whether it is gone."""
    try:
        storage().delete(key)
    except OSError as error:
        log.warning("artifact not removed", action="remove", key=key, error=str(error))
        return False
    return True


def remove_others(export: Export, keep: str = "") -> int:
    """Remove what other attempts of an export left, and return how many files that were."""
    names = [name for name in names_in(folder_of(export)) if owner(name) == export.pk]
    keys = [key for name in names if (key := f"{folder_of(export)}/{name}") != keep]
    return sum(map(remove, keys))


def abandon_uploads(before: datetime) -> int:
    """End uploads of former days that nobody ends any more, and return how many; only a bucket has such."""
    abort = getattr(storage(), "abort_uploads", None)
    return int(abort(FOLDER, before)) if abort else 0


def names_in(folder: str) -> list[str]:
    """Return the names of the files in a folder, none where there is no folder."""
    return _listed(folder)[1]


def folders() -> list[str]:
    """Return the folders that hold artifacts, the oldest first."""
    return sorted(f"{FOLDER}/{name}" for name in _listed(FOLDER)[0])


def owner(name: str) -> int | None:
    """Return the id of the export that a file was written for; None for a file that is not ours."""
    match = NAME.fullmatch(name)
    return int(match["export"]) if match else None


def _require_folder() -> None:
    """Raise OSError where the storage is a disk that is not there: its files are away, and not gone."""
    with suppress(NotImplementedError):  # a bucket tells one from the other by itself
        if not Path(storage().path(FOLDER)).is_dir():
            raise OSError(errno.ENXIO, "its folder is not there; is the disk mounted?")


def _listed(folder: str) -> tuple[list[str], list[str]]:
    try:
        found: Any = storage().listdir(folder)
    except FileNotFoundError:
        return [], []
    return found[0], found[1]
