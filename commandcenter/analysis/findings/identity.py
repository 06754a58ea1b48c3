"""Which finding an analysis meant by a fingerprint: findings move on, and what saw them before must still find them.

A fingerprint stands for the finding that gave it up in the first analysis after the one that asks, else for the one that
holds it now.
"""

from __future__ import annotations

from typing import Any

from django.db.models import BigIntegerField, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from commandcenter.analysis.models import Analysis, Finding, FindingMove, Occurrence

# In SQL, for an occurrence o, with the parameters line and ticket.
FINDING_OF = """COALESCE(
    (SELECT m.finding_id FROM analysis_findingmove m
      WHERE m.branch_line_id = %(line)s AND m.fingerprint = o.fingerprint AND m.ticket > %(ticket)s
      ORDER BY m.ticket LIMIT 1),
    (SELECT h.id FROM analysis_finding h WHERE h.branch_line_id = %(line)s AND h.fingerprint = o.fingerprint))"""

# Conditions that join a finding f to an occurrence o; the first where nothing moved on since the analysis.
HOLDS_NOW = "f.branch_line_id = %(line)s AND f.fingerprint = o.fingerprint"
HELD_THEN = f"f.id = {FINDING_OF}"


def moved_since(analysis: Analysis) -> bool:
    """Tell whether findings of the line moved on after the analysis; if not, fingerprints mean who holds them now."""
    later = FindingMove.objects.filter(branch_line=analysis.branch_line_id, ticket__gt=analysis.ticket or 0)
    return later.exists()


def with_findings(analysis: Analysis, occurrences: QuerySet[Occurrence]) -> QuerySet[Any]:
    """Add `finding_id` to occurrences of the analysis' results: null where its branch line is gone."""
    later = FindingMove.objects.filter(
        branch_line=analysis.branch_line_id,
        ticket__gt=analysis.ticket or 0,
        fingerprint=OuterRef("fingerprint"),
    )
    holder = Finding.objects.filter(branch_line=analysis.branch_line_id, fingerprint=OuterRef("fingerprint"))
    return occurrences.annotate(
        finding_id=Coalesce(
            Subquery(later.order_by("ticket").values("finding_id")[:1]),
            Subquery(holder.values("pk")[:1]),
            output_field=BigIntegerField(),
        )
    )


def seen_in(analysis: Analysis) -> Q:
    """Return the condition on findings "the analysis saw it". One query."""
    seen = Occurrence.objects.filter(result_set=analysis.result_set_id)
    if moved_since(analysis):
        return Q(pk__in=with_findings(analysis, seen).values("finding_id"))
    return Q(branch_line=analysis.branch_line_id, fingerprint__in=seen.values("fingerprint"))
