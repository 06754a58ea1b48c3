"""Health and metrics."""

from __future__ import annotations

from django.urls import re_path

from commandcenter.ops import views

urlpatterns = [
    re_path(r"^health/?$", views.alive, name="health"),
    re_path(r"^health/ready/?$", views.ready, name="health-ready"),
    re_path(r"^health/detailed/?$", views.Detailed.as_view(), name="health-detailed"),
    re_path(r"^metrics/?$", views.metrics, name="metrics"),
]
