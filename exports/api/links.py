"""/exports/links: the file of an export for whoever has a link to it."""

from __future__ import annotations

from typing import Any

import structlog
from django.http import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.views import APIView

from commandcenter.core.negotiation import NoNegotiation
from commandcenter.core.viewsets import ApiMixin
from exports import downloads, links
from jobs.api.answers import KnownFieldsSerializer

log = structlog.get_logger(__name__)


class LinkInput(KnownFieldsSerializer):
    """The body of POST /exports/{id}/link."""

    expires_in = serializers.IntegerField(
        min_value=links.LEAST_SECONDS,
        max_value=links.MOST_SECONDS,
        default=links.DEFAULT_SECONDS,
        help_text="Seconds; the link ends with the export at the latest.",
    )


class LinkMade(serializers.Serializer[Any]):
    """A link, and until when it works."""

    url = serializers.URLField()
    expires_at = serializers.DateTimeField()


class LinkedFile(ApiMixin, APIView):
    """The file behind a link; the signature is all that is asked for."""

    authentication_classes = ()
    permission_classes = ()
    content_negotiation_class = NoNegotiation

    @extend_schema(responses=OpenApiTypes.BINARY, auth=[])
    def get(self, request: Request, token: str) -> HttpResponseBase:
        """Send the file; 404 for a link that is not ours or was revoked, 410 for one whose time is over."""
        export = links.export_of(token)
        response = downloads.answer(request._request, export)
        response["Referrer-Policy"] = "no-referrer"
        log.info("export fetched by link", action="download", export=export.pk, status=response.status_code)
        return response
