"""Writes the Analysis row from its beginning to its end."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.utils import timezone

from commandcenter.analysis.copying import clean_text
from commandcenter.analysis.findings import lifecycle
from commandcenter.analysis.findings.branches import line_of
from commandcenter.analysis.models import Analysis, AnalysisStatus, ResultSet, ResultSetStatus
from commandcenter.analysis.policy.verdict import judge
from commandcenter.analysis.results.summary import summary_of
from commandcenter.analysis.running.announce import announce, announce_changes, announce_technologies
from commandcenter.engine.source.model import TreeRef
from commandcenter.inventory.models import Repository
from jobs.models import Job


def begin(job: Job, repository: Repository, ref: str) -> Analysis:
    """Return the job's running analysis: a new one, announced as started, or the one of an earlier attempt."""
    with transaction.atomic():
        analysis, created = Analysis.objects.get_or_create(
            job=job,
            defaults={
                "project": repository.project,
                "repository": repository,
                "ref": ref,
                "started_at": timezone.now(),
            },
        )
        analysis.repository = repository
        if created:
            announce("analysis.started", analysis)
        elif analysis.status != AnalysisStatus.RUNNING:
            analysis.status, analysis.completed_at = AnalysisStatus.RUNNING, None
            analysis.error_code = analysis.error_message = ""
            analysis.save(update_fields=["status", "completed_at", "error_code", "error_message"])
    return analysis


def locate(analysis: Analysis, tree: TreeRef, *, asked_for: str) -> None:
    """Note which commit is analysed and draw its place in the order of its branch line.

    Without a ref asked for, what was read is the default branch, whatever its name.
    """
    ref = clean_text(tree.ref, 255)
    default = analysis.repository.default_branch or clean_text(tree.default_branch or "", 255)
    with transaction.atomic():
        line = line_of(analysis.repository, ref, is_default=not asked_for or ref == default)
        analysis.branch_line = line
        analysis.ticket = lifecycle.draw_ticket(line)
        analysis.ref = ref
        analysis.commit, analysis.tree = tree.commit, tree.tree
        analysis.committed_at = tree.committed_at  # RFC 3339 text, read by the field
        analysis.save(update_fields=["branch_line", "ticket", "ref", "commit", "tree", "committed_at"])


def complete(analysis: Analysis, result_set: ResultSet, *, reference: str | None = None) -> dict[str, Any]:
    """End an analysis with these results and return the account that becomes its job's result.

    `reference` is the full name of what was read, None where that is not known. Runs inside the transaction that completes the job.
    """
    partial = result_set.status == ResultSetStatus.PARTIAL
    status = AnalysisStatus.PARTIAL if partial else AnalysisStatus.COMPLETE
    outcome = lifecycle.apply(analysis, result_set, status)
    analysis.result_set = result_set
    analysis.status = status
    analysis.baseline_id = outcome.baseline_id
    analysis.delta = outcome.delta
    analysis.completed_at = timezone.now()
    analysis.error_code = analysis.error_message = ""
    analysis.settled = True
    analysis.save()
    verdict = judge(analysis, result_set)
    announce_technologies(analysis)
    announce_changes(analysis, outcome)
    announce("analysis.completed", analysis)
    summary = summary_of(analysis) or {}
    findings = summary.get("findings") or {}
    return {
        "analysis": analysis.pk,
        "status": status.value,
        "commit": analysis.commit,
        "ref": analysis.ref,
        "reference": None if reference is None else clean_text(reference, 300),
        "files": summary.get("files"),
        "lines_of_code": summary.get("lines_of_code"),
        "findings": findings.get("total"),
        "new": findings.get("new"),
        "fixed": findings.get("fixed"),
        "dependencies": (summary.get("dependencies") or {}).get("total"),
        "technologies": summary.get("technologies"),
        "policy": verdict.status if verdict else None,
        "incomplete_engines": [e["id"] for e in result_set.engines if e["status"] not in {"ok", "skipped"}],
    }
