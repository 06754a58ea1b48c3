"""The job type `export`: write analyses in a format to the artifact storage."""

from __future__ import annotations

import errno
import hashlib
from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import Any, cast

import structlog
from django.db import DatabaseError, InterfaceError, connection

from commandcenter.analysis.models import Analysis
from commandcenter.core.renderers import to_json
from commandcenter.inventory.models import Project
from exports import artifacts, ledger, parameters, portfolio
from exports.counted import CountedSource
from exports.formats.contract import Format
from exports.models import Export
from exports.naming import file_name, plain, unique
from exports.registry import UnknownFormat, format_named
from exports.writing import gathered
from exports.zipped import Member, zipped
from jobs.exceptions import JobFailed
from jobs.handlers import JobRunContext, Scope
from jobs.models import Job

WRITTEN = 98  # percent
NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
MANIFEST = "manifest.json"

log = structlog.get_logger(__name__)


class ExportHandler:
    """Writes one file: the document of one analysis, or a zip with one for each of several or of a portfolio."""

    queue = "export"

    def validate(self, given: dict[str, Any], *, project: Project) -> dict[str, Any]:
        """Return {analyses, format, options} or {portfolio, format, options}; raise InvalidParameters."""
        return parameters.cleaned(given, project=project)

    def scope(self, given: dict[str, Any]) -> Scope:
        """Stand in nobody's way: results do not change while they are read."""
        return Scope()

    def created(self, jobs: Sequence[Job]) -> None:
        """Keep a row for each job from its beginning, so that it is listed while it waits."""
        ledger.register_new(jobs)

    def run(self, run: JobRunContext) -> None:
        """Write the file; it becomes the export's own in the transaction that completes the job."""
        export = ledger.register(Job.objects.get(pk=run.job_id))
        try:
            wanted = format_named(export.format)
        except UnknownFormat as error:
            raise JobFailed("unknown_format", str(error)) from None
        if run.attempt > 1:
            _tidy(export)
        document = _Document(run, export, wanted, ledger.listed_analyses(export))
        key = artifacts.new_key(export, run.attempt, document.extension)
        try:
            artifact = _written(key, document)
            run.progress(WRITTEN, "Completing")
            result: dict[str, Any] = {}
            with run.commit(result):
                result.update(ledger.complete(export, artifact))
        except BaseException:
            if not _committed(export, key):
                artifacts.remove(key)
            raise


class _Document:
    """The bytes of one export, with a look at cancellation between pieces."""

    def __init__(self, run: JobRunContext, export: Export, wanted: Format, analyses: list[Analysis]) -> None:
        self._run = run
        self._export = export
        self._format = wanted
        self._options = {each.name: each.default for each in wanted.info.options} | export.options
        self._type = wanted.file_type(self._options)
        self._analyses = analyses
        self._names = unique(file_name(each, self._type.extension) for each in analyses)
        self._manifest: list[dict[str, Any]] = []

    @property
    def single(self) -> bool:
        return len(self._analyses) == 1 and not self._export.portfolio

    @property
    def extension(self) -> str:
        return self._type.extension if self.single else "zip"

    @property
    def media_type(self) -> str:
        return self._type.media_type if self.single else "application/zip"

    @property
    def file_name(self) -> str:
        if self.single:
            return self._names[0]
        kind = "portfolio" if self._export.portfolio else "export"
        return f"{plain(self._export.project.slug, 'project')}-{kind}-{self._export.pk}.zip"

    def pieces(self) -> Iterator[bytes]:
        if self.single:
            return self._of(0)
        return gathered(zipped(self._members()))

    def _members(self) -> Iterator[Member]:
        for place, analysis in enumerate(self._analyses):
            yield Member(self._names[place], analysis.completed_at, self._of(place))
        head: dict[str, Any] = {"format": self._format.info.id, "export": self._export.pk}
        if self._export.portfolio:
            head["portfolio"] = portfolio.said(self._export)
        head["files"] = self._manifest
        yield Member(MANIFEST, self._export.created_at, iter([to_json(head)]))

    def _of(self, place: int) -> Iterator[bytes]:
        """Yield the document of one analysis, and note in the manifest what it was."""
        name = self._names[place]
        analysis = ledger.with_results(self._analyses[place])
        size, digest = 0, hashlib.sha256()
        label = name if self.single else f"{place + 1:,} of {len(self._names):,}: {name}"
        source = CountedSource(analysis)

        def tell() -> None:
            share = (place + source.share) / len(self._names)
            self._run.progress(int(WRITTEN * share), f"Writing {label} ({source.said}{size / 1e6:.1f} MB)")

        source.tell = tell
        tell()
        for piece in _made(self._format.write(source, self._options)):
            if piece:
                yield piece
            size += len(piece)
            digest.update(piece)
            tell()
        self._manifest.append(
            {
                "name": name,
                "analysis": analysis.pk,
                "repository": analysis.repository_id,
                "repository_name": analysis.repository.name,
                "ref": analysis.ref,
                "commit": analysis.commit,
                "bytes": size,
                "sha256": digest.hexdigest(),
            }
        )


def _tidy(export: Export) -> None:
    """Remove what earlier attempts left; where the storage is away, that is for the sweep."""
    try:
        artifacts.remove_others(export)
    except OSError as error:
        log.warning("artifacts not removed", action="export", export=export.pk, error=str(error))


def _made(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Raise JobFailed where a format cannot write its temporary files: that is not the artifact storage."""
    try:
        yield from pieces
    except OSError as error:
        raise JobFailed(
            "no_temporary_file",
            f"The document could not be made in the folder of temporary files of the worker "
            f"({error.strerror or type(error).__name__}). Make room there, then retry the job.",
            retryable=error.errno not in NO_ROOM,
        ) from error


def _written(key: str, document: _Document) -> ledger.Artifact:
    """Store the document. Raises JobFailed when the storage cannot take it."""
    with closing(cast("Any", document.pieces())) as pieces:
        content = artifacts.Pieces(pieces)
        try:
            artifacts.write(key, content)
        except OSError as error:
            log.warning("artifact not written", action="export", key=key, error=str(error))
            if error.errno in NO_ROOM:
                raise JobFailed(
                    "storage_full",
                    f"The artifact storage has no room left; {content.written:,} bytes did not fit. "
                    "Make room, then retry the job.",
                ) from error
            raise JobFailed(
                "storage_unavailable",
                f"The artifact storage did not take the file ({error.strerror or type(error).__name__}).",
                retryable=True,
            ) from error
    return ledger.Artifact(key, document.file_name, document.media_type, content.written, content.sha256)


def _committed(export: Export, key: str) -> bool:
    """True when the file is the export's, or may be: a commit whose answer was lost has happened all the same."""
    try:
        if not connection.in_atomic_block:
            connection.close()  # an exception out of a signal may have left a query half read
        return Export.objects.filter(pk=export.pk, artifact=key).exists()
    except (DatabaseError, InterfaceError):
        return True
