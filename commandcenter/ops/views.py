"""Health and metrics over HTTP."""

from __future__ import annotations

import hmac
import ipaddress

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from commandcenter.core.problems import problem
from commandcenter.ops import health as checks
from commandcenter.ops.metrics import exposition


@never_cache
@require_safe
def alive(_request: HttpRequest) -> HttpResponse:
    """Answer that the process answers."""
    return JsonResponse({"status": "ok"})


@never_cache
@require_safe
def ready(_request: HttpRequest) -> HttpResponse:
    """Answer 200 when requests can be served, 503 with the reason when not."""
    found = checks.ready()
    usable = all(check["status"] == "ok" for check in found)
    return JsonResponse(
        {"status": "ok" if usable else "failed", "checks": found}, status=200 if usable else 503
    )


class Detailed(APIView):
    """Answer every check, for those who are signed in by session or token."""

    schema = None

    @method_decorator(never_cache)
    def get(self, _request: Request) -> Response:
        """Answer 200 when every part works, 503 when one does not."""
        found = checks.detailed()
        return Response(found, status=503 if found["status"] == "failed" else 200)


@never_cache
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Expose metrics to Prometheus: with CC_METRICS_TOKEN as bearer token, or without one to loopback only."""
    if not _may_scrape(request):
        return problem(403, "metrics_forbidden", "Send CC_METRICS_TOKEN as a bearer token.", request=request)
    return HttpResponse(exposition(), content_type=CONTENT_TYPE_LATEST)


def _may_scrape(request: HttpRequest) -> bool:
    if settings.METRICS_TOKEN:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        return scheme.lower() == "bearer" and hmac.compare_digest(
            token.encode(), settings.METRICS_TOKEN.encode()
        )
    try:
        # Behind a proxy every client would look local: then X-Forwarded-For is there, and a token is needed.
        address = ipaddress.ip_address(request.META.get("REMOTE_ADDR", ""))
    except ValueError:
        return False
    return address.is_loopback and "HTTP_X_FORWARDED_FOR" not in request.META
