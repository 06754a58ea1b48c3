"""Which finding an analysis meant by a fingerprint: findings move on, and what saw them before must still find them.

A fingerprint stands for the finding that gave it up in the first analysis after the one that asks, else for the one that
holds it now.
"""

from __future__ import annotations

from typing import Any

from django.db.models import BigIntegerField, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce

from commandcenter.analysis.models import Analysis, Finding, FindingMove, Occurrence

# In SQL, for an occurrence o, with the parameters line and ticket.
FINDING_OF = """COALESCE(
    (SELECT m.finding_id FROM analysis_findingmove m
      WHERE m.branch_line_id = %(line)s AND m.fingerprint = o.fingerprint AND m.ticket > %(ticket)s
      ORDER BY m.ticket LIMIT 1),
    (SELECT h.id FROM analysis_finding h WHERE h.branch_line_id = %(line)s AND h.fingerprint = o.fingerprint))"""


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


def findings_in(analysis: Analysis) -> QuerySet[Any]:
    """Return the ids of the findings that the analysis saw, to be used inside another query."""
    seen = Occurrence.objects.filter(result_set=analysis.result_set_id)
    return with_findings(analysis, seen).values("finding_id")
