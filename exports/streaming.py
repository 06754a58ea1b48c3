"""Answers with a document while it is written, or whole where a client could not tell a broken answer from it."""

from __future__ import annotations

from collections.abc import Iterator
from tempfile import TemporaryFile
from typing import IO

from django.http import HttpRequest, StreamingHttpResponse

from commandcenter.analysis.models import Analysis
from commandcenter.core.problems import Problem, Unavailable
from exports.naming import file_name
from exports.options import Options
from exports.registry import ExportSource, Format

PIECE_BYTES = 64 * 1024
# Over HTTP/1.0 the end of the connection is the end of the document, and many proxies ask by it.
WITHOUT_CHUNKS = frozenset({"HTTP/1", "HTTP/1.0"})
ENDS_QUIETLY = "commandcenter.ends_quietly"  # set by a server that ends a failed answer as if it were whole


def answer(
    request: HttpRequest, analysis: Analysis, wanted: Format, options: Options
) -> StreamingHttpResponse:
    """Answer a GET or HEAD for an analysis with results. Raises Problem: 404 when it is deleted meanwhile, 503."""
    length: int | None = None
    pieces: Iterator[bytes] = iter(())
    if request.method != "HEAD":
        written = _all_of(analysis, wanted.write(ExportSource(analysis), options))
        try:
            if _must_be_whole(request):
                file, length = _stored(written)
                pieces = _read(file)
            else:
                pieces = _started(written)
        except OSError as error:
            raise Unavailable(
                f"The export could not be made in the folder of temporary files: {error.strerror or error}.",
                code="no_temporary_file",
                retry_after=60,
            ) from error
    made = wanted.file_type(options)
    response = StreamingHttpResponse(pieces, content_type=made.media_type)
    response["Content-Disposition"] = f'attachment; filename="{file_name(analysis, made.extension)}"'
    response["X-Accel-Buffering"] = "no"
    if length is not None:
        request.META["HTTP_ACCEPT_ENCODING"] = "identity"  # a compressed answer would have no length
        response["Content-Length"] = str(length)
    return response


def _all_of(analysis: Analysis, pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Raise Problem where the analysis was deleted meanwhile: its rows go too, and the document ends early without a sign."""
    yield from pieces
    if not Analysis.objects.filter(pk=analysis.pk).exists():
        raise Problem("The analysis was deleted while it was exported.", status=404, code="analysis_deleted")


def _must_be_whole(request: HttpRequest) -> bool:
    return request.META.get("SERVER_PROTOCOL") in WITHOUT_CHUNKS or bool(request.META.get(ENDS_QUIETLY))


def _stored(pieces: Iterator[bytes]) -> tuple[IO[bytes], int]:
    """Write the document into a file that is gone when it is closed; return it with its size. Raises OSError."""
    file = TemporaryFile()  # noqa: SIM115  (the answer closes it)
    try:
        for piece in pieces:
            file.write(piece)
        size = file.tell()
        file.seek(0)
    except BaseException:
        file.close()
        raise
    return file, size


def _read(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        while piece := file.read(PIECE_BYTES):
            yield piece


def _started(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Write the first piece now: what fails at once is an error with a status, not a file that ends early."""
    first = next(filter(None, pieces), b"")

    def rest() -> Iterator[bytes]:
        yield first
        yield from pieces

    return rest()
