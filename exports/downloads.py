"""Answers with the file of an export: whole or a part, with what proxies and resuming clients need to know."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from typing import Any

from django.core.files.base import File
from django.db import connection
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.utils.http import content_disposition_header

from commandcenter.core.etags import matches
from commandcenter.core.problems import Conflict, Problem, Unavailable
from exports import artifacts
from exports.models import WAITING, Export, ExportStatus
from exports.ranges import Part, Unsatisfiable, part_asked_for

PIECE_BYTES = 64 * 1024


def answer(request: HttpRequest, export: Export) -> HttpResponseBase:
    """Answer a GET or HEAD for the file of an export, loaded `with_status`.

    Raises Problem: 409 while there is no file, 410 when it is gone, 416 for a part outside of it, 503 while the
    storage is away.
    """
    size = require_file(export)
    etag = f'"{export.sha256}"'
    if matches(request.META.get("HTTP_IF_NONE_MATCH", ""), etag):
        return HttpResponse(status=304, headers={"ETag": etag, "Cache-Control": "private, no-cache"})
    file = _opened(export)
    try:
        part = _part(request, etag, size)
        whole = Part(0, size)
        # As stored: a compressed answer could have no length, and not this tag.
        request.META["HTTP_ACCEPT_ENCODING"] = "identity"
        response: HttpResponseBase
        if request.method == "HEAD":
            file.close()
            response = HttpResponse()
        else:
            response = StreamingHttpResponse(_Pieces(file, part or whole), status=206 if part else 200)
    except BaseException:
        file.close()
        raise
    response["Content-Type"] = export.media_type
    response["Content-Disposition"] = content_disposition_header(True, export.file_name)
    response["Content-Length"] = str((part or whole).length)
    if part is not None:
        response["Content-Range"] = f"bytes {part.start}-{part.start + part.length - 1}/{size}"
    response["Accept-Ranges"] = "bytes"
    response["ETag"] = etag
    response["Cache-Control"] = "private, no-cache"
    response["X-Accel-Buffering"] = "no"
    return response


def require_file(export: Export) -> int:
    """Return the size of the file. Raises Problem where the export has none, or none any more."""
    if export.status in WAITING:
        raise Conflict("not_ready", f"The export is {export.status}; its file is not ready.")
    if export.status == ExportStatus.EXPIRED:
        raise Problem("The file has expired; export again.", status=410, code="expired")
    if export.status != ExportStatus.COMPLETED or export.bytes is None:
        how = "was cancelled" if export.status == ExportStatus.CANCELLED else "has failed"
        raise Conflict("no_file", f"The export {how}, so it has no file; export again.")
    return export.bytes


def _part(request: HttpRequest, etag: str, size: int) -> Part | None:
    """Return the part that is asked for, None for the whole file."""
    if request.method != "GET":
        return None
    condition = request.META.get("HTTP_IF_RANGE", "").strip()
    if condition and condition != etag:
        return None  # the client has the beginning of another file
    try:
        return part_asked_for(request.META.get("HTTP_RANGE", ""), size)
    except Unsatisfiable:
        raise Problem(
            f"The file has {size:,} bytes, and none in this range.",
            status=416,
            code="range_not_satisfiable",
            headers={"Content-Range": f"bytes */{size}"},
        ) from None


def _opened(export: Export) -> File[Any]:
    """Open the file. Raises Problem when it is not there any more, or not as it was written."""
    try:
        file = artifacts.opened(export.artifact)
        size = file.size
    except FileNotFoundError:
        raise Problem(
            "The file was removed from the storage; export again.", status=410, code="file_missing"
        ) from None
    except OSError as error:
        raise Unavailable(
            f"The artifact storage cannot be read ({error.strerror or type(error).__name__}).",
            code="storage_unavailable",
        ) from None
    if size == export.bytes:
        return file
    file.close()
    message = f"The file has {size:,} bytes in the storage and not {export.bytes:,}; export again."
    raise Problem(message, status=410, code="file_damaged")


class _Pieces:
    """A part of a file, piece by piece. The response closes it, also where nobody read it."""

    def __init__(self, file: File[Any], part: Part) -> None:
        self._file = file
        self._left = part.length
        self._begun = False
        if part.start:
            file.seek(part.start)

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        """Raise OSError where the file ends early: the connection breaks, so that no client takes it for whole."""
        if not self._begun:
            self._begun = True
            if not connection.in_atomic_block:
                connection.close()  # nothing is asked any more, and the client may take hours
        if self._left == 0:
            raise StopIteration
        piece: bytes = self._file.read(min(PIECE_BYTES, self._left))
        if not piece:
            raise OSError(errno.EIO, "the file became shorter while it was sent")
        self._left -= len(piece)
        return piece

    def close(self) -> None:
        self._file.close()
