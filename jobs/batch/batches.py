"""The base of job types that do many things at once: a parent that makes a child for each, and waits for them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from django.conf import settings

from commandcenter.inventory.models import Project
from jobs.batch import relaunching
from jobs.batch.children import Children, count_children
from jobs.creation import create_job
from jobs.exceptions import InvalidParameters, JobCancelled, JobFailed
from jobs.handlers import JobRunContext, Scope, handler_for
from jobs.models import Job, OriginKind

PAGE = 100  # children made in one transaction


@dataclass(frozen=True, slots=True)
class ChildSpec:
    """A child to be made. `key` says which part of the batch it does: one of each is made, however often it is tried."""

    key: str  # at most 80 characters
    job_type: str
    parameters: dict[str, Any]
    retry_of_id: int | None = None


class BatchHandler:
    """Makes the children that its subclass names; their parent ends with the last of them.

    Of a batch that ran before, `{"relaunch": {"of": ID, "changes": {...}}}` runs what failed or was cancelled again.
    """

    queue = "default"

    def cleaned(self, parameters: dict[str, Any], *, project: Project) -> dict[str, Any]:
        """Return the cleaned parameters of an ordinary batch, as `Handler.validate` does."""
        raise NotImplementedError

    def children(self, parameters: dict[str, Any], project_id: int) -> Iterator[ChildSpec]:
        """Yield the children, in the same order each time; it is read up to settings.BATCH_MAX_CHILDREN."""
        raise NotImplementedError

    def scope(self, parameters: dict[str, Any]) -> Scope:
        """Work on nothing by itself; each child has its own."""
        return Scope()

    def validate(self, parameters: dict[str, Any], *, project: Project) -> dict[str, Any]:
        """Return the cleaned parameters; raise InvalidParameters naming each that cannot be used."""
        if relaunching.PARAMETER in parameters:
            return relaunching.cleaned(parameters, handler=type(self), project=project)
        return self.cleaned(parameters, project=project)

    def run(self, run: JobRunContext) -> None:
        """Make the children a page at a time, skipping those that an earlier attempt made, and leave the rest to them."""
        skipped = 0
        try:
            run.progress(0, "Looking for what there is to do")
            specs = specs_of(self, run)
            for first in range(0, len(specs), PAGE):
                run.progress(0, f"Making children: {first:,} of {len(specs):,}")
                skipped += make_children(run, specs[first : first + PAGE])
        except JobCancelled:
            # The parent ends as cancelled when those that are made have ended. `skipped` may be short by a page.
            run.log("info", "Cancelled before all children were made.", "batch")
        run.hand_over(skipped=skipped)


def specs_of(handler: BatchHandler, run: JobRunContext) -> list[ChildSpec]:
    """Return all children that this batch is to have. Raises JobFailed when they are too many, so that none is made."""
    relaunch = run.parameters.get(relaunching.PARAMETER)
    found = (
        (
            ChildSpec(child.child_key or str(child.pk), child.job_type, child.parameters, child.pk)
            for child in relaunching.unfinished(relaunch, run.project_id)
        )
        if relaunch
        else handler.children(run.parameters, run.project_id)
    )
    limit: int = settings.BATCH_MAX_CHILDREN
    specs = {spec.key: spec for spec in islice(found, limit + 1)}
    if len(specs) > limit:
        raise JobFailed(
            "too_many_children",
            f"This batch would have more than {limit:,} children. Split it, or raise CC_BATCH_MAX_CHILDREN.",
        )
    return list(specs.values())


def is_batch(job_type: str) -> bool:
    """Tell whether jobs of this type have children."""
    try:
        return isinstance(handler_for(job_type), BatchHandler)
    except InvalidParameters:  # a type of the past, without a handler today
        return False


def children_of(jobs: Iterable[Job]) -> dict[int, Children]:
    """Return the counts of the children of those of these jobs that are batches, in one query or none."""
    return count_children([job.pk for job in jobs if is_batch(job.job_type)])


def make_children(run: JobRunContext, page: Sequence[ChildSpec]) -> int:
    """Make these children in one transaction, and return how many could not be, with the reason in the log."""
    skipped = 0
    with (
        run.fenced()
    ):  # of this job's attempts only one gets here, so that what is not there now is not made meanwhile
        parent = Job.objects.select_related("project", "created_by").get(pk=run.job_id)
        there = set(
            Job.objects.filter(parent=parent, child_key__in=[spec.key for spec in page]).values_list(
                "child_key", flat=True
            )
        )
        for spec in page:
            run.raise_if_cancelled()
            if spec.key in there:
                continue
            try:
                create_job(
                    project=parent.project,
                    job_type=spec.job_type,
                    parameters=spec.parameters,
                    tags=parent.tags,
                    created_by=parent.created_by,
                    origin_kind=OriginKind.BATCH,
                    origin_id=parent.pk,
                    parent=parent,
                    child_key=spec.key,
                    retry_of=None if spec.retry_of_id is None else Job(pk=spec.retry_of_id),
                )
            except InvalidParameters as error:
                skipped += 1
                run.log("warning", f"No child for {spec.key}: {error}", "batch")
    return skipped
