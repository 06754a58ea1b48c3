"""Sending many deliveries of an endpoint again: how many that would be, asking for it, and calling it off."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from commandcenter.dashboard import access, endpoints, filters
from commandcenter.dashboard.resending_forms import STATUSES, RecoverForm, ResendForm
from commandcenter.dashboard.views.endpoint_actions import held
from commandcenter.events.catalogue import public_types
from commandcenter.inventory.models import Role
from webhooks.bulk import asking, chosen
from webhooks.exceptions import IllegalState, InvalidEndpoint
from webhooks.models import DeliveryStatus, Endpoint, Resending


@login_required
@require_http_methods(["GET", "POST"])
def again(request: HttpRequest, pk: int) -> HttpResponse:
    """Show both forms; `?status= &type=` fill in the filter. A POST counts what it finds, and sends that if asked to."""
    endpoint = held(request, pk, Role.OPERATOR)
    if request.method == "GET":
        return _shown(request, endpoint, resend=ResendForm(initial=_asked(request)))
    form = ResendForm(request.POST)
    if not form.is_valid():
        return _shown(request, endpoint, resend=form, status=400)
    if request.POST.get("do") != "send":
        found, more = chosen.count(form.chosen(endpoint))
        return _shown(request, endpoint, resend=form, found=found, more=more, counted=True)
    wanted = form.chosen(endpoint)
    return _done(request, pk, form, lambda: asking.resend(wanted, by=access.viewer(request)), endpoint)


@login_required
@require_POST
def recover(request: HttpRequest, pk: int) -> HttpResponse:
    """Send an endpoint again what it did not take since a time, and what it was not told."""
    endpoint = held(request, pk, Role.OPERATOR)
    form = RecoverForm(request.POST)
    if not form.is_valid():
        return _shown(request, endpoint, recover=form, status=400)
    since = form.cleaned_data["since"]
    return _done(
        request,
        pk,
        form,
        lambda: asking.recover(endpoint, since=since, by=access.viewer(request)),
        endpoint,
    )


@login_required
@require_POST
def cancel(request: HttpRequest, pk: int) -> HttpResponse:
    """Send no more of it; what is due already goes on."""
    visible = Resending.objects.visible_to(access.viewer(request)).with_endpoint()
    resending = get_object_or_404(visible.select_related("endpoint__project"), pk=pk)
    if not access.may(request, resending.endpoint.project, Role.OPERATOR):
        raise PermissionDenied
    try:
        asking.call_off(resending, by=access.viewer(request))
    except IllegalState as error:
        messages.error(request, str(error))
    except Resending.DoesNotExist:
        raise Http404 from None
    return redirect("dashboard:endpoint", resending.endpoint_id)


def _asked(request: HttpRequest) -> dict[str, Any]:
    offered = [str(value) for value, _label in STATUSES]
    status = filters.choice(request, "status", offered) or DeliveryStatus.EXHAUSTED
    return {
        "status": [status],
        "type": filters.choice(request, "type", [each.name for each in public_types()]),
    }


def _done(
    request: HttpRequest, pk: int, form: Any, ask: Callable[[], Any], endpoint: Endpoint
) -> HttpResponse:
    """Ask for it and go where it can be followed; else say at the form what stands against it."""
    try:
        ask()
    except InvalidEndpoint as error:
        for each in error.errors:
            form.add_error(each["field"] if each["field"] in form.fields else None, each["message"])
    except IllegalState as error:
        form.add_error(None, str(error))
    except Endpoint.DoesNotExist:
        raise Http404 from None
    else:
        return redirect("dashboard:endpoint", pk)
    place = "recover" if isinstance(form, RecoverForm) else "resend"
    return _shown(request, endpoint, status=400, **{place: form})


def _shown(
    request: HttpRequest,
    endpoint: Endpoint,
    *,
    resend: ResendForm | None = None,
    recover: RecoverForm | None = None,
    status: int = 200,
    **more: Any,
) -> HttpResponse:
    context = {
        "endpoint": endpoint,
        "name": endpoint.description or endpoints.address_of(endpoint),
        "resend": resend or ResendForm(initial={"status": [DeliveryStatus.EXHAUSTED]}),
        "recover": recover or RecoverForm(),
        "days": asking.longest_back().days,
        "most": chosen.MOST_COUNTED,
        **more,
    }
    return render(request, "webhooks/again.html", context, status=status)
