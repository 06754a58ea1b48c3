"""The main job in the foreground: register a source, analyse it in this process, judge the result."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q

from commandcenter.analysis.findings.identity import with_findings
from commandcenter.analysis.models import (
    Analysis,
    Finding,
    Occurrence,
    Policy,
    PolicyStatus,
    PolicyVerdict,
    Severity,
    decision_in_force,
)
from commandcenter.analysis.policy.again import judge_one
from commandcenter.analysis.policy.verdict import verdict_of, violations
from commandcenter.analysis.results.unfinished import discard_abandoned
from commandcenter.analysis.running.requests import request_analysis
from commandcenter.analysis.running.settle import settle
from commandcenter.analysis.sources import as_local_path, validate_source
from commandcenter.inventory.flows.projects import create_project
from commandcenter.inventory.flows.repositories import create_repository
from commandcenter.inventory.models import Project, Repository
from commandcenter.ops.first_run import free_name
from jobs.models import FOREGROUND, Job, OriginKind
from jobs.running.execution import run_in_foreground

DEFAULT_PROJECT = "command-line"
BAD_INPUT_CODES = re.compile(r"source_|ref_|archive_")


@dataclass(frozen=True, slots=True)
class Outcome:
    """How the analysis ended. `analysis` is None when it did not even begin."""

    job: Job
    analysis: Analysis | None

    @property
    def bad_input(self) -> bool:
        """True when the source itself, or the ref, is at fault."""
        return BAD_INPUT_CODES.match(self.job.error_code) is not None


def register(source: str, project_slug: str | None) -> Repository:
    """Return the repository of a source, registered where it was not. Raises ValidationError for bad input.

    Without a project named, a repository of this source in any project serves. The folder of a local source may be
    read for as long as this process lives.
    """
    path = as_local_path(source)
    if path is not None:
        source = str(path)
        folder = path if path.is_dir() else path.parent
        settings.SOURCE_ROOTS = (*settings.SOURCE_ROOTS, folder)
    source = validate_source(source)
    known = Repository.objects.select_related("project").filter(source=source).order_by("pk")
    if project_slug is not None:
        known = known.filter(project__slug=project_slug)
    with transaction.atomic():
        found = known.first()
        if found is not None:
            return found
        project = _project(project_slug or DEFAULT_PROJECT)
        return create_repository(by=None, project=project, name=free_name(project, source), source=source)


def _project(slug: str) -> Project:
    Project._meta.get_field("slug").run_validators(slug)
    name = "Command line" if slug == DEFAULT_PROJECT else slug
    return Project.objects.filter(slug=slug).first() or create_project(by=None, name=name, slug=slug)


def prepare(repository: Repository, *, ref: str, force: bool) -> Job:
    """Create the job that this process will run. Raises InvalidParameters."""
    return request_analysis(
        repository,
        ref=ref,
        force=force,
        by=None,
        origin_kind=OriginKind.COMMAND,
        dispatch=False,
        queue=FOREGROUND,
    )


def run(job: Job) -> Outcome:
    """Run the job here and settle its analysis. Ctrl-C cancels it and comes out as KeyboardInterrupt."""
    try:
        ended = run_in_foreground(job)
    finally:
        settle(job.pk)
        discard_abandoned()
    analysis = (
        Analysis.objects.with_results().select_related("repository", "project").filter(job=ended).first()
    )
    return Outcome(ended, analysis)


def require_policy(repository: Repository) -> None:
    """Raise ValidationError unless the repository's project has an enabled policy to judge by."""
    policy = Policy.objects.filter(project=repository.project_id, enabled=True).first()
    if policy is None or not any(condition.get("enabled", True) for condition in policy.conditions):
        raise ValidationError(
            f"The project {repository.project.slug} has no enabled policy to judge by: make one on its page "
            f"/projects/{repository.project_id}/policy/ or by POST /api/v1/policies."
        )


def judge_what_is_known(analysis: Analysis) -> None:
    """Judge a judged analysis again, after its packages were matched, and show it its new verdict."""
    if verdict_of(analysis) is not None:
        judge_one(analysis.pk)
        with suppress(PolicyVerdict.DoesNotExist):  # the policy was removed in this moment
            analysis.policy_verdict.refresh_from_db()


def policy_violations(analysis: Analysis) -> list[str]:
    """Return what breaks the policy, a sentence each; nothing when it passed, or is unknown and that does not fail."""
    verdict = verdict_of(analysis)
    return violations(verdict) if verdict is not None and verdict.status == PolicyStatus.FAILED else []


def findings_at_least(analysis: Analysis, severity: str) -> int:
    """Count the findings of this severity and above that neither a comment in the code nor a decision suppresses."""
    seen = Occurrence.objects.filter(
        result_set=analysis.result_set_id,
        severity__gte=Severity[severity.upper()].value,
        inline_suppressed=False,
    )
    decided = Finding.objects.filter(decision_in_force(), branch_line=analysis.branch_line_id)
    counting = Q(finding_id__isnull=True) | ~Q(finding_id__in=decided.values("pk"))
    return with_findings(analysis, seen).filter(counting).count()
