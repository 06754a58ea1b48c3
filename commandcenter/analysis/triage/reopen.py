"""Take back suppressions, so that findings count again; by people, or because they have run out."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import transaction
from django.db.models.functions import Now

from commandcenter.accounts.models import User
from commandcenter.analysis.locking import lock_repositories
from commandcenter.analysis.models import Finding, FindingAction
from commandcenter.analysis.triage.outcome import Outcome, Skipped
from commandcenter.analysis.triage.taking import clear, end_expired, held, take
from commandcenter.analysis.triage.trail import record

BATCH = 500


def reopen(finding_ids: Iterable[int], *, by: User, comment: str = "") -> Outcome:
    """Take back the suppression of these findings. Skips: `not_suppressed`.

    On a branch it is taken back there alone, also where it was the default branch's.
    """
    with transaction.atomic():
        findings = take(finding_ids)
        chosen = [finding for finding in findings if finding.suppression_kind]
        ids = [finding.pk for finding in chosen]
        before = {finding.pk: held(finding) for finding in chosen}
        Finding.objects.filter(pk__in=ids).update(decided=True)
        clear(ids)
        record(
            FindingAction.Kind.REOPENED,
            chosen,
            by=by,
            before=before,
            after=dict.fromkeys(ids),
            comment=comment,
        )
    skipped = [Skipped(finding.pk, "not_suppressed") for finding in findings if finding.pk not in before]
    return Outcome(ids, skipped)


def expire() -> int:
    """End up to 500 suppressions that have run out by the database's time; return how many were looked at.

    Findings count as open from the moment itself; this puts it on record and tells of it.
    """
    due = Finding.objects.filter(suppressed_until__lte=Now()).order_by("suppressed_until", "pk")
    found = list(due.values_list("pk", "repository_id")[:BATCH])
    if not found:
        return 0
    with transaction.atomic():
        lock_repositories({repository for _, repository in found})
        still = (
            due.filter(pk__in=[pk for pk, _ in found])
            .select_related("repository")
            .defer("repository__credential_secret")
            .at_this_moment()
            .select_for_update(of=("self",), no_key=True)
        )
        end_expired(list(still))
    return len(found)
