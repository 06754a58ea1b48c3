"""One finding: what, where, by which rule, its history, and what may be decided about it."""

from __future__ import annotations

from datetime import datetime, time
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from commandcenter.accounts.models import User
from commandcenter.analysis.findings.correlation import also_in
from commandcenter.analysis.findings.history import history
from commandcenter.analysis.models import Finding, SuppressionKind
from commandcenter.analysis.results.code import code_of
from commandcenter.analysis.results.shapes import portfolio_finding
from commandcenter.analysis.triage import bulk
from commandcenter.analysis.triage.outcome import WORDS
from commandcenter.dashboard import access
from commandcenter.dashboard.finding_story import story
from commandcenter.inventory.models import Role

MAX_WORDS = 4000


def _words(label: str, *, required: bool = True) -> forms.CharField:
    return forms.CharField(
        label=label,
        required=required,
        max_length=MAX_WORDS,
        strip=True,
        widget=forms.Textarea(attrs={"rows": 3}),
    )


class SuppressForm(forms.Form):
    """Why, and until when."""

    kind = forms.ChoiceField(choices=SuppressionKind.choices, initial=SuppressionKind.ACCEPTED_RISK)
    reason = _words("Reason")
    expires = forms.DateField(
        label="Until the end of",
        required=False,
        help_text="A day in UTC; without one it lasts until someone reopens it.",
        widget=forms.DateInput(attrs={"type": "date"}),
    )

    def clean_expires(self) -> Any:
        """Refuse what has passed."""
        day = self.cleaned_data["expires"]
        if day is not None and day < timezone.now().date():
            raise forms.ValidationError("Choose a day that is still to come.")
        return day

    def decision(self) -> bulk.Decision:
        """Return what was decided."""
        day = self.cleaned_data["expires"]
        until = timezone.make_aware(datetime.combine(day, time.max)) if day else None
        return bulk.Suppress(self.cleaned_data["reason"], SuppressionKind(self.cleaned_data["kind"]), until)


class ReopenForm(forms.Form):
    """Words for the trail, if any."""

    comment = _words("Comment", required=False)

    def decision(self) -> bulk.Decision:
        """Return what was decided."""
        return bulk.Reopen(self.cleaned_data["comment"])


class AssignForm(forms.Form):
    """Who looks after it: someone who sees the project."""

    user = forms.ModelChoiceField(User.objects.none(), label="Assignee", required=False, empty_label="Nobody")

    def __init__(self, *args: Any, project: int, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        seeing = Q(memberships__project=project) | Q(is_staff=True)
        people: Any = self.fields["user"]
        people.queryset = User.objects.filter(seeing, is_active=True).distinct().order_by("username")

    def decision(self) -> bulk.Decision:
        """Return what was decided."""
        return bulk.Assign(self.cleaned_data["user"])


class CommentForm(forms.Form):
    """What is to be said."""

    comment = _words("Comment")

    def decision(self) -> bulk.Decision:
        """Return what was decided."""
        return bulk.Comment(self.cleaned_data["comment"])


_DONE = {
    "suppress": "The finding is suppressed.",
    "reopen": "The finding counts again.",
    "assign": "The assignee is set.",
    "comment": "The comment is on record.",
}


@login_required
@require_GET
def detail(request: HttpRequest, pk: int) -> HttpResponse:
    """Show a finding."""
    return _page(request, _finding(request, pk), {})


@login_required
@require_GET
def code(request: HttpRequest, pk: int) -> HttpResponse:
    """Show the lines of a finding, as a part of its page."""
    return render(request, "findings/_code.html", {"code": code_of(_finding(request, pk))})


@login_required
@require_POST
def act(request: HttpRequest, pk: int, action: str) -> HttpResponse:
    """Decide about a finding and go back to it; what is wrong with the form is said beside its fields."""
    finding = _finding(request, pk)
    if action not in _DONE:
        raise Http404
    if not access.may(request, finding.repository.project, Role.OPERATOR):
        raise PermissionDenied
    form = _form(action, finding, request.POST)
    if not form.is_valid():
        return _page(request, finding, {action: form})
    outcome = bulk.carry_out(form.decision(), [finding.pk], by=access.viewer(request))
    for skipped in outcome.skipped:
        messages.error(request, WORDS[skipped.code])
    if outcome.done:
        messages.success(request, _DONE[action])
    return redirect("dashboard:finding", finding.pk)


def _finding(request: HttpRequest, pk: int) -> Finding:
    found = (
        Finding.objects.visible_to(access.viewer(request))
        .select_related("rule", "branch_line__latest", "repository__project", "assignee", "suppressed_by")
        .defer("repository__credential_secret")
        .at_this_moment()
    )
    finding: Finding = get_object_or_404(found, pk=pk)
    return finding


def _form(action: str, finding: Finding, data: Any = None) -> Any:
    match action:
        case "suppress":
            return SuppressForm(data, prefix=action)
        case "reopen":
            return ReopenForm(data, prefix=action)
        case "assign":
            project, now = finding.repository.project_id, finding.assignee_id
            return AssignForm(data, prefix=action, project=project, initial={"user": now})
        case _:
            return CommentForm(data, prefix=action)


def _page(request: HttpRequest, finding: Finding, given: dict[str, Any]) -> HttpResponse:
    shape = portfolio_finding(finding)
    held = shape["suppression"] is not None and shape["suppression"]["kind"] != "inline"
    possible = ["reopen"] if held else [] if finding.state == "fixed" else ["suppress"]
    may_write = access.may(request, finding.repository.project, Role.OPERATOR)
    actions = [*possible, "assign", "comment"] if may_write else []
    context = {
        "finding": finding,
        "shape": shape,
        "held": held,
        "inherited": held and shape["suppression"]["inherited"],
        "forms": [
            (action, _LABELS[action], given.get(action) or _form(action, finding)) for action in actions
        ],
        "story": story(history(finding)),
        "same": also_in(finding, Finding.objects.visible_to(access.viewer(request))),
    }
    return render(request, "findings/detail.html", context, status=400 if given else 200)


_LABELS = {"suppress": "Suppress", "reopen": "Reopen", "assign": "Assign", "comment": "Comment"}
