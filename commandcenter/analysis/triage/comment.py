"""Say something about findings, on record."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import transaction

from commandcenter.accounts.models import User
from commandcenter.analysis.models import FindingAction
from commandcenter.analysis.triage.outcome import Outcome
from commandcenter.analysis.triage.taking import take
from commandcenter.analysis.triage.trail import record


def comment(finding_ids: Iterable[int], *, by: User, text: str) -> Outcome:
    """Put a comment on each of the findings, whatever their state."""
    with transaction.atomic():
        findings = take(finding_ids)
        record(FindingAction.Kind.COMMENTED, findings, by=by, comment=text)
    return Outcome([finding.pk for finding in findings])
