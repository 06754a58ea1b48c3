"""Moves old jobs into files of the artifact storage. A job is deleted only after its file was read back and compared.

What stops this at any point loses nothing: before a file is recorded its jobs are all still here, and are written
again to another file; after that the next run reads it back once more and deletes what is left of its jobs.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from django.core.files.storage import default_storage
from django.db import InterfaceError, OperationalError, connection, transaction
from django.db.models import Exists, F, OuterRef, Q
from django.utils import timezone

from jobs.exceptions import ArchiveBusy, ArchiveDamaged, ArchiveFailed
from jobs.models import TERMINAL, ArchiveFile, ArchiveState, Job, JobQuerySet, JobRun
from jobs.retention import archive_files
from jobs.retention.archive_files import Entry
from jobs.statistics.rollups import count_ended

BATCH = 1_000  # jobs in one file
STEP = 100  # jobs deleted in one transaction
_LOCK = 0x636A5F617263  # advisory: one archiver at a time
_OURS = {"jobs.Job", "jobs.JobRun", "jobs.JobEvent"}  # what the deletion of a job may take with it

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Archived:
    """What a run did. `deleted` may exceed `written`: jobs of files from an earlier run."""

    files: int = 0
    written: int = 0
    deleted: int = 0
    bytes: int = 0
    finished: bool = True  # false when time ran out


OnFile = Callable[[ArchiveFile], None]


def archive(
    days: int, *, batch: int = BATCH, seconds: float | None = None, on_file: OnFile | None = None
) -> Archived:
    """Archive the jobs that ended more than `days` days ago, beginning no file after `seconds`.

    `on_file` is called for each file whose jobs were deleted. Raises ArchiveBusy while another archiver runs,
    ArchiveFailed (ArchiveDamaged) when the storage does not keep what it was given; nothing is deleted for it then.
    """
    end = None if seconds is None else time.monotonic() + seconds
    done = Archived()
    before = timezone.now() - timedelta(days=days)
    with _only_archiver():
        count_ended(5.0 if seconds is None else min(seconds, 5.0))  # what is not in the statistics yet stays
        for unfinished in ArchiveFile.objects.filter(state=ArchiveState.VERIFIED).order_by("pk"):
            _finish(unfinished, done, on_file)
        while True:
            if end is not None and time.monotonic() > end:
                done.finished = False
                return done
            ids = list(_next(before).values_list("pk", flat=True)[:batch])
            if not ids:
                return done
            found = _write(ids, done)
            if not _delete_all(*found, done, on_file):
                return done  # all of them are held back, and would be written again for ever


def waiting(days: int) -> int:
    """Return how many jobs `archive` would move now."""
    before = timezone.now() - timedelta(days=days)
    kept = Job.objects.filter(parent=OuterRef("pk")).exclude(completed_at__lt=before)
    return _old(before).filter(~Exists(kept)).count()


def _old(before: datetime) -> JobQuerySet:
    """Return jobs that ended before, without children whose batch did not: a family goes together."""
    return Job.objects.filter(Q(parent=None) | Q(parent__completed_at__lt=before), completed_at__lt=before)


def _next(before: datetime) -> JobQuerySet:
    """Return what may be written now, the earliest end first; a batch comes when its children are gone."""
    children = Job.objects.filter(parent=OuterRef("pk"))
    ready = _old(before).filter(~Exists(children), run__uncounted=False, status__in=TERMINAL)
    return ready.order_by("completed_at", "pk")


def _write(ids: Sequence[int], done: Archived) -> tuple[ArchiveFile, list[Entry]]:
    """Write one file, read it back, and record it."""
    written = archive_files.write(default_storage, ids)
    try:
        found = archive_files.read_back(
            default_storage, written.key, bytes=written.bytes, sha256=written.sha256
        )
        if found != written.entries:
            raise ArchiveDamaged(f"{written.key} holds other jobs than were written.")
    except ArchiveFailed:
        archive_files.discard(default_storage, written.key)
        raise
    recorded = ArchiveFile.objects.create(
        key=written.key,
        jobs=len(written.entries),
        first_completed_at=written.first_completed_at,
        last_completed_at=written.last_completed_at,
        bytes=written.bytes,
        sha256=written.sha256,
    )
    done.files += 1
    done.written += recorded.jobs
    done.bytes += recorded.bytes
    return recorded, found


def _finish(file: ArchiveFile, done: Archived, on_file: OnFile | None) -> None:
    """Go on where an earlier run was stopped after it had recorded the file."""
    try:
        entries = archive_files.read_back(default_storage, file.key, bytes=file.bytes, sha256=file.sha256)
    except ArchiveDamaged:
        # What is left of its jobs is written again; what was deleted for it, after it had been verified, is lost.
        log.exception("archive file damaged", action="archive", key=file.key, deleted=file.deleted)
        ArchiveFile.objects.filter(pk=file.pk).update(state=ArchiveState.DAMAGED)
        if file.deleted:
            raise
        return
    _delete_all(file, entries, done, on_file)


def _delete_all(file: ArchiveFile, entries: Sequence[Entry], done: Archived, on_file: OnFile | None) -> int:
    """Delete the jobs of a verified file, in small transactions. Return how many went."""
    before = done.deleted
    for start in range(0, len(entries), STEP):
        done.deleted += _delete(file, dict(entries[start : start + STEP]))
    ArchiveFile.objects.filter(pk=file.pk).update(state=ArchiveState.DONE)
    file.refresh_from_db()
    log.info("jobs archived", action="archive", key=file.key, jobs=file.jobs, deleted=file.deleted)
    if on_file is not None:
        on_file(file)
    return done.deleted - before


def _delete(file: ArchiveFile, last_seqs: dict[int, int]) -> int:
    """Delete jobs that are still as they were written and have no children; others stay."""
    with transaction.atomic():
        # Locked first: whoever would add a child needs the parent's key, and so waits, or has committed by now.
        locked = list(
            Job.objects.select_for_update()
            .filter(pk__in=last_seqs, status__in=TERMINAL)
            .order_by("pk")
            .values_list("pk", flat=True)
        )
        parents = set(Job.objects.filter(parent__in=locked).values_list("parent", flat=True))
        unchanged = [
            run.pk
            for run in JobRun.objects.filter(pk__in=locked, uncounted=False)
            if run.last_seq == last_seqs[run.pk] and run.pk not in parents
        ]
        _total, by_model = Job.objects.filter(pk__in=unchanged).delete()
        taken = {name for name, count in by_model.items() if count} - _OURS
        if taken or by_model.get("jobs.Job", 0) != len(unchanged):
            raise ArchiveFailed(
                f"Deleting jobs would delete rows that no archive holds ({', '.join(sorted(taken)) or 'jobs'})."
            )
        ArchiveFile.objects.filter(pk=file.pk).update(deleted=F("deleted") + len(unchanged))
    return len(unchanged)


@contextmanager
def _only_archiver() -> Iterator[None]:
    """Hold the archiver's lock for the session, not a transaction, which would last as long as the run."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [_LOCK])
        if not cursor.fetchone()[0]:
            raise ArchiveBusy("Another archiver is at work; this one has done nothing.")
    try:
        yield
    finally:
        try:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [_LOCK])
        except (InterfaceError, OperationalError):
            log.warning("archiver's session ended", action="archive")  # and its lock with it
