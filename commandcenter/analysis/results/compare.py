"""Two analyses of one repository side by side."""

from __future__ import annotations

from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet

from commandcenter.analysis.findings.identity import moved_since, with_findings
from commandcenter.analysis.models import Analysis, Occurrence, Severity
from commandcenter.analysis.results.summary import summary_of

MAX_ROWS = 500  # named of each side; the counts are of all
_NUMBERS = (
    ("files", ("files",)),
    ("lines_of_code", ("lines_of_code",)),
    ("functions", ("functions",)),
    ("mean_complexity", ("complexity", "mean")),
    ("findings", ("findings", "total")),
    ("dependencies", ("dependencies", "total")),
    ("technologies", ("technologies",)),
)


def compare(base: Analysis, head: Analysis) -> dict[str, Any]:
    """Return what `head` has that `base` has not, and the reverse; both must have results, loaded `with_results`.

    Shape: {base, head, summary: {name: {base, head, delta}}, findings: {new, fixed, common: counts; new_findings,
    fixed_findings: at most 500 each, the worst first}}. A number that one side does not know is null.
    """
    new, fixed = _only_in(head, base), _only_in(base, head)
    total = Occurrence.objects.filter(result_set=head.result_set_id).count()
    new_count = new.count()
    return {
        "base": _side(base),
        "head": _side(head),
        "summary": _numbers(summary_of(base) or {}, summary_of(head) or {}),
        "findings": {
            "new": new_count,
            "fixed": fixed.count(),
            "common": total - new_count,
            "new_findings": _rows(new),
            "fixed_findings": _rows(fixed),
        },
    }


def _side(analysis: Analysis) -> dict[str, Any]:
    return {
        "id": analysis.pk,
        "ref": analysis.ref,
        "commit": analysis.commit,
        "status": analysis.status,
        "completed_at": analysis.completed_at,
    }


def _only_in(one: Analysis, other: Analysis) -> QuerySet[Occurrence]:
    """Return what one saw and the other did not: by findings on one branch where some moved on, else by fingerprints."""
    here = Occurrence.objects.filter(result_set=one.result_set_id)
    there = Occurrence.objects.filter(result_set=other.result_set_id)
    one_line = one.branch_line_id is not None and one.branch_line_id == other.branch_line_id
    if not one_line or not moved_since(min(one, other, key=lambda analysis: analysis.ticket or 0)):
        return here.filter(~Exists(there.filter(fingerprint=OuterRef("fingerprint"))))
    known = with_findings(other, there).filter(finding_id__isnull=False)
    return with_findings(one, here).filter(~Q(finding_id__in=known.values("finding_id")))


def _rows(occurrences: QuerySet[Occurrence]) -> list[dict[str, Any]]:
    worst = occurrences.select_related("rule").order_by("-severity", "pk")[:MAX_ROWS]
    return [
        {
            "fingerprint": row.fingerprint,
            "rule_id": row.rule.rule_id,
            "engine": row.rule.engine,
            "severity": Severity(row.severity).label,
            "message": row.message,
            "path": row.path,
            "start_line": row.start_line,
            "end_line": row.end_line,
        }
        for row in worst
    ]


def _numbers(base: dict[str, Any], head: dict[str, Any]) -> dict[str, Any]:
    made = {}
    for name, path in _NUMBERS:
        before, after = _at(base, path), _at(head, path)
        delta = None if before is None or after is None else round(after - before, 2)
        made[name] = {"base": before, "head": after, "delta": delta}
    return made


def _at(summary: dict[str, Any], path: tuple[str, ...]) -> int | float | None:
    value: Any = summary
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value if isinstance(value, int | float) else None
