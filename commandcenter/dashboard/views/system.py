"""The system page: is every part there, and what waits."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from commandcenter.ops.health import detailed


@login_required
@require_GET
def index(request: HttpRequest) -> HttpResponse:
    """Show the same checks as /health/detailed."""
    return render(request, "system/index.html", {"health": detailed()})
