"""Exports in the admin: to be read."""

from __future__ import annotations

from django.db.models import QuerySet
from django.http import HttpRequest

from commandcenter.core.admin import ReadOnlyModelAdmin, register
from exports.delivery.models import DeliveryTarget, ExportDelivery
from exports.models import Export


@register(Export)
class ExportAdmin(ReadOnlyModelAdmin):
    """What was exported, by whom, and how it ended."""

    list_display = ("id", "project", "format", "outcome", "file_name", "bytes", "created_at", "expires_at")
    list_filter = ("outcome", "format")
    list_select_related = ("project",)
    search_fields = ("=id", "file_name", "sha256", "error_code")
    show_full_result_count = False  # it would count every row


@register(DeliveryTarget)
class DeliveryTargetAdmin(ReadOnlyModelAdmin):
    """Where exports may be pushed; changed over the API, which checks addresses. Secrets are not shown."""

    list_display = ("id", "project", "name", "kind", "url", "repository", "enabled", "updated_at")
    list_filter = ("kind", "enabled")
    list_select_related = ("project",)
    search_fields = ("=id", "name", "url", "repository")
    exclude = ("token",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[DeliveryTarget]:
        """Leave the secrets where they lie."""
        return DeliveryTarget.objects.defer("token")


@register(ExportDelivery)
class ExportDeliveryAdmin(ReadOnlyModelAdmin):
    """What was pushed where, and how it ended."""

    list_display = (
        "id",
        "export",
        "target",
        "status",
        "attempts",
        "error_code",
        "created_at",
        "completed_at",
    )
    list_filter = ("status",)
    search_fields = ("=id", "=export__id", "error_code")
    show_full_result_count = False  # it would count every row

    def get_queryset(self, request: HttpRequest) -> QuerySet[ExportDelivery]:
        """Read the targets along, without their secrets."""
        return ExportDelivery.objects.select_related("export", "target").defer("target__token")
