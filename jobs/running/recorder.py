"""Collects an attempt's progress and log in memory, coalesced and capped, until they are written in one go."""

from __future__ import annotations

import threading

from django.conf import settings

from jobs.history import Entry, Increment
from jobs.models import JobEventType
from jobs.storable import text

MAX_LINE = 8_000  # characters of one log line
MAX_STEP = 200
LINE_COST = 64  # bytes that a line costs beside its text
LEVELS = ("debug", "info", "warning", "error")


class Recorder:
    """What happened since the last write. Bounded: one progress entry, and the log's cap in lines."""

    def __init__(self, log_bytes: int) -> None:
        """Start with what earlier attempts have used of the job's log."""
        self._lock = threading.Lock()
        self._entries: list[Entry] = []
        self._progress: Entry | None = None
        self._last_progress: tuple[int, str] | None = None
        self._room = settings.JOB_LOG_BYTES - log_bytes
        self._used = 0
        self._cut = 0

    def progress(self, percent: int, step: str) -> None:
        """Remember the newest progress; what it replaces before the next write is never written."""
        newest = (max(0, min(100, int(percent))), text(step, MAX_STEP))
        with self._lock:
            if newest != self._last_progress:
                self._last_progress = newest
                self._progress = Entry(
                    JobEventType.PROGRESS, {"progress": newest[0], "current_step": newest[1]}
                )

    def log(self, level: str, message: str, source: str) -> None:
        """Remember one line, or count it as cut when the job's log is full; the first that is cut leaves a note."""
        line = {
            "level": level if level in LEVELS else "info",
            "message": text(str(message), MAX_LINE),
            "source": text(str(source), 60),
        }
        cost = len(line["message"].encode()) + len(line["source"].encode()) + LINE_COST
        with self._lock:
            if self._room >= cost:
                self._entries.append(Entry(JobEventType.LOG, line))
                self._room -= cost
                self._used += cost
                return
            self._cut += 1
            if self._room >= 0:  # the first that does not fit; a full log of an earlier attempt has its note
                self._entries.append(Entry(JobEventType.LOG, _note()))
                self._used += max(0, self._room) + 1
                self._room = -1

    def drain(self) -> Batch:
        """Take everything collected so far; give it back with `restore` when it could not be written."""
        with self._lock:
            entries = self._entries + ([self._progress] if self._progress else [])
            batch = Batch(entries, self._progress, self._used, self._cut)
            self._entries, self._progress, self._used, self._cut = [], None, 0, 0
        return batch

    def restore(self, batch: Batch) -> None:
        """Put a batch back before what came since."""
        with self._lock:
            lines = [entry for entry in batch.entries if entry is not batch.progress]
            self._entries = lines + self._entries
            self._progress = self._progress or batch.progress
            self._used += batch.log_bytes
            self._cut += batch.lines_cut


class Batch:
    """Entries in the order in which they get their numbers, and what they change in JobRun."""

    def __init__(self, entries: list[Entry], progress: Entry | None, log_bytes: int, lines_cut: int) -> None:
        self.entries = entries
        self.progress = progress
        self.log_bytes = log_bytes
        self.lines_cut = lines_cut

    def run_values(self) -> dict[str, object]:
        """Return the columns of JobRun that go with these entries."""
        values: dict[str, object] = {}
        if self.progress is not None:
            values |= self.progress.data
        if self.log_bytes:
            values["log_bytes"] = Increment(self.log_bytes)
        if self.lines_cut:
            values["log_lines_cut"] = Increment(self.lines_cut)
        return values


def _note() -> dict[str, str]:
    return {
        "level": "warning",
        "message": f"The log of this job is full ({settings.JOB_LOG_BYTES:,} bytes); further lines are not kept.",
        "source": "jobs",
    }
