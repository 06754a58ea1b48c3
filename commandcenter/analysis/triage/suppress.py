"""Decide to leave findings as they are, for a reason, for ever or for a time."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction
from django.db.models.functions import Now

from commandcenter.accounts.models import User
from commandcenter.analysis.models import Finding, FindingAction, FindingState, SuppressionKind
from commandcenter.analysis.triage.outcome import Outcome, Skipped
from commandcenter.analysis.triage.taking import hand_down, take
from commandcenter.analysis.triage.trail import record


def suppress(
    finding_ids: Iterable[int],
    *,
    by: User,
    reason: str,
    kind: SuppressionKind = SuppressionKind.ACCEPTED_RISK,
    expires_at: datetime | None = None,
) -> Outcome:
    """Suppress open findings; `expires_at` None lasts until someone reopens them.

    Skips: `fixed`, `already_suppressed`. A comment in the code is no obstacle.
    """
    with transaction.atomic():
        findings = take(finding_ids)
        skipped = [Skipped(finding.pk, code) for finding in findings if (code := _obstacle(finding))]
        refused = {each.id for each in skipped}
        chosen = [finding for finding in findings if finding.pk not in refused]
        ids = [finding.pk for finding in chosen]
        Finding.objects.filter(pk__in=ids).update(
            suppression_kind=kind,
            suppression_reason=reason,
            suppressed_by=by,
            suppressed_at=Now(),
            suppressed_until=expires_at,
            decided=True,
        )
        hand_down(ids)
        until = expires_at.isoformat() if expires_at else None
        said = {"kind": kind.value, "reason": reason, "expires_at": until}
        record(
            FindingAction.Kind.SUPPRESSED,
            chosen,
            by=by,
            after={pk: {**said, "by": by.pk} for pk in ids},
            data=said,
        )
    return Outcome(ids, skipped)


def _obstacle(finding: Finding) -> str:
    if finding.state == FindingState.FIXED:
        return "fixed"
    return "already_suppressed" if finding.suppression_kind else ""
