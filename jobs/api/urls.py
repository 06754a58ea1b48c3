"""What this app adds to the API: router entries (prefix, viewset, basename) and plain URL patterns."""

from __future__ import annotations

from django.urls import URLPattern
from rest_framework.viewsets import ViewSetMixin

from jobs.api.queues import QueueViewSet
from jobs.api.views import JobViewSet
from jobs.api.workers import WorkerViewSet

router_entries: list[tuple[str, type[ViewSetMixin], str]] = [
    ("jobs", JobViewSet, "job"),
    ("queues", QueueViewSet, "queue"),
    ("workers", WorkerViewSet, "worker"),
]
urlpatterns: list[URLPattern] = []
