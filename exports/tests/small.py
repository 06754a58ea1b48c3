"""One small analysis with a row of every kind, and comparison of what is written of it with files that are kept.

`UPDATE_GOLDEN=1` writes those files anew: read the difference before it is committed.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.db import connection

from commandcenter.accounts.models import User
from commandcenter.advisories.importing import import_dump
from commandcenter.advisories.matching import match_stale
from commandcenter.advisories.tests.corpus import CRITICAL, HIGH, affected, record, since, write_zip
from commandcenter.analysis.models import Analysis, Finding, SuppressionKind
from commandcenter.analysis.packages import registering
from commandcenter.analysis.tests.factories import (
    analyse,
    dependency_row,
    file_row,
    finding,
    make_project,
    make_repository,
    make_user,
    messages,
    technology_row,
)
from commandcenter.analysis.triage.suppress import suppress
from commandcenter.inventory.models import Project, Repository

GOLDEN = Path(__file__).parent / "golden"
AT = datetime(2026, 5, 6, 7, 8, 9, 250_000, UTC)
COMMIT = "c0ffee" + 34 * "0"


def small(folder: Path) -> Analysis:
    """An analysis whose rows, times and ids do not depend on when it is made, nor on what was made before."""
    _number_anew(Project, Repository, User, Analysis, Finding)
    repository = make_repository(
        make_project("Billing"), "https://ada:s3cret@git.example.com/team/billing.git"
    )
    repository.name = "billing"
    repository.save()
    analyse(repository, _said([_found("stays"), _found("goes", severity="low")]))
    analysis = analyse(
        repository,
        _said(
            [
                _found("stays", message='=HYPERLINK("http://evil.example","a, \u00e9 \U0001f600")'),
                _found("key", engine="secrets", rule_id="aws-key", severity="critical", path="-src/a b,c.py"),
                _found(
                    "whole", severity="info", start_line=0, end_line=0, start_column=None, end_column=None
                ),
                _found("silent", severity="medium", inline_suppressed=True, message="Two\nlines"),
            ]
        ),
        commit=COMMIT,
    )
    import_dump(
        write_zip(
            folder / "all.zip",
            [
                record(
                    "GHSA-pen",
                    affected("PyPI", "pen", *since("0", "1.2")),
                    severity=[HIGH],
                    aliases=["CVE-1"],
                ),
                record("GHSA-nib", affected("PyPI", "pen", *since("0")), severity=[CRITICAL]),
            ],
        )
    )
    registering.register(analysis.result_set_id or 0)
    match_stale(seconds=10)
    stays = Finding.objects.get(fingerprint="v1:stays", repository=repository)
    by = make_user(repository.project)
    suppress([stays.pk], by=by, reason="A test key.", kind=SuppressionKind.FALSE_POSITIVE, expires_at=None)
    _pin(analysis)
    return Analysis.objects.with_results().select_related("repository", "project").get(pk=analysis.pk)


def _found(name: str, **fields: Any) -> dict[str, Any]:
    return finding(name, **fields)


def _said(findings: list[dict[str, Any]]) -> list[dict[str, Any]]:
    said = messages(
        findings,
        files=[
            file_row("src/a.py"),
            file_row(
                "logo.png", language=None, kind="other", binary=True, code=None, comments=None, blanks=None, functions=None,
                complexity=None, max_complexity=None, commits=None, churn=None, last_commit_at=None,
            ),
        ],
        dependencies=[
            dependency_row("pen"),
            dependency_row("cap", direct=False, scope="development"),
            dependency_row("ink", None, requirement=">=2,<3", line=None, direct=None),
            dependency_row("crate", purl="pkg:cargo/crate@2.0.0", ecosystem="cargo", version="2.0.0", path="Cargo.lock"),
        ],
        technologies=[technology_row("Django", version="5.2"), technology_row("@scope/kit", evidence=[])],
        engines={"manifests": "ok", "ruff": "ok", "secrets": "partial", "gaps": "ok"},
    )  # fmt: skip
    gaps = [
        {
            "check": "pinned-actions", "subject": "actions/x", "title": "Actions are pinned", "severity": "medium",
            "reason": "A tag can be moved.", "remedy": "Use a commit.", "evidence": [{"path": "a/b.yml", "line": 3}],
        },
        {
            "check": "readme", "subject": "", "title": "A README", "severity": "low", "reason": "There is none.",
            "remedy": "Add one.", "evidence": [],
        },
    ]  # fmt: skip
    return [{"type": "gaps", "rows": gaps}, *(m | {"gaps": 2} if m["type"] == "summary" else m for m in said)]


def _number_anew(*models: Any) -> None:
    """Let the ids of these begin at 900,001; taken back with the transaction of the test."""
    with connection.cursor() as cursor:
        for model in models:
            cursor.execute(
                "SELECT format('ALTER SEQUENCE %%s RESTART WITH 900001', pg_get_serial_sequence(%s, 'id'))",
                [model._meta.db_table],
            )
            cursor.execute(cursor.fetchone()[0])


def _pin(analysis: Analysis) -> None:
    """Set the times as no clock would."""
    found = Finding.objects.filter(repository=analysis.repository)
    found.update(first_seen=AT, last_seen=AT)
    found.filter(suppressed_by__isnull=False).update(suppressed_at=AT)
    Analysis.objects.filter(pk=analysis.pk).update(started_at=AT, completed_at=AT)
    assert analysis.branch_line is not None
    analysis.branch_line.engines_seen = {}
    analysis.branch_line.save()


def compare(kind: str, name: str, made: str) -> None:
    """Assert that this is what the kept file holds."""
    path = GOLDEN / kind / name
    if os.environ.get("UPDATE_GOLDEN"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(made, encoding="utf-8", newline="")
    kept = path.read_bytes().decode()
    assert made == kept
