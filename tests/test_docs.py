"""The documents keep up with the code."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

from commandcenter.engine.limits import Limits

ROOT = Path(__file__).resolve().parent.parent
READS = re.compile(
    r"""(?:env\.\w+\(\s*|environ(?:\.get|\.setdefault|\.pop)?[(\[]\s*|_seconds\(environ,\s*|getenv\(\s*)["']([A-Z][A-Z0-9_]{2,})["']"""
)
# PORT is documented beside CC_PORT; what Celery reads is set by us.
NOT_OURS = {"PATH", "HOME", "CI", "TERM", "COLUMNS", "NO_COLOR", "PORT", "CELERY_SKIP_CHECKS"}
LINK = re.compile(r"\]\(([^)#:]+)(?:#[^)]*)?\)")


def _sources() -> list[Path]:
    folders = ["commandcenter", "jobs", "exports", "schedules", "webhooks"]
    found = [
        path for folder in folders for path in (ROOT / folder).rglob("*.py") if "tests" not in path.parts
    ]
    return [*found, ROOT / "manage.py"]


def test_every_environment_variable_that_is_read_is_documented() -> None:
    read = {name for path in _sources() for name in READS.findall(path.read_text())} - NOT_OURS
    read |= {f"CC_ENGINE_{field.name.upper()}" for field in fields(Limits)}
    assert {"DATABASE_URL", "CC_SOURCE_ROOTS"} <= read, "the pattern no longer finds what is read"
    documented = set(re.findall(r"`([A-Z][A-Z0-9_]+)`", (ROOT / "docs" / "configuration.md").read_text()))
    assert sorted(read - documented) == []


def test_links_between_documents_lead_somewhere() -> None:
    documents = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
    assert len(documents) > 8
    broken = [
        f"{document.relative_to(ROOT)} -> {target}"
        for document in documents
        for target in LINK.findall(document.read_text())
        if not (document.parent / target).exists()
    ]
    assert broken == []
