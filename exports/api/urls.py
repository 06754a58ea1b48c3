"""What this app adds to the API: router entries (prefix, viewset, basename) and plain URL patterns."""

from __future__ import annotations

from django.urls import URLPattern, re_path
from rest_framework.viewsets import ViewSetMixin

from exports.api.batch import ExportMany
from exports.api.exports import ExportViewSet
from exports.api.links import LinkedFile
from exports.api.targets import TargetViewSet
from exports.api.views import ExportAnalysis, FormatList

router_entries: list[tuple[str, type[ViewSetMixin], str]] = [
    ("exports", ExportViewSet, "export"),
    ("delivery-targets", TargetViewSet, "delivery-target"),
]
urlpatterns: list[URLPattern] = [
    re_path(r"^batch/export/?$", ExportMany.as_view(), name="batch-export"),
    re_path(
        r"^exports/links/(?P<token>[A-Za-z0-9._:-]{1,400})/?$", LinkedFile.as_view(), name="export-linked"
    ),
    re_path(r"^export/formats/?$", FormatList.as_view(), name="export-formats"),
    re_path(
        r"^export/(?P<pk>[0-9]{1,18})/(?P<name>[^/]{1,60})/?$",
        ExportAnalysis.as_view(),
        name="export-analysis",
    ),
]
