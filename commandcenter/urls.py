"""The one URL tree: pages, the admin, the API, health and metrics."""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path, re_path
from drf_spectacular.views import SpectacularAPIView

from commandcenter.core.problems import api_not_found

urlpatterns = [
    path("", include("webhooks.urls")),
    path("", include("commandcenter.dashboard.urls")),
    path("", include("commandcenter.accounts.urls")),
    path("", include("commandcenter.ops.urls")),
    path("admin/", admin.site.urls),
    path("api/v1/", include("commandcenter.api")),
    path("api/schema", SpectacularAPIView.as_view(), name="schema"),
    re_path(r"^api/", api_not_found),
]
