"""Imports a dump, batch by batch: what a batch wrote stays, whatever happens to the next one."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import structlog
from django.db.models import F
from django.db.models.functions import Greatest
from django.utils import timezone

from commandcenter.advisories.dump import BadDump, Item, items
from commandcenter.advisories.models import AdvisoryImport, AffectedPackage, Database, ImportStatus
from commandcenter.advisories.osv import BadRecord, Record, read_record
from commandcenter.advisories.storing import store

BATCH_RECORDS, BATCH_BYTES = 500, 8 << 20
NAMED_BAD = 100  # bad records that an import names; all are counted
KEPT = 200  # imports that are listed
ABANDONED = timedelta(days=1)

log = structlog.get_logger(__name__)
Progress = Callable[[float, AdvisoryImport], None]


def import_dump(
    path: Path, *, ecosystem: str = "", progress: Progress | None = None, shown: str = ""
) -> AdvisoryImport:
    """Import every record of a dump, or those that name a package of one ecosystem (its purl type).

    Running it again changes what has changed since, and nothing else. `progress` is called after each batch with the
    share that was read; what it raises ends the import. Raises BadDump when the dump cannot be read (on).
    """
    run = _Import(path, ecosystem, shown or str(path))
    try:
        for item in items(path):
            run.take(item)
            if run.full:
                run.flush()
                if progress is not None:
                    progress(item.share, run.row)
        run.flush()
    except BaseException as error:
        run.fail("It was interrupted." if not isinstance(error, BadDump) else str(error))
        raise
    if not run.row.read:
        run.fail("It holds no record.")
        raise BadDump(f"{path.name} holds no OSV record: it needs files that end in .json.")
    run.complete()
    return run.row


class _Import:
    """One import under way: the batch, the counts and the row that says both."""

    def __init__(self, path: Path, ecosystem: str, shown: str) -> None:
        self.row = AdvisoryImport.objects.create(
            source=shown.replace("\0", "").encode("utf-8", "replace").decode()[:500], ecosystem=ecosystem
        )
        self._path = path
        self._batch: list[Record] = []
        self._bytes = 0
        self._newest: dict[str, datetime] = {}
        self._claimed: set[str] = set()

    @property
    def full(self) -> bool:
        return len(self._batch) >= BATCH_RECORDS or self._bytes >= BATCH_BYTES

    def take(self, item: Item) -> None:
        row = self.row
        row.read += 1
        if item.data is None:
            self._bad(item.name, item.problem)
            return
        try:
            record = read_record(item.data)
        except BadRecord as error:
            self._bad(item.name, str(error))
            return
        named = {package.ecosystem for package in record.affected}
        if row.ecosystem and row.ecosystem not in named:
            row.skipped += 1
            return
        self._batch.append(record)
        self._bytes += len(item.data)
        if record.alone is not None:
            self._claimed.add(record.alone)
        for ecosystem in {row.ecosystem} if row.ecosystem else named:
            self._newest[ecosystem] = max(self._newest.get(ecosystem, record.modified_at), record.modified_at)

    def _bad(self, name: str, reason: str) -> None:
        self.row.bad += 1
        if len(self.row.bad_records) < NAMED_BAD:
            clean = name.replace("\0", "\ufffd").encode("utf-8", "replace").decode()
            self.row.bad_records.append({"name": clean[:300], "reason": reason[:300]})

    def flush(self) -> None:
        """Store the batch, and say how far the import is."""
        row = self.row
        if self._batch:
            done = store(self._batch)
            for name in ("added", "changed", "unchanged", "outdated", "skipped", "withdrawn"):
                setattr(row, name, getattr(row, name) + getattr(done, name))
        self._batch, self._bytes = [], 0
        row.newest_modified = max(self._newest.values(), default=None)
        row.save()

    def fail(self, reason: str) -> None:
        """Say that it ended before its end. What is known of ecosystems stays as far as it was."""
        self._end(ImportStatus.FAILED, reason)

    def complete(self) -> None:
        """Say for each ecosystem how far it is known now.

        A dump of one ecosystem also holds records that name packages of others beside its own. Those others are not
        known by that: only of which the dump has a record of its own is claimed.
        """
        now = timezone.now()
        for ecosystem in sorted(self._claimed & self._newest.keys()):
            newest = min(self._newest[ecosystem], now)
            count = AffectedPackage.objects.filter(ecosystem=ecosystem, advisory__withdrawn_at=None)
            known, created = Database.objects.get_or_create(
                ecosystem=ecosystem,
                defaults={
                    "as_of": newest,
                    "imported_at": now,
                    "advisories": 0,
                },
            )
            if not created:
                Database.objects.filter(pk=known.pk).update(as_of=Greatest(F("as_of"), newest))
            Database.objects.filter(pk=known.pk).update(
                imported_at=now,
                advisories=count.values("advisory").distinct().count(),
                last_import=self.row,
            )
        self._end(ImportStatus.COMPLETED, "")

    def _end(self, status: ImportStatus, error: str) -> None:
        row = self.row
        row.status, row.error, row.ended_at = status, error, timezone.now()
        row.save()
        log.info(
            "advisories imported", action="import", source=row.source, status=status.value, read=row.read,
            added=row.added, changed=row.changed, bad=row.bad,
        )  # fmt: skip
        prune(KEPT)


def prune(keep: int) -> int:
    """Forget all but the last imports; return how many. What they imported stays.

    One that still runs after a day was killed.
    """
    now = timezone.now()
    AdvisoryImport.objects.filter(status=ImportStatus.RUNNING, started_at__lt=now - ABANDONED).update(
        status=ImportStatus.FAILED, error="It ended without a word.", ended_at=now
    )
    oldest = AdvisoryImport.objects.order_by("-pk").values_list("pk", flat=True)[keep : keep + 1].first()
    if oldest is None:
        return 0
    removed, _ = AdvisoryImport.objects.filter(pk__lte=oldest).exclude(status=ImportStatus.RUNNING).delete()
    return removed
