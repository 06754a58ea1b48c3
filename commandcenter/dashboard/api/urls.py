"""What this app adds to the API: router entries (prefix, viewset, basename) and plain URL patterns."""

from __future__ import annotations

from django.urls import URLPattern, re_path
from rest_framework.viewsets import ViewSetMixin

from commandcenter.dashboard.api.views import StatsView

router_entries: list[tuple[str, type[ViewSetMixin], str]] = []
urlpatterns: list[URLPattern] = [
    re_path(r"^dashboard/stats/?$", StatsView.as_view(), name="dashboard-stats"),
]
