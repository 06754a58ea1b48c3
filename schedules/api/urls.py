"""What this app adds to the API: router entries (prefix, viewset, basename) and plain URL patterns."""

from __future__ import annotations

from django.urls import URLPattern, re_path
from rest_framework.viewsets import ViewSetMixin

from schedules.api.preview import PreviewUnsaved

router_entries: list[tuple[str, type[ViewSetMixin], str]] = []
urlpatterns: list[URLPattern] = [
    re_path(r"^schedules/preview/?$", PreviewUnsaved.as_view(), name="schedules-preview"),
]
