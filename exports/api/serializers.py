"""The shapes of exports in the API. Nothing here queries: the view brings what it needs."""

from __future__ import annotations

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.reverse import reverse

from commandcenter.core.fields import IdField
from exports.api.deliveries import DeliverySerializer, TargetsField
from exports.models import Export, ExportStatus
from exports.parameters import MAX_ANALYSES
from jobs.api.serializers import ErrorSerializer, JobSerializer


class ExportSerializer(serializers.ModelSerializer[Export]):
    """An export as it is read, `with_status`; what is not known yet is null."""

    status = serializers.ChoiceField(choices=ExportStatus.choices, read_only=True)
    file_name = serializers.SerializerMethodField()
    media_type = serializers.SerializerMethodField()
    sha256 = serializers.SerializerMethodField()
    download_url = serializers.SerializerMethodField()
    error = serializers.SerializerMethodField()

    class Meta:
        model = Export
        fields = (
            "id",
            "project",
            "analyses",
            "portfolio",
            "format",
            "options",
            "status",
            "file_name",
            "media_type",
            "bytes",
            "sha256",
            "created_by",
            "created_at",
            "completed_at",
            "expires_at",
            "job",
            "download_url",
            "error",
        )
        read_only_fields = fields

    @extend_schema_field(serializers.CharField(allow_null=True))
    def get_file_name(self, export: Export) -> str | None:
        """Return the name under which the file is downloaded."""
        return export.file_name or None

    @extend_schema_field(serializers.CharField(allow_null=True))
    def get_media_type(self, export: Export) -> str | None:
        """Return the type of the file."""
        return export.media_type or None

    @extend_schema_field(serializers.CharField(allow_null=True))
    def get_sha256(self, export: Export) -> str | None:
        """Return the digest of the file."""
        return export.sha256 or None

    @extend_schema_field(serializers.URLField(allow_null=True))
    def get_download_url(self, export: Export) -> str | None:
        """Return where the file is, null while there is none to fetch."""
        if export.status != ExportStatus.COMPLETED:
            return None
        return reverse("export-download", args=[export.pk], request=self.context.get("request"))

    @extend_schema_field(ErrorSerializer(allow_null=True))
    def get_error(self, export: Export) -> dict[str, str] | None:
        """Return {code, message}, null for an export that did not fail."""
        if export.status != ExportStatus.FAILED:
            return None
        if export.outcome:
            return {"code": export.error_code, "message": export.error_message}
        job = export.job  # it has just ended, and its export is about to be settled
        if job is None:
            return {"code": "job_deleted", "message": "Its job was deleted before it ended."}
        return {"code": job.error_code, "message": job.error_message}


class ExportInput(serializers.Serializer[Any]):
    """The body of POST /exports. What the format can take is checked by the job type's handler."""

    analyses = serializers.ListField(
        child=IdField(),
        min_length=1,
        max_length=MAX_ANALYSES,
        required=False,
        help_text="These, of one project.",
    )
    project = IdField(
        required=False,
        help_text="Instead of analyses: the latest complete one of each repository's default branch.",
    )
    format = serializers.CharField(max_length=40)
    options = serializers.DictField(required=False, allow_null=True, default=dict)
    deliver = TargetsField(required=False, default=list)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Refuse what is not known, so that a misspelt name is not silently left out."""
        given = self.initial_data if isinstance(self.initial_data, dict) else {}
        unknown = sorted(set(given) - set(self.fields))
        if unknown:
            message = f"An export takes {', '.join(self.fields)}."
            raise serializers.ValidationError(dict.fromkeys(unknown, message), code="unknown")
        if "analyses" not in attrs and "project" not in attrs:
            message = "Name the analyses, or the project for its portfolio."
            raise serializers.ValidationError({"analyses": message}, code="required")
        if "analyses" in attrs and "project" in attrs:
            message = "A portfolio chooses its analyses itself; name analyses or a project."
            raise serializers.ValidationError({"project": message}, code="invalid")
        return attrs


@extend_schema_field(OpenApiTypes.OBJECT)
class ExportAccepted(serializers.Serializer[Any]):
    """The answer of POST /exports."""

    export = ExportSerializer()
    job = JobSerializer()
    deliveries = DeliverySerializer(many=True)
