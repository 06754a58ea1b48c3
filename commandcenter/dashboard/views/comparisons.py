"""Two analyses of one repository side by side."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET

from commandcenter.analysis.models import Analysis, Finding
from commandcenter.analysis.results.compare import compare
from commandcenter.dashboard import access, filters

OFFERED = 50  # earlier analyses to compare with
SHOWN = 100  # findings of each side
LABELS = {
    "files": "Files",
    "lines_of_code": "Lines of code",
    "functions": "Functions",
    "mean_complexity": "Mean complexity",
    "findings": "Findings",
    "dependencies": "Dependencies",
    "technologies": "Technologies",
}
TABS = {  # of an analysis: where what a figure counts is listed
    "lines_of_code": "files",
    "mean_complexity": "functions",
}
WORSE_WHEN_MORE = frozenset({"findings", "mean_complexity"})


@login_required
@require_GET
def detail(request: HttpRequest, pk: int) -> HttpResponse:
    """Compare an analysis with `?base=`, without it with the one before it on the same branch."""
    seen = Analysis.objects.visible_to(access.viewer(request)).ended()
    head = get_object_or_404(seen.with_results().select_related("repository", "project"), pk=pk)
    of_repository = seen.filter(repository=head.repository).exclude(pk=head.pk)
    key = filters.key(request, "base")
    if key is not None:
        base: Analysis | None = get_object_or_404(of_repository.with_results(), pk=key)
    else:
        before = of_repository.filter(branch_line=head.branch_line_id, pk__lt=head.pk)
        found = before.with_results().order_by("-pk").first()
        base = found or of_repository.with_results().order_by("-pk").first()
    context: dict[str, Any] = {
        "analysis": head,
        "base": base,
        "offered": of_repository.order_by("-pk").only("pk", "ref", "commit", "started_at")[:OFFERED],
    }
    if base is not None:
        result = compare(base, head)
        context |= {
            "numbers": [_number(name, values) for name, values in result["summary"].items()],
            "incomplete": [(each, names) for each in (base, head) if (names := _not_in_full(each))],
            "findings": result["findings"],
            "new": _followed(head, result["findings"]["new_findings"][:SHOWN]),
            "fixed": _followed(base, result["findings"]["fixed_findings"][:SHOWN]),
        }
    return render(request, "analyses/compare.html", context)


def _not_in_full(analysis: Analysis) -> list[str]:
    """Return the engines that did not end well or could not read some files: what is missing there may not be gone."""
    reports = analysis.result_set.engines if analysis.result_set else []
    return [each["id"] for each in reports if each["status"] not in {"ok", "skipped"} or each.get("failures")]


def _number(name: str, values: dict[str, Any]) -> dict[str, Any]:
    delta = values["delta"]
    tone = ""
    if delta and name in WORSE_WHEN_MORE:
        tone = "bad" if delta > 0 else "good"
    label = LABELS.get(name, name.replace("_", " ").capitalize())
    return {**values, "label": label, "tone": tone, "tab": TABS.get(name, name)}


def _followed(analysis: Analysis, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Add to each row its `finding` on the analysis' branch; None where it has moved on. One query."""
    found = Finding.objects.filter(
        branch_line=analysis.branch_line_id, fingerprint__in=[row["fingerprint"] for row in rows]
    )
    known = dict(found.values_list("fingerprint", "pk"))
    return [{**row, "finding": known.get(row["fingerprint"])} for row in rows]
