"""GET /analyses/{id}/gaps: gaps, checks, and the share that passed."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiParameter
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.utils.urls import replace_query_param

from commandcenter.analysis.gaps import reading
from commandcenter.analysis.gaps.outdated import outdated_of
from commandcenter.analysis.models import Analysis, Severity
from commandcenter.analysis.results.shapes import flat

DEFAULT, MOST = 100, 1000
_LABELS = [severity.label for severity in Severity]
PARAMETERS = [
    OpenApiParameter("severity", str, enum=_LABELS, many=True),
    OpenApiParameter("check", str, description="The id of a check, such as pinned-actions."),
    OpenApiParameter("limit", int),
    OpenApiParameter("cursor", str),
]
_KNOWN = {parameter.name for parameter in PARAMETERS} | {"format"}


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
    limit, start = _number(asked, "limit", DEFAULT, 1, MOST), _number(asked, "cursor", 0, 0, 100_000)
    check = asked.get("check")
    behind = outdated_of(analysis.result_set)
    found = [
        gap
        for gap in reading.gaps_of(analysis, outdated=behind)
        if (not severities or gap.severity in severities) and (check is None or gap.check == check)
    ]
    checks = reading.checks_of(analysis, outdated=behind)
    here = request.build_absolute_uri()
    return {
        "results": [flat(gap) for gap in found[start : start + limit]],
        "next": replace_query_param(here, "cursor", start + limit) if start + limit < len(found) else None,
        "previous": replace_query_param(here, "cursor", max(0, start - limit)) if start else None,
        "checks": [flat(row) for row in checks],
        "score": reading.score(checks) if checks else None,
        "as_of": {"end_of_life": reading.as_of(), "latest_versions": behind.as_of},
    }


def _number(asked: Any, name: str, default: int, least: int, most: int) -> int:
    raw = asked.get(name)
    if raw is None:
        return default
    if not (raw.isascii() and raw.isdigit() and len(raw) < 10 and least <= int(raw) <= most):
        raise ValidationError({name: f"A number from {least} to {most}."}, code="invalid")
    return int(raw)
