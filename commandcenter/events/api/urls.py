"""What this app adds to the API: router entries (prefix, viewset, basename) and plain URL patterns."""

from __future__ import annotations

from django.urls import URLPattern, re_path
from rest_framework.viewsets import ViewSetMixin

from commandcenter.events.api.views import ActivityView, EventTypesView

router_entries: list[tuple[str, type[ViewSetMixin], str]] = []
urlpatterns: list[URLPattern] = [
    re_path(r"^dashboard/activity/?$", ActivityView.as_view(), name="dashboard-activity"),
    re_path(r"^webhooks/event-types/?$", EventTypesView.as_view(), name="webhooks-event-types"),
]
