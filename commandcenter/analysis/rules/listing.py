"""Rules as people read them: which there are, and how many open findings each has among what one may see."""

from __future__ import annotations

import re
from collections.abc import Iterable

from django.db.models import IntegerField, OuterRef, Q, QuerySet, Subquery

from commandcenter.analysis.models import FindingQuerySet, Rule

MAX_COUNTED = 1000
_CWE = re.compile(r"(?:CWE-)?([0-9]{1,6})", re.IGNORECASE)


class _CountOf(Subquery):
    """How many rows a subquery has; its own limit bounds the work."""

    template = "(SELECT count(*) FROM (%(subquery)s) AS counted)"
    output_field = IntegerField()


def open_counts(rules: Iterable[Rule], visible: FindingQuerySet) -> dict[int, int]:
    """Return by rule the open findings on default branches that nothing silences, counted up to 1,001. One query."""
    matching = visible.open().unsuppressed().on_default_branches().filter(rule=OuterRef("pk"))
    counted = _CountOf(matching.order_by().values("pk")[: MAX_COUNTED + 1])
    wanted = Rule.objects.filter(pk__in=[rule.pk for rule in rules])
    return dict(wanted.annotate(open=counted).values_list("pk", "open"))


def searched(rules: QuerySet[Rule], words: str) -> QuerySet[Rule]:
    """Return the rules that have these words in their id, name or texts."""
    return rules.filter(
        Q(rule_id__icontains=words)
        | Q(name__icontains=words)
        | Q(short__icontains=words)
        | Q(full__icontains=words)
    )


def cwe_of(text: str) -> str | None:
    """Return "79", "cwe-79" and "CWE-79" as CWE-79; None for anything else."""
    match = _CWE.fullmatch(text.strip())
    return f"CWE-{int(match[1])}" if match else None
