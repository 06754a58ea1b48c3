"""Code hosts that tell of pushes to a repository: what they told, and who may change that."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from commandcenter.dashboard import access, filters
from commandcenter.dashboard.keyset import paginate
from commandcenter.inventory.models import Repository, Role
from jobs.exceptions import InvalidParameters
from jobs.models import Job
from webhooks.inbound import keeping
from webhooks.models import InboundOutcome, InboundSource
from webhooks.rotation import LONGEST_OVERLAP_HOURS, OVERLAP_HOURS

RECEIVED = 25  # deliveries on a page


@login_required
@require_GET
def detail(request: HttpRequest, pk: int) -> HttpResponse:
    """Show one source with what it told, latest first; `?outcome=` narrows that."""
    source = _source(request, pk)
    outcome = filters.choice(request, "outcome", InboundOutcome.values)
    received = source.received.filter(outcome=outcome) if outcome else source.received.all()
    page = paginate(request, received, size=RECEIVED)
    started = [each.job_id for each in page.rows if each.job_id]
    context = {
        "source": source,
        "repository": source.repository,
        "may_administer": access.may(request, source.repository.project, Role.ADMIN),
        "page": page,
        "outcome": outcome,
        "outcomes": InboundOutcome.choices,
        "jobs": set(Job.objects.filter(pk__in=started).values_list("pk", flat=True)),
        "overlap": {"usual": OVERLAP_HOURS, "most": LONGEST_OVERLAP_HOURS},
    }
    return render(request, "webhooks/inbound.html", context)


@login_required
@never_cache
@require_POST
def create(request: HttpRequest, pk: int) -> HttpResponse:
    """Let a code host tell of pushes to a repository, and show the secret once."""
    visible = Repository.objects.without_secrets().visible_to(access.viewer(request))
    repository = get_object_or_404(visible.select_related("project"), pk=pk)
    if not access.may(request, repository.project, Role.ADMIN):
        raise PermissionDenied
    try:
        source, secret = keeping.create_source(
            repository=repository,
            kind=request.POST.get("kind", ""),
            watched=_patterns(request),
            by=access.viewer(request),
        )
    except InvalidParameters as error:
        messages.error(request, " ".join(each["message"] for each in error.errors))
        return redirect("dashboard:repository", pk)
    return _secret_shown(request, source, secret, rotated=False)


@login_required
@require_POST
def change(request: HttpRequest, pk: int) -> HttpResponse:
    """Change which branches are watched, and whether it is listened to."""
    source = _held(request, pk)
    values = {"branches": _patterns(request), "enabled": "enabled" in request.POST}
    _tried(request, lambda: keeping.change_source(source, values, by=access.viewer(request)))
    return redirect("dashboard:inbound", pk)


@login_required
@never_cache
@require_POST
def rotate(request: HttpRequest, pk: int) -> HttpResponse:
    """Give it another secret and show that once; the one before is taken as well for `overlap_hours`."""
    source = _held(request, pk)
    hours = filters.as_key(request.POST.get("overlap_hours", ""))
    secret = _tried(
        request,
        lambda: keeping.rotate_secret(
            source, by=access.viewer(request), overlap_hours=-1 if hours is None else hours
        ),
    )
    if secret is None:
        return redirect("dashboard:inbound", pk)
    return _secret_shown(request, source, secret, rotated=True)


@login_required
@require_POST
def delete(request: HttpRequest, pk: int) -> HttpResponse:
    """Remove it with what it told; jobs that were started go on."""
    source = _held(request, pk)
    _tried(request, lambda: keeping.delete_source(source, by=access.viewer(request)))
    messages.success(request, f"{source.get_kind_display()} is no longer listened to.")
    return redirect("dashboard:repository", source.repository_id)


def _source(request: HttpRequest, pk: int) -> InboundSource:
    visible = InboundSource.objects.visible_to(access.viewer(request)).with_repository().without_secrets()
    return get_object_or_404(visible.select_related("repository__project", "created_by"), pk=pk)


def _held(request: HttpRequest, pk: int) -> InboundSource:
    source = _source(request, pk)
    if not access.may(request, source.repository.project, Role.ADMIN):
        raise PermissionDenied
    return source


def _patterns(request: HttpRequest) -> list[str]:
    text = request.POST.get("branches", "").replace("\n", ",")
    return [part for each in text.split(",") if (part := each.strip())]


def _tried(request: HttpRequest, act: Callable[[], Any]) -> Any:
    """Return what comes of it; None after saying what stood against it."""
    try:
        return act()
    except InvalidParameters as error:
        messages.error(request, " ".join(each["message"] for each in error.errors))
    except InboundSource.DoesNotExist:
        raise Http404 from None
    return None


def _secret_shown(request: HttpRequest, source: InboundSource, secret: str, *, rotated: bool) -> HttpResponse:
    context = {"source": source, "secret": secret, "rotated": rotated}
    return render(request, "webhooks/inbound_secret.html", context)
