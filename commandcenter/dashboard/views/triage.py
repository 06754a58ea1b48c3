"""Findings over all repositories that one may see: the list with its filters, and one decision about many of them."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, time
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_GET, require_POST

from commandcenter.analysis.models import Finding, FindingQuerySet, FindingState, Severity, SuppressionKind
from commandcenter.analysis.triage import bulk
from commandcenter.analysis.triage.outcome import WORDS
from commandcenter.dashboard import access, filters
from commandcenter.dashboard.keyset import paginate

ROWS = 100
MAX_REASON = 2_000
SHOWN = {  # of `?show=`: what a list for people begins with, and the others
    "open": "Open",
    "new": "New",
    "suppressed": "Suppressed",
    "fixed": "Fixed",
    "all": "All",
}
WHOSE = {"": "Anybody's", "me": "Mine", "none": "Nobody's"}
ACTIONS = {
    "suppress": "Suppress",
    "reopen": "Reopen",
    "assign_me": "Assign to me",
    "unassign": "Assign to nobody",
    "comment": "Comment",
}


@login_required
@require_GET
def index(request: HttpRequest) -> HttpResponse:
    """List the findings of default branches, newest first; open ones unless `?show=` says otherwise."""
    project, repository = filters.key(request, "project"), filters.key(request, "repository")
    levels = {label: value for value, label in Severity.choices}
    severity, show = (
        filters.choice(request, "severity", levels),
        filters.choice(request, "show", SHOWN) or "open",
    )
    engine, rule, query = (filters.words(request, name) for name in ("engine", "rule", "q"))
    whose = filters.choice(request, "assignee", WHOSE)
    found = _shown(Finding.objects.visible_to(access.viewer(request)).on_default_branches(), show)
    for condition, wanted in (
        (Q(repository__project=project), project),
        (Q(repository=repository), repository),
        (Q(severity=levels.get(severity)), severity),
        (Q(rule__engine=engine), engine),
        (Q(rule__rule_id=rule), rule),
        (Q(path__icontains=query) | Q(message__icontains=query), query),
        (Q(assignee=access.viewer(request).pk), whose == "me"),
        (Q(assignee=None), whose == "none"),
    ):
        if wanted:
            found = found.filter(condition)
    rows = (
        found.select_related("rule", "repository__project", "assignee")
        .defer("repository__credential_secret")
        .at_this_moment()
    )
    context = {
        "page": paginate(request, rows, size=ROWS),
        "projects": access.projects(request)[:200],
        "project": project,
        "repository": repository,
        "severity": severity,
        "severities": [label for _value, label in reversed(Severity.choices)],
        "show": show,
        "shows": SHOWN.items(),
        "engine": engine,
        "rule": rule,
        "query": query,
        "whose": whose,
        "whoses": WHOSE.items(),
        "actions": ACTIONS.items(),
        "kinds": SuppressionKind.choices,
        "may_write": access.writable(request).exists(),
    }
    return render(request, "findings/index.html", context)


class DecisionForm(forms.Form):
    """One decision about the chosen findings."""

    action = forms.ChoiceField(choices=list(ACTIONS.items()))
    ids = forms.TypedMultipleChoiceField(coerce=int)
    kind = forms.ChoiceField(
        choices=SuppressionKind.choices, required=False, initial=SuppressionKind.ACCEPTED_RISK
    )
    text = forms.CharField(max_length=MAX_REASON, required=False, strip=True)
    expires = forms.DateField(required=False)

    def __init__(self, data: Any) -> None:
        super().__init__(data)
        chosen = [raw for raw in data.getlist("ids") if raw.isascii() and raw.isdigit() and len(raw) <= 18]
        ids: Any = self.fields["ids"]
        ids.choices = [(raw, raw) for raw in chosen[: ROWS + 1]]

    def clean(self) -> dict[str, Any]:
        """Ask for the words that a decision needs."""
        cleaned: dict[str, Any] = super().clean() or {}
        if cleaned.get("action") in {"suppress", "comment"} and not cleaned.get("text"):
            self.add_error("text", "Say why: the reason stays with the finding.")
        expires = cleaned.get("expires")
        if expires is not None and expires < timezone.now().date():
            self.add_error("expires", "The day lies in the past.")
        return cleaned

    def decision(self, request: HttpRequest) -> bulk.Decision:
        """Return what was decided."""
        text, expires = self.cleaned_data["text"], self.cleaned_data["expires"]
        match self.cleaned_data["action"]:
            case "suppress":
                kind = SuppressionKind(self.cleaned_data["kind"] or SuppressionKind.ACCEPTED_RISK)
                # To the end of that day, in the time zone of the server's pages (UTC).
                until = timezone.make_aware(datetime.combine(expires, time.max)) if expires else None
                return bulk.Suppress(text, kind, until)
            case "reopen":
                return bulk.Reopen(text)
            case "assign_me":
                return bulk.Assign(access.viewer(request), text)
            case "unassign":
                return bulk.Assign(None, text)
            case _:
                return bulk.Comment(text)


@login_required
@require_POST
def decide(request: HttpRequest) -> HttpResponse:
    """Apply one decision to the chosen findings, say what came of it, and go back to the list."""
    form = DecisionForm(request.POST)
    if not form.is_valid():
        for name, errors in form.errors.items():
            words = "Choose at least one finding." if name == "ids" else " ".join(map(str, errors))
            messages.error(request, words)
        return _back(request)
    outcome = bulk.decide(form.decision(request), form.cleaned_data["ids"], by=access.viewer(request))
    done = len(outcome.done)
    if done:
        messages.success(
            request, f"{ACTIONS[form.cleaned_data['action']]}: {done} finding{'s' if done != 1 else ''}."
        )
    for code, count in Counter(each.code for each in outcome.skipped).items():
        messages.warning(request, f"{count} left as {'it was' if count == 1 else 'they were'}: {WORDS[code]}")
    return _back(request)


def _back(request: HttpRequest) -> HttpResponse:
    """Return to the list with the filters that it had; never to another site."""
    following = request.POST.get("next", "")
    if not (
        following.startswith("/findings/")
        and url_has_allowed_host_and_scheme(following, allowed_hosts={request.get_host()})
    ):
        return redirect("dashboard:findings")
    return redirect(following)


def _shown(found: FindingQuerySet, show: str) -> FindingQuerySet:
    match show:
        case "open":
            return found.open().unsuppressed()
        case "new":
            return found.filter(state__in=[FindingState.NEW, FindingState.REOPENED]).unsuppressed()
        case "suppressed":
            return found.open().suppressed()
        case "fixed":
            return found.filter(state=FindingState.FIXED)
        case _:
            return found
