"""What the page of a batch shows of its children: counts as a bar and words, and a bounded list, the failed first."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Case, IntegerField, Value, When

from commandcenter.dashboard.subjects import names_of
from jobs.batch.batches import children_of
from jobs.batch.children import Children
from jobs.fairness.waiting import WaitingReason, waiting_reasons
from jobs.models import Job, JobStatus

LISTED = 50
ORDER = (  # in the list: what needs attention first
    JobStatus.FAILED,
    JobStatus.RUNNING,
    JobStatus.QUEUED,
    JobStatus.PENDING,
    JobStatus.CANCELLED,
    JobStatus.COMPLETED,
)
IN_BAR = (  # what has ended grows from the left
    JobStatus.COMPLETED,
    JobStatus.FAILED,
    JobStatus.CANCELLED,
    JobStatus.RUNNING,
    JobStatus.QUEUED,
    JobStatus.PENDING,
)


@dataclass(frozen=True, slots=True)
class Part:
    """The children of one status: how many, and their place in the bar in percent."""

    status: str
    count: int
    x: str
    width: str


@dataclass(frozen=True, slots=True)
class Batch:
    """The children of one batch."""

    counts: Children
    parts: list[Part]
    children: list[Job]
    subjects: dict[int, str]
    waiting: dict[int, WaitingReason | None]
    skipped: int

    @property
    def asked(self) -> int:
        """How many there were to be, with those that could not be made."""
        return self.counts["total"] + self.skipped

    @property
    def unfinished(self) -> int:
        """How many failed, were cancelled or could not be made."""
        return self.counts["failed"] + self.counts["cancelled"] + self.skipped

    @property
    def active(self) -> int:
        """How many have not ended, which can outlive a batch that failed while it made them."""
        return self.counts["pending"] + self.counts["queued"] + self.counts["running"]

    @property
    def again(self) -> int:
        """How many "run the failed ones again" would run."""
        return self.counts["failed"] + self.counts["cancelled"]

    @property
    def unlisted(self) -> int:
        """How many are not in the list."""
        return self.counts["total"] - len(self.children)


def batch_of(job: Job) -> Batch | None:
    """Return the children of a batch, None for any other job. Few queries, however many there are."""
    counts = children_of([job]).get(job.pk)
    if counts is None:
        return None
    rank = Case(
        *(When(status=status, then=Value(place)) for place, status in enumerate(ORDER)),
        output_field=IntegerField(),
    )
    children = list(
        Job.objects.filter(parent=job).select_related("run", "project").order_by(rank, "pk")[:LISTED]
    )
    skipped = (job.result or {}).get("children", {}).get("skipped", 0)
    return Batch(counts, _parts(counts), children, names_of(children), waiting_reasons(children), skipped)


def _parts(counts: Children) -> list[Part]:
    parts: list[Part] = []
    x = 0.0
    by_status: dict[str, int] = {status: counts[status.value] for status in JobStatus}  # type: ignore[literal-required]
    for status in IN_BAR:
        if count := by_status[status]:
            width = 100 * count / counts["total"]
            parts.append(Part(str(status), count, f"{x:.3f}", f"{width:.3f}"))
            x += width
    return parts
