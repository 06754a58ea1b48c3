"""Exports in the admin: to be read."""

from __future__ import annotations

from commandcenter.core.admin import ReadOnlyModelAdmin, register
from exports.models import Export


@register(Export)
class ExportAdmin(ReadOnlyModelAdmin):
    """What was exported, by whom, and how it ended."""

    list_display = ("id", "project", "format", "outcome", "file_name", "bytes", "created_at", "expires_at")
    list_filter = ("outcome", "format")
    list_select_related = ("project",)
    search_fields = ("=id", "file_name", "sha256", "error_code")
    show_full_result_count = False  # it would count every row
