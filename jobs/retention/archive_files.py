"""Files of ended jobs: JSON Lines compressed with gzip, written to the artifact storage and read back.

Each line is {"schema": 1, "job": {...}, "run": {...}, "events": [{"seq", "type", "at", "data"}, ...]}, the columns of the
rows by their names, references as ids. `zcat FILE | jq` reads them.
"""

from __future__ import annotations

import gzip
import hashlib
import tempfile
import uuid
import zlib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import IO, Any

import orjson
from django.core.files import File
from django.core.files.storage import Storage
from django.db.models import Model

from jobs.exceptions import ArchiveDamaged, ArchiveFailed
from jobs.models import Job, JobEvent

SCHEMA = 1
MAX_BYTES = 64 * 1024 * 1024  # of text in one file, so that reading it back stays short
CHUNK = 20  # jobs whose events are in memory at once: each has a megabyte of log at most, by default
_PIECE = 1024 * 1024
_OPTIONS = orjson.OPT_UTC_Z | orjson.OPT_NON_STR_KEYS

Entry = tuple[int, int]  # a job's id and the number of its last event


@dataclass(frozen=True, slots=True)
class Written:
    """What was written: where, which jobs in which order, and what the compressed bytes are."""

    key: str
    entries: list[Entry]
    first_completed_at: datetime
    last_completed_at: datetime
    bytes: int
    sha256: str


def write(storage: Storage, ids: Sequence[int]) -> Written:
    """Write these ended jobs, or as many of the first ones as fit, to a new file. Raises ArchiveFailed, leaving none."""
    with tempfile.TemporaryFile() as draft:
        try:
            entries, first, last = _compress(draft, ids)
            draft.seek(0)
            sha256 = hashlib.file_digest(draft, "sha256").hexdigest()
            size = draft.tell()
            draft.seek(0)
        except OSError as error:
            raise ArchiveFailed(
                f"The file could not be prepared in {tempfile.gettempdir()}: {error}."
            ) from error
        wanted = f"archive/jobs/{first:%Y/%m}/{first:%Y%m%dT%H%M%SZ}-{ids[0]}-{uuid.uuid4().hex[:8]}.jsonl.gz"
        try:
            key = storage.save(wanted, File(draft))
        except Exception as error:  # storages raise families of their own; all mean "not written"
            discard(storage, wanted)
            raise ArchiveFailed(f"The storage did not take {wanted}: {error}.") from error
    return Written(key, entries, first, last, size, sha256)


def read_back(storage: Storage, key: str, *, bytes: int, sha256: str) -> list[Entry]:  # noqa: A002  (the column's name)
    """Return the jobs in a file, in order. Raises ArchiveDamaged when it is not what was written, ArchiveFailed
    when the storage does not give it.
    """
    try:
        with storage.open(key, "rb") as stored:
            _compare(stored, key, bytes, sha256)
        with storage.open(key, "rb") as stored, gzip.open(stored) as lines:
            return [_entry(line, key) for line in lines]
    except ArchiveDamaged:
        raise
    except FileNotFoundError:
        raise ArchiveDamaged(f"{key} is not in the storage any more.") from None
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise ArchiveDamaged(f"{key} cannot be unpacked: {error}.") from error
    except Exception as error:  # as above: "not read"
        raise ArchiveFailed(f"The storage did not give {key}: {error}.") from error


def discard(storage: Storage, key: str) -> None:
    """Remove a file that will not be used, if it is there and the storage lets us."""
    try:
        storage.delete(key)
    except Exception as error:  # noqa: BLE001  (what matters is why the file is not used; that is raised by the caller)
        error.add_note(f"{key} stays in the storage.")


def _compare(stored: IO[bytes], key: str, size: int, sha256: str) -> None:
    """Raise ArchiveDamaged when these bytes are not the ones that were written."""
    digest, seen = hashlib.sha256(), 0
    while piece := stored.read(_PIECE):
        digest.update(piece)
        seen += len(piece)
    if seen != size:
        raise ArchiveDamaged(f"{key} has {seen:,} bytes, not the {size:,} that were written.")
    if digest.hexdigest() != sha256:
        raise ArchiveDamaged(f"{key} holds other bytes than were written.")


def _compress(draft: IO[bytes], ids: Sequence[int]) -> tuple[list[Entry], datetime, datetime]:
    entries: list[Entry] = []
    ends: list[datetime] = []
    size = 0
    with gzip.GzipFile(filename="", fileobj=draft, mode="wb", compresslevel=6, mtime=0) as packed:
        for job, events in _histories(ids):
            line = _line(job, events)
            if entries and size + len(line) > MAX_BYTES:
                break
            packed.write(line)
            size += len(line)
            entries.append((job.pk, job.run.last_seq))
            ends.append(job.completed_at or job.created_at)
    if not entries:
        raise ArchiveFailed("The jobs to archive are gone.")
    return entries, min(ends), max(ends)


def _histories(ids: Sequence[int]) -> Iterator[tuple[Job, list[JobEvent]]]:
    for start in range(0, len(ids), CHUNK):
        chunk = ids[start : start + CHUNK]
        jobs = Job.objects.select_related("run", "project").in_bulk(list(chunk))
        events: defaultdict[int, list[JobEvent]] = defaultdict(list)
        for event in JobEvent.objects.filter(job__in=jobs).order_by("job", "seq"):
            events[event.job_id].append(event)
        for pk in chunk:
            if pk in jobs:
                yield jobs[pk], events[pk]


def _line(job: Job, events: Sequence[JobEvent]) -> bytes:
    content = {
        "schema": SCHEMA,
        "job": _columns(job) | {"project_slug": job.project.slug},
        "run": _columns(job.run),
        "events": [
            {"seq": event.seq, "type": event.type, "at": event.at, "data": event.data} for event in events
        ],
    }
    return orjson.dumps(content, option=_OPTIONS) + b"\n"


def _columns(row: Model) -> dict[str, Any]:
    return {field.name: field.value_from_object(row) for field in row._meta.concrete_fields}


def _entry(line: bytes, key: str) -> Entry:
    try:
        content = orjson.loads(line)
        if content["schema"] != SCHEMA:
            raise ArchiveDamaged(f"{key} has a line of the schema {content['schema']}, not {SCHEMA}.")
        return content["job"]["id"], content["run"]["last_seq"]
    except (ValueError, KeyError, TypeError) as error:
        raise ArchiveDamaged(f"{key} has a line that is no job: {error}.") from error
