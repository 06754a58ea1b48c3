"""What this app adds to the API: router entries (prefix, viewset, basename) and plain URL patterns."""

from __future__ import annotations

from django.urls import URLPattern, re_path
from rest_framework.viewsets import ViewSetMixin

from commandcenter.inventory.api.members import MemberDetail, MemberList
from commandcenter.inventory.api.views import ProjectViewSet, RepositoryViewSet, TechnologyViewSet

router_entries: list[tuple[str, type[ViewSetMixin], str]] = [
    ("projects", ProjectViewSet, "project"),
    ("repositories", RepositoryViewSet, "repository"),
    ("technologies", TechnologyViewSet, "technology"),
]
_members = r"^projects/(?P<project_id>[0-9]{1,19})/members"
urlpatterns: list[URLPattern] = [
    re_path(rf"{_members}/?$", MemberList.as_view(), name="project-members"),
    re_path(rf"{_members}/(?P<user_id>[0-9]{{1,19}})/?$", MemberDetail.as_view(), name="project-member"),
]
