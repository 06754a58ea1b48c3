"""Under which full name a source was read, which decides what others may be told about it."""

from __future__ import annotations

from commandcenter.analysis.models import Analysis


def reference_of(analysis: Analysis) -> str | None:
    """Return the full name that led to the commit: refs/heads/main, refs/tags/v1; empty where none did.

    None where that is not known: the fetch tells it to the job, and a job may be gone before its analysis.
    """
    account = analysis.job.result if analysis.job is not None else None
    found = account.get("reference") if isinstance(account, dict) else None
    return found if isinstance(found, str) else None
