"""Making and changing endpoints of webhooks: the form, the look at an address, and the secret that is shown once."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from commandcenter.dashboard import access, endpoints, filters
from commandcenter.dashboard.endpoint_forms import EndpointForm
from commandcenter.dashboard.forms import posted
from commandcenter.dashboard.verifiers import LANGUAGES
from commandcenter.inventory.models import Project, Role
from webhooks.addresses import require_reachable
from webhooks.exceptions import InvalidEndpoint
from webhooks.models import Endpoint


@login_required
@never_cache
@require_http_methods(["GET", "POST"])
def create(request: HttpRequest) -> HttpResponse:
    """Make an endpoint, and show its secret once; `?project=` fills in what it is of."""
    # Offered are the projects that will do; who posts another one that they see is told that they may not (403).
    offered = access.projects(request) if request.method == "POST" else access.administered(request)
    form = EndpointForm(
        posted(request), projects=offered, initial={"project": filters.key(request, "project")}
    )
    if request.method == "POST":
        project = _project(request)
        if project is not None and not access.may(request, project, Role.ADMIN):
            raise PermissionDenied
    return _saved_or_shown(request, form)


@login_required
@never_cache
@require_http_methods(["GET", "POST"])
def edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Change an endpoint; a new address is tried at once."""
    stored: Endpoint = get_object_or_404(endpoints.visible(request), pk=pk)
    if not access.may(request, stored.project, Role.ADMIN):
        raise PermissionDenied
    form = EndpointForm(posted(request), projects=access.projects(request), stored=stored)
    return _saved_or_shown(request, form)


@login_required
@require_POST
def check(request: HttpRequest) -> HttpResponse:
    """Render whether the address in the form can be one, looked up as it will be when it is saved."""
    if not access.administered(request).exists():
        raise PermissionDenied
    url, said = request.POST.get("url", "").strip(), ""
    if url:
        try:
            require_reachable(url)
        except InvalidEndpoint as error:
            said = error.errors[0]["message"]
    return render(request, "webhooks/_address.html", {"url": url, "wrong": said})


def secret_shown(request: HttpRequest, endpoint: Endpoint, secret: str, *, rotated: bool) -> HttpResponse:
    """Answer with the secret itself: it is kept nowhere that a later page could read it from."""
    context = {"endpoint": endpoint, "secret": secret, "rotated": rotated, "languages": LANGUAGES}
    return render(request, "webhooks/secret.html", context)


def _project(request: HttpRequest) -> Project | None:
    key = filters.as_key(request.POST.get("project", ""))
    return access.projects(request).filter(pk=key).first() if key is not None else None


def _saved_or_shown(request: HttpRequest, form: EndpointForm) -> HttpResponse:
    if request.method == "POST":
        try:
            saved = form.save(access.viewer(request))
        except Endpoint.DoesNotExist:
            messages.error(request, "The endpoint was deleted in the meantime.")
            return redirect("dashboard:webhooks")
        if saved is not None:
            endpoint, secret = saved
            if secret is not None:
                return secret_shown(request, endpoint, secret, rotated=False)
            messages.success(request, "The endpoint is saved.")
            return redirect("dashboard:endpoint", endpoint.pk)
    context = {"form": form, "endpoint": form.stored}
    return render(request, "webhooks/form.html", context, status=400 if request.method == "POST" else 200)
