"""The row of an export: made with its job, and completed together with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any

from django.conf import settings
from django.db.models.functions import Now

from commandcenter.analysis.models import Analysis
from commandcenter.events.publish import publish
from exports.models import Export, Outcome
from exports.parameters import listed
from exports.portfolio import latest_analyses
from jobs.exceptions import JobFailed
from jobs.models import Job


@dataclass(frozen=True, slots=True)
class Artifact:
    """A file that has been written whole. `key` is its name in the storage."""

    key: str
    file_name: str
    media_type: str
    bytes: int
    sha256: str


def register(job: Job) -> Export:
    """Return the export of a job, made where there is none; the job's parameters are cleaned ones.

    Here a portfolio's analyses are chosen: a retry of its job takes those that are the latest by then.
    """
    values = _asked(job) | {"analyses": partial(_chosen, job, {})}  # called where the export is made
    export, _made = Export.objects.get_or_create(job=job, defaults=values)
    return export


def register_new(jobs: Sequence[Job]) -> None:
    """Make the exports of jobs that were just made, as `register` does, with one query for each project's portfolio."""
    latest: dict[int, list[int]] = {}
    Export.objects.bulk_create(Export(job=job, analyses=_chosen(job, latest), **_asked(job)) for job in jobs)


def _asked(job: Job) -> dict[str, Any]:
    return {
        "project_id": job.project_id,
        "portfolio": "analyses" not in job.parameters,
        "format": job.parameters["format"],
        "options": job.parameters["options"],
        "created_by_id": job.created_by_id,
    }


def _chosen(job: Job, latest: dict[int, list[int]]) -> list[int]:
    """Return the analyses that are named, or the latest of the project, which are kept in `latest`."""
    given: list[int] | None = job.parameters.get("analyses")
    if given is not None:
        return given
    if job.project_id not in latest:
        latest[job.project_id] = latest_analyses(job.project_id)
    return latest[job.project_id]


def listed_analyses(export: Export) -> list[Analysis]:
    """Return the analyses in the order asked for, without their results. Raises JobFailed when one is gone."""
    found = (
        Analysis.objects.filter(project=export.project_id)
        .select_related("repository")
        .only("commit", "ref", "completed_at", "repository__name")
        .in_bulk(export.analyses)
    )
    _all_there(export, found)
    return [found[pk] for pk in export.analyses]


def with_results(analysis: Analysis) -> Analysis:
    """Return an analysis as it is written: one at a time is in memory. Raises JobFailed when it is gone."""
    readable = Analysis.objects.with_results().select_related("repository", "project")
    found = readable.defer("repository__credential_secret").filter(pk=analysis.pk).first()
    if found is None:
        raise _gone([analysis.pk])
    return found


def complete(export: Export, artifact: Artifact) -> dict[str, Any]:
    """Make the file the export's own and tell others; in the transaction that completes the job. Return its result.

    Raises JobFailed when an analysis was deleted while it was read: the file may end early without a sign of it.
    """
    _all_there(export, set(Analysis.objects.filter(pk__in=export.analyses).values_list("pk", flat=True)))
    Export.objects.filter(pk=export.pk).update(
        outcome=Outcome.COMPLETED,
        artifact=artifact.key,
        file_name=artifact.file_name,
        media_type=artifact.media_type,
        bytes=artifact.bytes,
        sha256=artifact.sha256,
        completed_at=Now(),
        expires_at=Now() + lifetime(),
    )
    facts = {"file_name": artifact.file_name, "bytes": artifact.bytes, "sha256": artifact.sha256}
    announce("export.completed", export, facts)
    return {"export": export.pk, **facts}


def announce(event_type: str, export: Export, facts: dict[str, Any]) -> None:
    """Publish `export.completed` or `.failed`, in the caller's transaction."""
    publish(
        event_type,
        project=export.project_id,
        subject=("export", export.pk),
        data={
            "export": export.pk,
            "job": export.job_id,
            "format": export.format,
            "analyses": export.analyses,
            **facts,
        },
    )


def lifetime() -> timedelta:
    """Return how long an ended export is kept."""
    return timedelta(days=settings.EXPORT_DAYS)


def _all_there(export: Export, found: Any) -> None:
    if missing := [pk for pk in export.analyses if pk not in found]:
        raise _gone(missing)


def _gone(missing: list[int]) -> JobFailed:
    return JobFailed("analysis_deleted", f"Deleted before the export was done: analysis {listed(missing)}.")
