"""What pages say of exports: of what, in which form, how it stands, and what to do about one that failed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import Count
from django.http import HttpRequest

from commandcenter.analysis.models import Analysis
from commandcenter.dashboard import access
from exports.models import WAITING, Export, ExportQuerySet, ExportStatus
from exports.registry import FORMATS
from jobs.models import Job

COUNTED = 10_001  # of the newest exports
_ADVICE = {
    "storage_unavailable": "Run manage.py doctor to see what keeps the storage away, then export again.",
    "analysis_deleted": "Export the analyses that are left.",
    "unknown_format": "Choose a format of this installation.",
    "job_deleted": "Export again.",
}


@dataclass(frozen=True, slots=True)
class Shown:
    """One export as a row of the list: `first` is its first analysis, None when that was deleted."""

    export: Export
    first: Analysis | None
    may_write: bool = False

    @property
    def more(self) -> int:
        """How many analyses there are besides the first."""
        return max(len(self.export.analyses) - 1, 0)

    @property
    def format_name(self) -> str:
        known = FORMATS.get(self.export.format)
        return known.info.name if known else self.export.format

    @property
    def options(self) -> list[tuple[str, str]]:
        """The options that are not what holds when nothing is said."""
        known = FORMATS.get(self.export.format)
        defaults = {each.name: each.default for each in known.info.options} if known else {}
        return [(name, value) for name, value in self.export.options.items() if defaults.get(name) != value]

    @property
    def waits(self) -> bool:
        """True while its job has not ended."""
        return self.export.status in WAITING

    @property
    def is_zip(self) -> bool:
        """True when its file holds one document for each analysis."""
        return self.export.portfolio or len(self.export.analyses) > 1

    @property
    def has_file(self) -> bool:
        return self.export.status == ExportStatus.COMPLETED

    @property
    def error(self) -> str:
        """Why it failed: as the job says while the export itself does not yet."""
        job = self.export.job
        return self.export.error_message or (
            job.error_message if job else "Its job was deleted before it ended."
        )

    @property
    def advice(self) -> str:
        """What to do about a failure, where its message does not say it itself."""
        job = self.export.job
        code = self.export.error_code or (job.error_code if job else "job_deleted")
        return _ADVICE.get(code, "")


def visible(request: HttpRequest) -> ExportQuerySet:
    """Return the exports that the viewer may see, with all that a page shows of one."""
    rows: ExportQuerySet = (
        Export.objects.visible_to(access.viewer(request))
        .with_status()
        .select_related("project", "created_by", "job__run")
    )
    return rows


def shown(exports: Iterable[Export], writable: set[int]) -> list[Shown]:
    """Return the rows of a list, each with its first analysis, in one query; `writable` are keys of projects.

    An analysis counts only for exports of its own project: the keys are what somebody sent.
    """
    rows = list(exports)
    firsts = (
        Analysis.objects.filter(pk__in={row.analyses[0] for row in rows if row.analyses})
        .select_related("repository")
        .only("project_id", "ref", "commit", "repository__name")
        .in_bulk()
    )
    found = []
    for row in rows:
        first = firsts.get(row.analyses[0]) if row.analyses else None
        if first is not None and first.project_id != row.project_id:
            first = None
        found.append(Shown(row, first, row.project_id in writable))
    return found


def counts(exports: ExportQuerySet) -> Counter[str]:
    """Return how many of the newest 10,001 exports stand how."""
    newest = exports.order_by("-pk").values("pk")[:COUNTED]
    among: Any = Export.objects.with_status().filter(pk__in=newest).order_by()
    rows = among.values_list("status").annotate(count=Count("pk"))
    return Counter(dict(rows))


def jobs_of(exports: Iterable[Export]) -> list[Job]:
    """Return the jobs that have not ended."""
    return [row.job for row in exports if row.job is not None and row.status in WAITING]
