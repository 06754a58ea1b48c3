"""GET /analyses/{id}/gaps: gaps, checks, and the share that passed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from drf_spectacular.utils import OpenApiParameter
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request

from commandcenter.analysis.gaps import reading
from commandcenter.analysis.gaps.outdated import outdated_of
from commandcenter.analysis.gaps.rows import GapRow
from commandcenter.analysis.models import Analysis, Gap, Severity
from commandcenter.analysis.results.shapes import flat
from commandcenter.core.pagination import Cursor, KeysetPagination

_LABELS = [severity.label for severity in Severity]
PARAMETERS = [
    OpenApiParameter("severity", str, enum=_LABELS, many=True),
    OpenApiParameter("check", str, description="The id of a check, such as pinned-actions."),
    OpenApiParameter("limit", int),
    OpenApiParameter("cursor", str),
]
_KNOWN = {parameter.name for parameter in PARAMETERS} | {"format"}


class GapPages(KeysetPagination):
    """The worst first, then by their ids, which are the check and the subject."""

    ordering = ("-severity", "check_id")


def gaps_page(request: Request, analysis: Analysis) -> dict[str, Any]:
    """Return {results, next, previous, checks, score, as_of}. Raises ValidationError for what it does not know."""
    asked = request.query_params
    for name in asked:
        if name not in _KNOWN:
            raise ValidationError({name: "There is no such filter."}, code="unknown")
    severities = set(asked.getlist("severity"))
    if not severities <= set(_LABELS):
        raise ValidationError(
            {"severity": f"A severity is one of {', '.join(_LABELS)}."}, code="invalid_choice"
        )
    check = asked.get("check")
    pages = GapPages()
    pages.begin(request, Gap)
    behind = outdated_of(analysis.result_set)
    found = [
        gap
        for gap in reading.gaps_of(analysis, outdated=behind)
        if (not severities or gap.severity in severities) and (check is None or gap.check == check)
    ]
    checks = reading.checks_of(analysis, outdated=behind)
    page = pages.finish(_beyond(pages.cursor, found)[: pages.limit + 1], _cursor_values)
    return {
        "results": [flat(gap) for gap in page],
        "next": pages.next,
        "previous": pages.previous,
        "checks": [flat(row) for row in checks],
        "score": reading.score(checks) if checks else None,
        "as_of": {"end_of_life": reading.as_of(), "latest_versions": behind.as_of},
    }


def _order(gap: GapRow) -> tuple[int, str]:
    return -Severity[gap.severity.upper()].value, gap.id


def _beyond(cursor: Cursor | None, gaps: Iterable[GapRow]) -> list[GapRow]:
    """Return the gaps beyond the cursor, the nearest first. Those of one analysis are few: all are in memory."""
    if cursor is None:
        return sorted(gaps, key=_order)
    severity, name = cursor.values
    start = (-severity, name)
    if cursor.reverse:
        return sorted((gap for gap in gaps if _order(gap) < start), key=_order, reverse=True)
    return sorted((gap for gap in gaps if _order(gap) > start), key=_order)


def _cursor_values(gap: GapRow) -> tuple[int, str]:
    rank, name = _order(gap)
    return -rank, name
