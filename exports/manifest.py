"""Reads the manifest of an export of several analyses out of its zip."""

from __future__ import annotations

import zlib
from typing import Any, cast
from zipfile import BadZipFile, ZipFile

import orjson

from exports import artifacts
from exports.handlers import MANIFEST
from exports.models import Export

MAX_BYTES = 4 * 1024 * 1024


class Unreadable(Exception):
    """The manifest cannot be read; the message says why."""


def files_in(export: Export) -> list[dict[str, Any]]:
    """Return what the manifest of a completed export of several analyses says of each file. Raises Unreadable."""
    try:
        with artifacts.opened(export.artifact) as file, ZipFile(cast("Any", file)) as archive:
            if archive.getinfo(MANIFEST).file_size > MAX_BYTES:
                raise Unreadable("Its manifest is too large to be shown; it is in the file.")
            found: list[dict[str, Any]] = list(orjson.loads(archive.read(MANIFEST))["files"])
    except FileNotFoundError:
        raise Unreadable("The file was removed from the storage; export again.") from None
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise Unreadable(f"The artifact storage cannot be read ({reason}).") from None
    except (BadZipFile, KeyError, TypeError, ValueError, RuntimeError, zlib.error, EOFError):
        raise Unreadable("The file is damaged; export again.") from None
    return found
