"""Exports in the admin: to be read, and deleted with their files."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest

from commandcenter.core.admin import ReadOnlyModelAdmin, display, register
from exports.deleting import StillRuns, delete_export
from exports.delivery.models import DeliveryTarget, ExportDelivery
from exports.models import WAITING, Export


@register(Export)
class ExportAdmin(ReadOnlyModelAdmin):
    """What was exported, by whom, and how it ended."""

    list_display = ("id", "project", "format", "state", "file_name", "bytes", "created_at", "expires_at")
    list_filter = ("outcome", "format")
    list_select_related = ("project", "job")
    search_fields = ("=id", "file_name", "sha256", "error_code")
    show_full_result_count = False  # it would count every row

    def get_queryset(self, request: HttpRequest) -> Any:
        """Read the derived status with each row."""
        return Export.objects.with_status()

    @display(description="Status")
    def state(self, export: Export) -> str:
        return export.status

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Let those delete who may, and what has ended: one that runs is cancelled by its job."""
        may: bool = request.user.has_perm("exports.delete_export")
        return may and (obj is None or getattr(obj, "status", "") not in WAITING)

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        """Delete the row and its file."""
        delete_export(obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """Delete the chosen rows and their files, but for those that still run."""
        for export in queryset.iterator(chunk_size=100):
            try:
                delete_export(export)
            except StillRuns as error:
                messages.warning(request, str(error))

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Let deliveries go with their export, although nobody deletes one by hand."""
        found, counts, needed, protected = super().get_deleted_objects(objs, request)
        return found, counts, needed - {ExportDelivery._meta.verbose_name}, protected


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
