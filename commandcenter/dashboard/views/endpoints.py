"""Endpoints of webhooks: the list, and one endpoint with its deliveries."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.utils.http import urlencode
from django.views.decorators.http import require_GET

from commandcenter.dashboard import access, endpoints, filters
from commandcenter.dashboard.endpoint_figures import figures_of
from commandcenter.dashboard.endpoint_hours import charts_of
from commandcenter.dashboard.endpoint_reading import initial_of
from commandcenter.dashboard.endpoint_state import EndpointState, faring
from commandcenter.dashboard.event_choices import asked_for
from commandcenter.dashboard.keyset import paginate
from commandcenter.dashboard.looks import ENDPOINT, STATUS
from commandcenter.dashboard.verifiers import LANGUAGES
from commandcenter.events.catalogue import public_types
from commandcenter.inventory.models import Role
from commandcenter.inventory.permissions import role_in
from webhooks.models import SHOWN, Delivery, Endpoint
from webhooks.rotation import LONGEST_OVERLAP_HOURS, OVERLAP_HOURS

PROJECTS = 500  # that the filter offers
DELIVERIES = 25  # of an endpoint on a page
RESENDINGS = 5  # the last ones


@login_required
@require_GET
def index(request: HttpRequest) -> HttpResponse:
    """List endpoints, newest first; `?project= &state= &q=` filter. The rows alone for a refresh."""
    wanted = endpoints.Wanted.of(request)
    page = paginate(request, wanted.narrow(endpoints.visible(request)))
    projects = {row.project_id for row in page.rows}
    operable = set(access.writable(request).filter(pk__in=projects).values_list("pk", flat=True))
    administers = access.administered(request).exists()
    context: dict[str, Any] = {
        "page": page,
        "rows": endpoints.shown(page.rows, operable),
        "wanted": wanted,
        "states": [(str(each), ENDPOINT[each].word) for each in EndpointState],
        "administers": administers,
    }
    if request.headers.get("HX-Request"):
        return render(request, "webhooks/_rows.html", context)
    context["projects"] = access.projects(request)[:PROJECTS]
    return render(request, "webhooks/index.html", context)


@login_required
@require_GET
def detail(request: HttpRequest, pk: int) -> HttpResponse:
    """Show one endpoint: how it fares, what it was told, and how its receiver checks that."""
    context = _context(request, get_object_or_404(endpoints.visible(request), pk=pk)) | {
        "languages": LANGUAGES,
    }
    return render(request, "webhooks/detail.html", context)


@login_required
@require_GET
def live(request: HttpRequest, pk: int) -> HttpResponse:
    """Render what changes as it is told; the page fetches it again every few seconds."""
    endpoint = get_object_or_404(endpoints.visible(request), pk=pk)
    return render(request, "webhooks/_live.html", _context(request, endpoint))


def _context(request: HttpRequest, endpoint: Endpoint) -> dict[str, Any]:
    role = role_in(request, endpoint.project)
    row = endpoints.Shown(
        endpoint,
        faring(endpoint),
        figures_of([endpoint.pk])[endpoint.pk],
        may_operate=role is not None and role.covers(Role.OPERATOR),
        may_administer=role is not None and role.covers(Role.ADMIN),
    )
    status = filters.choice(request, "status", SHOWN)
    type_ = filters.choice(request, "type", [each.name for each in public_types()])
    return {
        "row": row,
        "endpoint": endpoint,
        "page": paginate(request, _deliveries(endpoint, status, type_), size=DELIVERIES),
        "status": status,
        "type": type_,
        "kept": urlencode({"type": type_}) if type_ else "",
        "statuses": [(each, STATUS[each].word) for each in SHOWN],
        "types": asked_for(["*"]),
        "asked": asked_for(endpoint.events),
        "conditions": initial_of(endpoint),
        "given_up_at": endpoint.run.given_up_at if endpoint.enabled else None,
        "charts": charts_of(endpoint),
        "resendings": endpoint.resendings.select_related("created_by").order_by("-pk")[:RESENDINGS],
        "now": timezone.now(),
        "overlap": {"usual": OVERLAP_HOURS, "most": LONGEST_OVERLAP_HOURS},
    }


def _deliveries(endpoint: Endpoint, status: str, type_: str) -> Any:
    found = Delivery.objects.filter(endpoint=endpoint).with_endpoint()
    if status:
        found = found.shown_as([status])
    return found.filter(type=type_) if type_ else found
