"""What this app adds to the API: router entries (prefix, viewset, basename) and plain URL patterns."""

from __future__ import annotations

from django.urls import URLPattern, re_path
from rest_framework.viewsets import ViewSetMixin

from schedules.api.blackouts import BlackoutViewSet
from schedules.api.firings import FiringList
from schedules.api.preview import PreviewUnsaved
from schedules.api.timeline import TimelineView
from schedules.api.views import ScheduleViewSet

router_entries: list[tuple[str, type[ViewSetMixin], str]] = [
    ("schedules/blackouts", BlackoutViewSet, "blackout"),
    ("schedules", ScheduleViewSet, "schedule"),
]
urlpatterns: list[URLPattern] = [
    re_path(r"^schedules/preview/?$", PreviewUnsaved.as_view(), name="schedules-preview"),
    re_path(r"^schedules/timeline/?$", TimelineView.as_view(), name="schedules-timeline"),
    re_path(r"^schedules/(?P<pk>[0-9]{1,19})/firings/?$", FiringList.as_view(), name="schedule-firings"),
]
