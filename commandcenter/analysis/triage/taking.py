"""Takes findings for a decision: under their repositories' locks, so that it and the end of an analysis see one truth."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django.db import connection

from commandcenter.analysis.locking import lock_repositories
from commandcenter.analysis.models import Finding, FindingAction
from commandcenter.analysis.triage.trail import record

MAX_FINDINGS = 1000


def take(finding_ids: Iterable[int]) -> list[Finding]:
    """Return the findings, locked until the transaction ends, without suppressions that have run out.

    Those that do not exist are left out.
    """
    ids = sorted(set(finding_ids))
    if len(ids) > MAX_FINDINGS:
        raise ValueError(f"At most {MAX_FINDINGS} findings are decided about at once.")
    lock_repositories(Finding.objects.filter(pk__in=ids).values_list("repository_id", flat=True).distinct())
    found = _read(ids)
    if any(finding.expired for finding in found):  # type: ignore[attr-defined]  # annotated
        end_expired(found)
        found = _read(ids)
    return found


def _read(ids: Sequence[int]) -> list[Finding]:
    # Not FOR UPDATE: an analysis of another branch may refer to one of them meanwhile.
    return list(
        Finding.objects.filter(pk__in=ids)
        .select_related("repository")
        .defer("repository__credential_secret")
        .at_this_moment()
        .select_for_update(of=("self",), no_key=True)
        .order_by("pk")
    )


def end_expired(findings: Iterable[Finding]) -> int:
    """Take back the suppressions among these that have run out; return how many were decided on their own branch."""
    over = [finding for finding in findings if finding.expired]  # type: ignore[attr-defined]  # annotated
    own = [finding for finding in over if finding.decided]
    before = {finding.pk: held(finding) for finding in over}
    clear([finding.pk for finding in over])
    record(
        FindingAction.Kind.EXPIRED, own, by=None, before=before, after={finding.pk: None for finding in own}
    )
    return len(own)


def clear(ids: Sequence[int]) -> None:
    """Take back suppressions, here and where they hold as the default branch's."""
    Finding.objects.filter(pk__in=ids).update(
        suppression_kind="",
        suppression_reason="",
        suppressed_by=None,
        suppressed_at=None,
        suppressed_until=None,
    )
    hand_down(ids)


def hand_down(ids: Sequence[int]) -> None:
    """Let decisions on the default branch hold on branches that decided nothing themselves; count what is suppressed."""
    with connection.cursor() as cursor:
        cursor.execute(_HAND_DOWN, [list(ids)])
        cursor.execute(_RECOUNT, {"ids": list(ids)})


def held(finding: Finding) -> dict[str, Any] | None:
    """Return the suppression of a finding for the trail, None without one."""
    if not finding.suppression_kind:
        return None
    until = finding.suppressed_until
    return {
        "kind": finding.suppression_kind,
        "reason": finding.suppression_reason,
        "by": finding.suppressed_by_id,
        "expires_at": until.isoformat() if until else None,
    }


_HAND_DOWN = """
UPDATE analysis_finding b
   SET suppression_kind = d.suppression_kind, suppression_reason = d.suppression_reason,
       suppressed_by_id = d.suppressed_by_id, suppressed_at = d.suppressed_at, suppressed_until = d.suppressed_until
  FROM analysis_finding d
 WHERE d.id = ANY(%s) AND b.counterpart_id = d.id AND NOT b.decided
"""

# The last analysis of each branch shows how many findings are suppressed now.
_RECOUNT = """
UPDATE analysis_analysis a
   SET delta = jsonb_set(a.delta, '{suppressed}', to_jsonb((
           SELECT count(*) FROM analysis_finding f
            WHERE f.branch_line_id = l.id AND f.suppression_kind <> '' AND f.state <> 'fixed'
              AND NOT f.inline_suppressed
              AND (f.suppressed_until IS NULL OR f.suppressed_until > statement_timestamp()))))
  FROM analysis_branchline l
 WHERE l.latest_id = a.id AND a.delta IS NOT NULL
   AND l.id IN (SELECT f.branch_line_id FROM analysis_finding f
                 WHERE f.id = ANY(%(ids)s) OR f.counterpart_id = ANY(%(ids)s))
"""
