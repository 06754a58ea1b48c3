"""What people do about an endpoint of webhooks: test it, switch it, give it another secret, remove it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from commandcenter.dashboard import access, endpoints, filters
from commandcenter.dashboard.views.endpoint_editing import secret_shown
from commandcenter.inventory.models import Role
from jobs.exceptions import InvalidParameters
from webhooks import keeping
from webhooks.exceptions import IllegalState
from webhooks.models import Endpoint
from webhooks.resending import send_test


@login_required
@require_POST
def test(request: HttpRequest, pk: int) -> HttpResponse:
    """Send it a test, and go where that can be followed."""
    endpoint = held(request, pk, Role.OPERATOR)
    try:
        delivery = send_test(endpoint, by=access.viewer(request))
    except IllegalState as error:
        messages.error(request, str(error))
        return redirect("dashboard:endpoint", pk)
    return redirect("dashboard:webhook-delivery", delivery.pk)


@login_required
@require_POST
def enable(request: HttpRequest, pk: int) -> HttpResponse:
    """Let it be told again, first of all what waited for it."""
    endpoint = held(request, pk, Role.ADMIN)
    return done(request, pk, lambda: keeping.enable(endpoint, by=access.viewer(request)))


@login_required
@require_POST
def disable(request: HttpRequest, pk: int) -> HttpResponse:
    """Tell it nothing more, with a reason where one is given."""
    endpoint = held(request, pk, Role.ADMIN)
    reason = request.POST.get("reason", "").replace("\0", "")
    return done(request, pk, lambda: keeping.disable(endpoint, by=access.viewer(request), reason=reason))


@login_required
@never_cache
@require_POST
def rotate(request: HttpRequest, pk: int) -> HttpResponse:
    """Give it another secret and show that once; the one before signs as well for `overlap_hours`."""
    endpoint = held(request, pk, Role.ADMIN)
    hours = filters.as_key(request.POST.get("overlap_hours", ""))
    try:
        secret = keeping.rotate_secret(
            endpoint, by=access.viewer(request), overlap_hours=-1 if hours is None else hours
        )
    except InvalidParameters as error:
        messages.error(request, error.errors[0]["message"])
        return redirect("dashboard:endpoint", pk)
    except Endpoint.DoesNotExist:
        raise Http404 from None
    return secret_shown(request, endpoint, secret, rotated=True)


@login_required
@require_POST
def delete(request: HttpRequest, pk: int) -> HttpResponse:
    """Remove it with its deliveries, and go back to the list."""
    endpoint = held(request, pk, Role.ADMIN)
    try:
        keeping.delete_endpoint(endpoint, by=access.viewer(request))
    except Endpoint.DoesNotExist:
        raise Http404 from None
    messages.success(request, "The endpoint is deleted, and its deliveries with it.")
    return redirect("dashboard:webhooks")


def held(request: HttpRequest, pk: int, needed: Role) -> Endpoint:
    """Return an endpoint in whose project the viewer has the role, else 404 or 403."""
    endpoint: Endpoint = get_object_or_404(endpoints.visible(request), pk=pk)
    if not access.may(request, endpoint.project, needed):
        raise PermissionDenied
    return endpoint


def done(request: HttpRequest, pk: int, act: Callable[[], Any]) -> HttpResponse:
    """Act, say what stood against it, and go back to where the button was."""
    try:
        act()
    except IllegalState as error:
        messages.error(request, str(error))
    except InvalidParameters as error:
        messages.error(request, " ".join(each["message"] for each in error.errors))
    except Endpoint.DoesNotExist:
        raise Http404 from None
    target = request.POST.get("next", "")
    if url_has_allowed_host_and_scheme(target, allowed_hosts={request.get_host()}):
        return HttpResponseRedirect(target)
    return redirect("dashboard:endpoint", pk)
