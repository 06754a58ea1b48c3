"""Checks of GitHub workflows: pinned actions, the token's rights, and code of strangers that runs with rights."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from commandcenter.engine.contract.facts import Evidence
from commandcenter.engine.contract.findings import Severity
from commandcenter.engine.manifests.syntax import array, line_of, string, table
from commandcenter.engine.practices.includes import judge_includes
from commandcenter.engine.practices.model import Outcome, Repository, Workflow, read_table

_USES = re.compile(r"(?:https?://(?:github\.com/)?)?(?P<action>[\w.-]+/[\w.-]+(?:/[\w./-]+)?)@(?P<ref>\S+)")
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_OWN = frozenset(["actions", "github"])
_HEAD = re.compile(
    r"github\.event\.pull_request\.head|github\.head_ref|refs/pull/|github\.event\.workflow_run\.head"
    r"|\bgh\s+pr\s+checkout\b",
    re.IGNORECASE,
)
_DANGEROUS = ("pull_request_target", "workflow_run", "issue_comment")
_FIXED = re.compile(r"refs/pull/[^/]+/merge", re.IGNORECASE)


def pinned_actions(repository: Repository) -> Outcome:
    """Judge each `uses:` of workflows and composite actions by whether it names a commit, and what other CI includes."""
    outcome = _about("pinned-actions", repository)
    judge_includes(outcome, repository)
    for path, text in sorted(repository.texts.items()):
        if not path.endswith((".yml", ".yaml")) or "uses" not in text:
            continue
        workflow = next((w for w in repository.workflows if w.path == path), None)
        if workflow is None and not path.endswith(("action.yml", "action.yaml")):
            continue
        document = workflow.table if workflow is not None else read_table(text)
        for value in _uses(document or {}):
            written = str(value).strip()
            if written.startswith(("./", "docker://")):
                continue  # images are another check's
            outcome.looked_at += 1
            match = _USES.fullmatch(written)
            if match is None or _COMMIT.fullmatch(match["ref"]):
                continue
            action = match["action"]
            severity: Severity = "low" if action.partition("/")[0].lower() in _OWN else "medium"
            outcome.add(
                action,
                f"Workflows use {action} by a tag or branch ({match['ref'][:80]}), which its owner can move to other code.",
                [Evidence(path, line_of(value))],
                severity=severity,
                remedy=f"Write {action}@<the full commit id of {match['ref'][:80]}>, with the version in a comment; "
                "dependabot and renovate keep both up to date.",
            )
    if outcome.looked_at:
        outcome.why = "Everything that CI takes from others is pinned."
    return outcome


def token_permissions(repository: Repository) -> Outcome:
    """Judge each workflow by whether it says what its token may do, and does not ask for everything."""
    outcome = _about("token-permissions", repository)
    for workflow in repository.workflows:
        if workflow.table is None:
            continue
        outcome.looked_at += 1
        broad = next(_everything(workflow), None)
        if broad is not None:
            outcome.add(
                workflow.path,
                "The workflow gives its token every right (write-all).",
                [Evidence(workflow.path, broad)],
                severity="high",
            )
        elif "permissions" not in workflow.table and not _every_job_says(workflow.table):
            outcome.add(
                workflow.path,
                "Neither the workflow nor each of its jobs has `permissions`: the token has the default rights of the "
                "repository or organisation, which may be to write everything.",
                [Evidence(workflow.path)],
            )
    return outcome


def _every_job_says(document: dict[Any, Any]) -> bool:
    jobs = table(document.get("jobs"))
    return bool(jobs) and all("permissions" in table(job) for job in jobs.values())


def _everything(workflow: Workflow) -> Iterator[int | None]:
    document = workflow.table or {}
    for body in (document, *(table(job) for job in table(document.get("jobs")).values())):
        granted = body.get("permissions")
        if string(granted) == "write-all":
            yield line_of(granted)


def dangerous_workflow(repository: Repository) -> Outcome:
    """Look for a checkout of a pull request's head in workflows that run with the rights of the base branch."""
    outcome = _about("dangerous-workflow", repository)
    for workflow in repository.workflows:
        if workflow.table is None:
            continue
        outcome.looked_at += 1
        trigger = next((name for name in _DANGEROUS if name in _triggers(workflow.table)), None)
        if trigger is None:
            continue
        for line in _checkouts_of_head(workflow.table):
            outcome.add(
                workflow.path,
                f"The workflow runs on {trigger}, with the repository's secrets and a token that may write, and checks "
                "out the head of a pull request: whoever opens one runs code with these rights.",
                [Evidence(workflow.path, line)],
                severity="critical" if trigger == "pull_request_target" else "high",
            )
    return outcome


def _triggers(document: dict[Any, Any]) -> set[str]:
    on = document.get("on", document.get(True))  # YAML 1.1 reads a bare `on` as true
    if isinstance(on, str):
        return {str(on)}
    return {str(name) for name in (on if isinstance(on, (list, dict)) else ())}


def _checkouts_of_head(document: dict[Any, Any]) -> Iterator[int | None]:
    for job in table(document.get("jobs")).values():
        for step in array(table(job).get("steps")):
            body = table(step)
            action = string(body.get("uses")) or ""
            if action.lower().startswith("actions/checkout@"):
                given = table(body.get("with"))
                for value in (given.get("ref"), given.get("repository")):
                    written = string(value) or ""
                    if _HEAD.search(written) and not _FIXED.fullmatch(written):
                        yield line_of(value)
            run = string(body.get("run")) or ""
            if _HEAD.search(run) and re.search(
                r"\bgit\s+(?:checkout|fetch|pull|switch)\b|\bpr\s+checkout\b", run
            ):
                yield line_of(body.get("run"))


def _about(check: str, repository: Repository) -> Outcome:
    outcome = Outcome(check)
    if repository.unread_workflows:
        outcome.unknown = f"No valid YAML: {', '.join(repository.unread_workflows[:5])}."
    elif not repository.workflows:
        outcome.why = "There are no GitHub workflows."
    return outcome


def _uses(document: dict[Any, Any]) -> Iterator[object]:
    jobs = [table(job) for job in table(document.get("jobs")).values()]
    for job in (*jobs, table(document.get("runs"))):
        for value in (job.get("uses"), *(table(step).get("uses") for step in array(job.get("steps")))):
            if string(value) is not None:
                yield value
