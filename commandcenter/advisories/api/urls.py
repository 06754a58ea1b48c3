"""What this app adds to the API: router entries (prefix, viewset, basename) and plain URL patterns."""

from __future__ import annotations

from django.urls import URLPattern
from rest_framework.viewsets import ViewSetMixin

from commandcenter.advisories.api.views import AdvisoryViewSet

router_entries: list[tuple[str, type[ViewSetMixin], str]] = [("advisories", AdvisoryViewSet, "advisory")]
urlpatterns: list[URLPattern] = []
