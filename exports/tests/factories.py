"""Analyses with enough rows for several pieces, and export jobs run in the test's own process."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.models.functions import Now

from commandcenter.analysis.models import Analysis
from commandcenter.analysis.tests.factories import analyse, dependency_row, file_row, finding, messages
from commandcenter.inventory.models import Repository
from exports import artifacts
from exports.formats.contract import ExportSource
from exports.ledger import Artifact, complete
from exports.models import Export
from exports.registry import FORMATS
from jobs.creation import create_job
from jobs.models import FOREGROUND, Job
from jobs.running.execution import execute, run_in_foreground


def analysis_of(repository: Repository, rows: int = 3) -> Analysis:
    """An analysis with as many findings, files and dependencies; 2,000 make about 2 MB of JSON."""
    said = messages(
        [finding(f"f{number}") for number in range(rows)],
        files=[file_row(f"src/f{number}.py") for number in range(rows)],
        dependencies=[dependency_row(f"package-{number}") for number in range(rows)],
    )
    return analyse(repository, said)


def make_job(*analyses: Analysis, name: str = "json", **values: Any) -> Job:
    """The job that exports these, dispatched unless told otherwise."""
    return create_job(
        project=analyses[0].project,
        job_type="export",
        parameters={"analyses": [each.pk for each in analyses], "format": name, **values.pop("given", {})},
        origin_kind="api",
        **values,
    )


def run_export(*analyses: Analysis, **values: Any) -> Export:
    """Run the export in this process and return it as it ended."""
    job = make_job(*analyses, dispatch=False, queue=FOREGROUND, **values)
    run_in_foreground(job)
    return export_of(job)


def export_of(job: Job) -> Export:
    return Export.objects.with_status().get(job=job)


def finished(*analyses: Analysis, content: bytes = b"{}", name: str = "json", **values: Any) -> Export:
    """An export that has its file, without a worker: for tests within one transaction, where no heartbeat sees its job."""
    job = make_job(*analyses, name=name, dispatch=False, **values)
    export = export_of(job)
    key, pieces = artifacts.new_key(export, 1, name), artifacts.Pieces(iter([content]))
    artifacts.write(key, pieces)
    made = Artifact(key, f"a.{name}", FORMATS[name].info.media_type, pieces.written, pieces.sha256)
    with transaction.atomic():
        Job.objects.filter(pk=job.pk).update(status="completed", completed_at=Now())
        complete(export, made)
    return export_of(job)


def exported(analysis: Analysis, *, name: str = "json", options: dict[str, str] | None = None) -> Export:
    """An export with the file that its format writes, made like `finished`."""
    chosen = FORMATS[name]
    given = {each.name: each.default for each in chosen.info.options} | (options or {})
    content = b"".join(chosen.write(ExportSource(analysis), given))
    return finished(analysis, content=content, name=name, given={"options": options or {}})


def run_queued(job: Job) -> Export:
    """Run an attempt of a queued job in this process, as a worker would, and return its export."""
    fresh = Job.objects.get(pk=job.pk)
    assert fresh.dispatch_id is not None
    assert execute(fresh.pk, fresh.dispatch_id) is not None
    return export_of(job)
