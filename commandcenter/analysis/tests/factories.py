"""Builds projects, repositories and analyses for tests, through the code that makes them in production."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.db import transaction

from commandcenter.accounts.models import User
from commandcenter.analysis.models import Analysis
from commandcenter.analysis.results.ingest import Ingest
from commandcenter.analysis.running import ledger
from commandcenter.engine.source.model import TreeRef
from commandcenter.inventory.models import Membership, Project, Repository, Role
from jobs.models import Job, JobRun, JobStatus, JobType

_numbers = itertools.count(1)


def make_project(name: str = "") -> Project:
    number = next(_numbers)
    return Project.objects.create(name=name or f"Project {number}", slug=f"project-{number}")


def make_repository(project: Project | None = None, source: str = "", **fields: Any) -> Repository:
    number = next(_numbers)
    return Repository.objects.create(
        project=project or make_project(),
        name=fields.pop("name", f"repository-{number}"),
        source=source or f"https://git.example.com/{number}.git",
        **fields,
    )


def make_user(project: Project | None = None, role: Role = Role.VIEWER, *, staff: bool = False) -> User:
    user = User.objects.create_user(f"user-{next(_numbers)}", password="x", is_staff=staff)
    if project is not None:
        Membership.objects.create(project=project, user=user, role=role)
    return user


def make_job(repository: Repository, status: JobStatus = JobStatus.RUNNING, **fields: Any) -> Job:
    job = Job.objects.create(
        project=repository.project,
        job_type=JobType.ANALYSIS,
        queue="analysis",
        status=status,
        attempt=1,
        parameters={"repository": repository.pk, "ref": "", "force": False},
        **fields,
    )
    JobRun.objects.create(job=job)
    return job


def finding(name: str, **fields: Any) -> dict[str, Any]:
    """A finding as the engine sends it; its fingerprint is made of the name."""
    return {
        "path": f"src/{name}.py",
        "start_line": 3,
        "end_line": 4,
        "rule_id": "S105",
        "engine": "ruff",
        "severity": "high",
        "message": f"Possible hardcoded password in {name}",
        "snippet": "",
        "start_column": 5,
        "end_column": 12,
        "cwe": ["CWE-259"],
        "inline_suppressed": False,
        "correlation": None,
        "fingerprint": f"v1:{name}",
        **fields,
    }


def rule(engine: str = "ruff", rule_id: str = "S105", **fields: Any) -> dict[str, Any]:
    return {
        "id": rule_id,
        "engine": engine,
        "name": "hardcoded-password-string",
        "short": "Possible hardcoded password.",
        "full": "A password in the code can be read by everyone who can read the code.",
        "help": "Read it from the environment.",
        "help_url": "https://docs.example.com/rules/S105",
        "severity": "high",
        "precision": "medium",
        "cwe": ["CWE-259"],
        "tags": ["security"],
        **fields,
    }


def file_row(path: str, **fields: Any) -> dict[str, Any]:
    return {
        "path": path,
        "blob": hashlib.sha1(path.encode(), usedforsecurity=False).hexdigest(),  # its own bytes
        "size": 120,
        "language": "Python",
        "kind": "programming",
        "binary": False,
        "vendored": False,
        "generated": False,
        "code": 10,
        "comments": 2,
        "blanks": 1,
        "functions": 2,
        "complexity": 5,
        "max_complexity": 3,
        "commits": 4,
        "churn": 40,
        "last_commit_at": "2026-01-02T03:04:05Z",
        **fields,
    }


def dependency_row(name: str, version: str | None = "1.0.0", **fields: Any) -> dict[str, Any]:
    return {
        "path": "requirements.txt",
        "line": 1,
        "purl": f"pkg:pypi/{name}@{version}" if version else f"pkg:pypi/{name}",
        "ecosystem": "pypi",
        "name": name,
        "version": version,
        "requirement": f"=={version}" if version else None,
        "scope": "runtime",
        "direct": True,
        **fields,
    }


def technology_row(name: str, domain: str = "framework", **fields: Any) -> dict[str, Any]:
    return {
        "name": name,
        "domain": domain,
        "version": None,
        "confidence": 0.9,
        "evidence": [{"path": "requirements.txt", "line": 1}],
        **fields,
    }


def license_row(spdx: str | None, path: str = "LICENSE", **fields: Any) -> dict[str, Any]:
    """A licence as the engine sends it, a text unless told otherwise."""
    return {
        "path": path,
        "line": 1,
        "spdx": spdx,
        "source": "text",
        "place": "repository",
        "confidence": 1.0 if spdx else 0.0,
        "name": "" if spdx else "Ask us.",
        "files": 1,
        **fields,
    }


def messages(
    findings: Sequence[dict[str, Any]] = (),
    *,
    files: Sequence[dict[str, Any]] = (),
    dependencies: Sequence[dict[str, Any]] = (),
    technologies: Sequence[dict[str, Any]] = (),
    rules: Sequence[dict[str, Any]] | None = None,
    engines: dict[str, str] | None = None,
    contributors: Sequence[dict[str, Any]] = (),
    licenses: Sequence[dict[str, Any]] | None = None,
    history: dict[str, Any] | None = None,
    unread: Sequence[tuple[str, str, str]] = (),
) -> list[dict[str, Any]]:
    """The messages of a run, in the engine's shape. `engines` maps an id to its status."""
    states = engines or {"manifests": "ok", "ruff": "ok", "secrets": "ok"}
    known = rules or [rule(*pair) for pair in sorted({(f["engine"], f["rule_id"]) for f in findings})]
    by_severity = {
        name: sum(1 for f in findings if f["severity"] == name)
        for name in ("critical", "high", "medium", "low", "info")
    }
    partial = any(state != "ok" for state in states.values())
    reports = [
        {
            "type": "engine",
            "id": engine,
            "version": f"1+{engine}-0.17.6",
            "status": state,
            "duration_ms": 12,
            "selected": len(files),
            "cached": 0,
            "findings": sum(1 for f in findings if f["engine"] == engine),
            "failures": sum(1 for row in unread if row[0] == engine),
            "detail": "" if state == "ok" else f"{engine} did not end well.",
        }
        for engine, state in states.items()
    ]
    summary = {
        "type": "summary",
        "files": len(files),
        "bytes": 120 * len(files),
        "lines_of_code": 10 * len(files),
        "languages": {"Python": {"files": len(files), "code": 10, "comments": 2, "blanks": 1}},
        "functions": 2 * len(files),
        "complexity": {"mean": 2.5, "p95": 3, "max": 3} if files else None,
        "dependencies": {
            "total": len(dependencies),
            "direct": len(dependencies),
            "by_ecosystem": {"pypi": len(dependencies)},
        },
        "findings": {"total": len(findings), "by_severity": by_severity},
        "technologies": len(technologies),
        "contributors": 3,
        "bus_factor": 1,
        "history": history,
        "licenses": None if licenses is None else {row["spdx"]: 1 for row in licenses if row["spdx"]},
        "skipped": {},
    }
    rows = {
        "rules": known,
        "findings": findings,
        "dependencies": dependencies,
        "technologies": technologies,
        "contributors": contributors,
        "licenses": licenses or (),
        "unread": [dict(zip(("engine", "path", "reason"), row, strict=True)) for row in unread],
        "files": files,
    }
    batches = [
        {"type": kind, "rows": list(values[start : start + 1000])}
        for kind, values in rows.items()
        for start in range(0, len(values), 1000)
    ]
    return [*batches, *reports, summary, {"type": "done", "status": "partial" if partial else "complete"}]


