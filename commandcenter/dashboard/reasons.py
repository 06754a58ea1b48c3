"""Where a reason of attention leads: to the rows, with file and line, that it counts."""

from __future__ import annotations

from django.urls import reverse

from commandcenter.analysis.models import Standing
from commandcenter.analysis.portfolio.attention import Reason

_SEVERITY_OF = {
    "critical_findings": "critical",
    "high_findings": "high",
    "medium_findings": "medium",
}


def reason_url(standing: Standing, reason: Reason) -> str:
    """Return the page with what a reason counts; the repository's own where nothing narrower shows it."""
    severity = _SEVERITY_OF.get(reason["code"])
    if severity is not None:
        return f"{reverse('dashboard:findings')}?repository={standing.pk}&severity={severity}"
    if standing.analysis_id is None:
        return reverse("dashboard:repository", args=[standing.pk])
    if reason["code"] == "vulnerable_dependencies":
        tab = reverse("dashboard:analysis-tab", args=[standing.analysis_id, "dependencies"])
        return f"{tab}?vulnerable=true"
    analysis = reverse("dashboard:analysis", args=[standing.analysis_id])
    anchors = {"policy_failed": "#policy", "incomplete": "#engines", "analysis_failed": ""}
    if reason["code"] in anchors:
        return analysis + anchors[reason["code"]]
    return reverse("dashboard:repository", args=[standing.pk])
