"""Rules: what the engines look for, and a page for each with what, why and how to fix."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_required
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET

from commandcenter.analysis.models import Finding, FindingQuerySet, Rule, Severity
from commandcenter.analysis.rules import listing
from commandcenter.dashboard import access, filters
from commandcenter.dashboard.keyset import PAGE_SIZE, Page, assembled, position

NEWEST = 10
PRECISION = {
    "very-high": "nearly every report is right",
    "high": "most reports are right",
    "medium": "some reports are wrong: look before you act",
    "low": "about every second report is wrong: a hint where to look",
}
SHOWN = {"": "In use", "retired": "Retired", "all": "All"}


@login_required
@require_GET
def index(request: HttpRequest) -> HttpResponse:
    """List the rules by engine and id; `?q= &engine= &severity= &cwe= &tag= &show=` filter."""
    levels = {label: value for value, label in Severity.choices}
    engines = list(Rule.objects.order_by("engine").values_list("engine", flat=True).distinct())
    engine, tag = filters.choice(request, "engine", engines), filters.words(request, "tag")
    severity, show = filters.choice(request, "severity", levels), filters.choice(request, "show", SHOWN)
    query, cwe = filters.words(request, "q"), listing.cwe_of(filters.words(request, "cwe"))
    found = Rule.objects.all()
    for condition, wanted in (
        (Q(engine=engine), engine),
        (Q(severity=levels.get(severity)), severity),
        (Q(cwe__contains=[cwe]), cwe),
        (Q(tags__contains=[tag]), tag),
        (Q(retired_at=None), show == ""),
        (Q(retired_at__isnull=False), show == "retired"),
    ):
        if wanted:
            found = found.filter(condition)
    page = _page(request, listing.searched(found, query) if query else found)
    counts = listing.open_counts(page.rows, _visible(request))
    context = {
        "page": page,
        "rows": [
            (rule, min(counts[rule.pk], listing.MAX_COUNTED), counts[rule.pk] > listing.MAX_COUNTED)
            for rule in page.rows
        ],
        "engines": engines,
        "engine": engine,
        "severity": severity,
        "severities": [label for _value, label in reversed(Severity.choices)],
        "show": show,
        "shows": SHOWN.items(),
        "query": query,
        "cwe": cwe or "",
        "tag": tag,
    }
    return render(request, "rules/index.html", context)


@login_required
@require_GET
def detail(request: HttpRequest, engine: str, rule_id: str) -> HttpResponse:
    """Show a rule, how many open findings it has, and the newest of them."""
    wanted = {"engine": engine.replace("\0", ""), "rule_id": rule_id.replace("\0", "")}
    rule = get_object_or_404(Rule, **wanted)
    visible = _visible(request)
    count = listing.open_counts([rule], visible)[rule.pk]
    newest = visible.open().unsuppressed().on_default_branches().filter(rule=rule)
    context: dict[str, Any] = {
        "rule": rule,
        "count": min(count, listing.MAX_COUNTED),
        "capped": count > listing.MAX_COUNTED,
        "newest": newest.select_related("repository")
        .defer("repository__credential_secret")
        .order_by("-pk")[:NEWEST],
        "weaknesses": [(cwe, cwe.removeprefix("CWE-")) for cwe in rule.cwe],
        "precision": PRECISION.get(rule.precision, ""),
    }
    return render(request, "rules/detail.html", context)


def _visible(request: HttpRequest) -> FindingQuerySet:
    return Finding.objects.visible_to(access.viewer(request))


def _page(request: HttpRequest, found: QuerySet[Rule]) -> Page[Rule]:
    """Return a page in the order of engines and ids; the key in the address is that of the rule beyond which it goes."""
    way, key = position(request, ascending=True)
    beyond = Rule.objects.filter(pk=key).first() if key is not None else None
    if beyond is not None:
        side = "gt" if way == "after" else "lt"
        found = found.filter(
            Q(**{f"engine__{side}": beyond.engine})
            | Q(engine=beyond.engine, **{f"rule_id__{side}": beyond.rule_id})
        )
    order = ("engine", "rule_id") if way == "after" else ("-engine", "-rule_id")
    return assembled(request, list(found.order_by(*order)[: PAGE_SIZE + 1]), ascending=True)