def tree_ref(commit: str = "", ref: str = "main", default: str | None = "main") -> TreeRef:
    number = next(_numbers)
    name = commit or f"{number:040x}"
    return TreeRef(
        git_dir=Path("/nowhere"),
        commit=name,
        tree=name,
        ref=ref,
        reference=f"refs/heads/{ref}" if ref else "",
        default_branch=default,
        committed_at="2026-01-02T03:04:05Z",
        entries=3,
        skipped={},
    )


def start(repository: Repository, tree: TreeRef, *, asked_for: str = "") -> Analysis:
    """Begin an analysis as the handler does, up to the point where the engine would run."""
    analysis = ledger.begin(make_job(repository), repository, asked_for)
    ledger.locate(analysis, tree, asked_for=asked_for)
    return analysis


def end(analysis: Analysis, said: list[dict[str, Any]], *, key: str = "", force: bool = False) -> Analysis:
    """Store what the engine said and complete the analysis and its job."""
    assert analysis.job is not None
    ingest = Ingest(
        analysis.repository,
        job=analysis.job,
        attempt=1,
        key=key or analysis.commit,
        commit=analysis.commit,
        tree=analysis.tree,
    )
    for message in said:
        ingest.take(message)
    with transaction.atomic():
        result = ledger.complete(analysis, ingest.finish(force=force))
        Job.objects.filter(pk=analysis.job.pk).update(
            status=JobStatus.COMPLETED, completed_at=analysis.completed_at, result=result
        )
    analysis.refresh_from_db()
    return analysis


def analyse(repository: Repository, said: list[dict[str, Any]], **tree: Any) -> Analysis:
    """A whole analysis of a new commit on main, unless told otherwise."""
    asked_for = tree.pop("asked_for", "")
    return end(start(repository, tree_ref(**tree), asked_for=asked_for), said)
