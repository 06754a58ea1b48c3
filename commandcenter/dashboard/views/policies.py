"""The policy of a project: what it demands, how the default branches stand, and the form that changes it."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.db.models import Case, IntegerField, QuerySet, Value, When
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from commandcenter.analysis.models import BranchLine, Policy, PolicyStatus
from commandcenter.analysis.policy import again, conditions, flows
from commandcenter.dashboard import access
from commandcenter.dashboard.policies import PolicyForms
from commandcenter.inventory.exceptions import InventoryError
from commandcenter.inventory.models import Project, Role

BRANCHES = 100


@login_required
@require_http_methods(["GET", "POST"])
def policy(request: HttpRequest, pk: int) -> HttpResponse:
    """Show a project's policy; its admins change it here."""
    project = get_object_or_404(access.projects(request), pk=pk)
    may_write = access.may(request, project, Role.ADMIN)
    stored = Policy.objects.filter(project=project).first()
    forms = PolicyForms(stored, request.POST if request.method == "POST" else None)
    if request.method == "POST":
        if not may_write:
            raise PermissionDenied
        if _save(request, project, stored, forms):
            messages.success(request, "The policy is saved. Analyses from now on are judged by it.")
            return redirect("dashboard:policy", pk)
    lines = list(_branches(project)[: BRANCHES + 1])
    context = {
        "project": project,
        "policy": stored,
        "described": _described(stored),
        "forms": forms,
        "may_write": may_write,
        "may_judge": access.may(request, project, Role.OPERATOR),
        "branches": lines[:BRANCHES],
        "cut": len(lines) > BRANCHES,
    }
    return render(request, "projects/policy.html", context, status=400 if request.method == "POST" else 200)


@login_required
@require_POST
def judge(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask for the latest analyses of the default branches to be judged again."""
    project = get_object_or_404(access.projects(request), pk=pk)
    if not access.may(request, project, Role.OPERATOR):
        raise PermissionDenied
    stored = get_object_or_404(Policy, project=project)
    try:
        count = again.ask(stored)
    except again.CannotSend as error:
        messages.error(request, str(error))
    else:
        word = "analysis is" if count == 1 else "analyses are"
        messages.success(request, f"{count} latest {word} judged again; the list shows it in a moment.")
    return redirect("dashboard:policy", pk)


def _save(request: HttpRequest, project: Project, stored: Policy | None, forms: PolicyForms) -> bool:
    values = forms.values()
    if values is None:
        return False
    by = access.viewer(request)
    try:
        if stored is None:
            flows.create_policy(by=by, project=project, **values)
        else:
            flows.update_policy(stored, by=by, **values)
    except InventoryError as error:
        forms.form.add_error(None, error.message)
        return False
    return True


def _described(stored: Policy | None) -> list[tuple[str, bool]]:
    """Return each condition in words, and whether it is enabled."""
    described = []
    for item in stored.conditions if stored else ():
        try:
            (condition,) = conditions.read([item])
        except conditions.InvalidConditions:
            described.append(("A condition that this version does not know", True))
        else:
            described.append((condition.words(), condition.enabled))
    return described


def _branches(project: Project) -> QuerySet[BranchLine]:
    """Return the default branches with their latest verdicts, those that fail first."""
    order = Case(
        When(latest__policy_verdict__status=PolicyStatus.FAILED, then=Value(0)),
        When(latest__policy_verdict__status=PolicyStatus.UNKNOWN, then=Value(1)),
        When(latest__policy_verdict__status=PolicyStatus.PASSED, then=Value(2)),
        default=Value(3),
        output_field=IntegerField(),
    )
    return (
        BranchLine.objects.filter(repository__project=project, is_default=True, latest__isnull=False)
        .select_related("repository", "latest__policy_verdict")
        .defer("repository__credential_secret")
        .order_by(order, "repository__name")
    )
