"""Judges what CI configurations other than workflows of GitHub's kind take from others: includes, orbs, templates."""

from __future__ import annotations

import re

from commandcenter.engine.contract.facts import Dependency, Evidence
from commandcenter.engine.contract.findings import Severity
from commandcenter.engine.manifests import gitlab, pipelines
from commandcenter.engine.practices.model import Outcome, Repository, example

_FIXED = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}|sha(?:256|384|512)-\S+")


def judge_includes(outcome: Outcome, repository: Repository) -> None:
    """Judge each include of GitLab CI, orb of CircleCI and repository of Azure Pipelines by whether it can change."""
    for row in repository.inventory.dependencies:
        if row.ecosystem == "docker" or example(row.path):
            continue
        if gitlab.matches(row.path):
            _judge(outcome, row, "Write the full commit id as its ref, or `integrity:` beside a remote file.")
        elif pipelines.is_circleci(row.path):
            outcome.looked_at += 1
            if row.version is None:  # a whole version of an orb never changes
                _add(outcome, row, "medium", "Write the whole version of the orb, such as 1.2.3.")
        elif pipelines.is_azure(row.path):
            _judge(
                outcome, row, "Name a tag that only releases move, or keep the template in this repository."
            )


def _judge(outcome: Outcome, row: Dependency, remedy: str) -> None:
    outcome.looked_at += 1
    if not _FIXED.fullmatch(row.requirement or ""):
        _add(outcome, row, "medium" if row.version is None else "low", remedy)


def _add(outcome: Outcome, row: Dependency, severity: Severity, remedy: str) -> None:
    ref = (row.requirement or "")[:80]
    named = f"by {ref}" if ref else "without a version"
    outcome.add(
        row.name,
        f"The CI configuration takes {row.name} {named}, which its owner can make other code.",
        [Evidence(row.path, row.line)],
        severity=severity,
        remedy=remedy,
    )
