"""One delivery of a webhook: what is sent, every attempt, and what people do about it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from commandcenter.dashboard import access, curl
from commandcenter.dashboard.webhook_attempts import SHOWN, Body, last_attempts, payload_of
from commandcenter.inventory.models import Role
from webhooks import headers, resending
from webhooks.addresses import told
from webhooks.as_sent import as_sent
from webhooks.exceptions import IllegalState
from webhooks.models import ENDED, Delivery, DeliveryStatus

SOON_SECONDS = 60
OFTEN, SELDOM = 2, 10  # seconds between two looks of the page


@login_required
@require_GET
def detail(request: HttpRequest, pk: int) -> HttpResponse:
    """Show one delivery."""
    delivery = _delivery(request, pk, body=True)
    payload, cut = payload_of(delivery)
    context = _context(request, delivery) | {"payload": payload, "payload_cut": cut}
    return render(request, "webhooks/delivery.html", context)


@login_required
@require_GET
def live(request: HttpRequest, pk: int) -> HttpResponse:
    """Render what changes until it is over; the page fetches it again every few seconds."""
    return render(request, "webhooks/_delivery.html", _context(request, _delivery(request, pk)))


@login_required
@require_GET
def answer(request: HttpRequest, pk: int, number: int) -> HttpResponse:
    """Show what came back from one attempt; its part alone for the delivery's page."""
    delivery = _delivery(request, pk)
    attempt = get_object_or_404(delivery.tries, number=number)
    context = {"delivery": delivery, "attempt": attempt, "body": Body.of(bytes(attempt.body))}
    name = "webhooks/_answer.html" if request.headers.get("HX-Request") else "webhooks/answer.html"
    return render(request, name, context)


@login_required
@never_cache
@require_GET
def command(request: HttpRequest, pk: int) -> HttpResponse:
    """Show the request as a command, signed at this moment: what an operator could send anyway."""
    delivery = _held(request, pk, body=True)
    context: dict[str, Any] = {"delivery": delivery}
    try:
        asked = as_sent(delivery)
    except IllegalState as error:
        context["problem"] = str(error)
    else:
        context |= {"command": curl.command(asked), "masked": delivery.endpoint.header_names}
    name = "webhooks/_curl.html" if request.headers.get("HX-Request") else "webhooks/curl.html"
    return render(request, name, context)


@login_required
@require_POST
def retry(request: HttpRequest, pk: int) -> HttpResponse:
    """Send it now, whatever became of it."""
    delivery = _held(request, pk)
    return _done(request, pk, lambda: resending.retry(delivery, by=access.viewer(request)))


@login_required
@require_POST
def cancel(request: HttpRequest, pk: int) -> HttpResponse:
    """Give up one that waits."""
    delivery = _held(request, pk)
    return _done(request, pk, lambda: resending.cancel(delivery, by=access.viewer(request)))


def _delivery(request: HttpRequest, pk: int, *, body: bool = False) -> Delivery:
    rows = Delivery.objects.visible_to(access.viewer(request)).with_endpoint()
    rows = rows.select_related("message") if body else rows.with_message()
    return get_object_or_404(rows.select_related("endpoint__project", "endpoint__run"), pk=pk)


def _held(request: HttpRequest, pk: int, *, body: bool = False) -> Delivery:
    """Return a delivery about which the viewer may do something, else 404 or 403."""
    delivery = _delivery(request, pk, body=body)
    if not access.may(request, delivery.endpoint.project, Role.OPERATOR):
        raise PermissionDenied
    return delivery


def _done(request: HttpRequest, pk: int, act: Callable[[], Any]) -> HttpResponse:
    try:
        act()
    except IllegalState as error:
        messages.error(request, str(error))
    except Delivery.DoesNotExist:
        raise Http404 from None
    return redirect("dashboard:webhook-delivery", pk)


def _context(request: HttpRequest, delivery: Delivery) -> dict[str, Any]:
    over = delivery.status in ENDED
    waits = delivery.status == DeliveryStatus.PENDING and delivery.endpoint.enabled
    soon = (delivery.scheduled_for - timezone.now()).total_seconds() <= SOON_SECONDS
    happens = delivery.status == DeliveryStatus.LEASED or (waits and soon)
    return {
        "delivery": delivery,
        "endpoint": delivery.endpoint,
        "address": told(delivery.endpoint.url),
        "attempts": last_attempts(delivery),
        "most_attempts": SHOWN,
        "own_headers": headers.masked(delivery.endpoint.header_names),
        "over": over,
        "waits": waits,
        "every": None if over else OFTEN if happens else SELDOM,
        "may_write": access.may(request, delivery.endpoint.project, Role.OPERATOR),
    }
