"""Advisories and their imports in the admin: to be read. What changes them are imports."""

from __future__ import annotations

from commandcenter.advisories.models import Advisory, AdvisoryImport, Database, PackageVersion
from commandcenter.core.admin import ReadOnlyModelAdmin, register


@register(Database)
class DatabaseAdmin(ReadOnlyModelAdmin):
    """How far what is known of each ecosystem reaches."""

    list_display = ("ecosystem", "as_of", "imported_at", "advisories", "last_import")
    list_select_related = ("last_import",)


@register(AdvisoryImport)
class AdvisoryImportAdmin(ReadOnlyModelAdmin):
    """One row per import, the newest first."""

    list_display = (
        "id", "source", "ecosystem", "status", "started_at", "ended_at", "read", "added", "changed", "unchanged",
        "withdrawn", "bad", "newest_modified",
    )  # fmt: skip
    list_filter = ("status", "ecosystem")
    ordering = ("-pk",)


@register(Advisory)
class AdvisoryAdmin(ReadOnlyModelAdmin):
    """Records as they were imported last."""

    list_display = ("osv_id", "severity", "cvss_score", "summary", "modified_at", "withdrawn_at")
    list_filter = ("severity",)
    search_fields = ("=osv_id", "summary")
    show_full_result_count = False


@register(PackageVersion)
class PackageVersionAdmin(ReadOnlyModelAdmin):
    """Packages in use, each once, with what is known of them."""

    list_display = ("purl", "problems", "worst", "stale", "unreadable", "matched_at", "asked_at")
    list_filter = ("ecosystem", "stale", "unreadable", "worst")
    search_fields = ("purl__startswith",)
    show_full_result_count = False
