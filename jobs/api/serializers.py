"""The shapes of jobs in the API. Nothing here queries: the view brings what it needs."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from commandcenter.core.fields import IdField
from jobs.history import error_of
from jobs.models import Job, OriginKind

MAX_BATCH = 1_000
MAX_DELAY = 3_600


@extend_schema_field({"type": "object", "additionalProperties": {"type": "string"}})
class JobTagsField(serializers.Field):  # type: ignore[type-arg]
    """An object {key: value}; a list of "key:value" strings is taken as well."""

    default_error_messages = {
        "invalid": 'Give an object such as {{"team": "core"}}, or a list such as ["team:core"].'
    }

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        """Return the tags as an object; `jobs.creation` checks names and lengths."""
        if isinstance(data, list):
            if not all(isinstance(tag, str) and ":" in tag for tag in data):
                self.fail("invalid")
            return dict(tag.split(":", 1) for tag in data)
        if not isinstance(data, dict):
            self.fail("invalid")
        return {key: str(value) if isinstance(value, int) else value for key, value in data.items()}

    def to_representation(self, value: Any) -> dict[str, str]:
        """Return the stored object."""
        return dict(value)


class ErrorSerializer(serializers.Serializer[Any]):
    """Why a job failed."""

    code = serializers.CharField()
    message = serializers.CharField()


class WaitingReasonSerializer(serializers.Serializer[Any]):
    """Why a job is not running yet."""

    code = serializers.CharField()
    detail = serializers.CharField()
    position = serializers.IntegerField(allow_null=True)


class OriginSerializer(serializers.Serializer[Any]):
    """What asked for a job."""

    kind = serializers.ChoiceField(choices=OriginKind.choices)
    id = serializers.IntegerField(allow_null=True)


class ChildrenSerializer(serializers.Serializer[Any]):
    """How many children of a batch stand where."""

    total = serializers.IntegerField()
    pending = serializers.IntegerField()
    queued = serializers.IntegerField()
    running = serializers.IntegerField()
    completed = serializers.IntegerField()
    failed = serializers.IntegerField()
    cancelled = serializers.IntegerField()


class JobSerializer(serializers.ModelSerializer[Job]):
    """A job as it is read. The context's `waiting` and `children` hold reasons and counts by id."""

    progress = serializers.IntegerField(source="run.progress", read_only=True)
    current_step = serializers.CharField(source="run.current_step", read_only=True)
    cancel_requested_at = serializers.DateTimeField(source="run.cancel_requested_at", read_only=True)
    error = serializers.SerializerMethodField()
    waiting_reason = serializers.SerializerMethodField()
    origin = serializers.SerializerMethodField()
    children = serializers.SerializerMethodField()
    tags = JobTagsField()
    is_terminal = serializers.BooleanField(read_only=True)

    class Meta:
        model = Job
        fields = (
            "id",
            "project",
            "job_type",
            "status",
            "progress",
            "current_step",
            "parameters",
            "result",
            "error",
            "tags",
            "queue",
            "attempt",
            "max_attempts",
            "failures",
            "losses",
            "celery_task_id",
            "created_by",
            "created_at",
            "queued_at",
            "not_before",
            "started_at",
            "completed_at",
            "cancel_requested_at",
            "is_terminal",
            "waiting_reason",
            "parent",
            "children",
            "retry_of",
            "origin",
        )
        read_only_fields = fields

    def to_representation(self, job: Job) -> dict[str, Any]:
        """Return what the fields above say, without building them, which costs more than all the rest of an answer."""
        return {
            "id": job.pk,
            "project": job.project_id,
            "job_type": job.job_type,
            "status": job.status,
            "progress": job.run.progress,
            "current_step": job.run.current_step,
            "parameters": job.parameters,
            "result": job.result,
            "error": self.get_error(job),
            "tags": job.tags,
            "queue": job.queue,
            "attempt": job.attempt,
            "max_attempts": job.max_attempts,
            "failures": job.failures,
            "losses": job.losses,
            "celery_task_id": job.celery_task_id,
            "created_by": job.created_by_id,
            "created_at": job.created_at,
            "queued_at": job.queued_at,
            "not_before": job.not_before,
            "started_at": job.started_at,
            "completed_at": job.completed_at,
            "cancel_requested_at": job.run.cancel_requested_at,
            "is_terminal": job.is_terminal,
            "waiting_reason": self.get_waiting_reason(job),
            "parent": job.parent_id,
            "children": self.get_children(job),
            "retry_of": job.retry_of_id,
            "origin": self.get_origin(job),
        }

    @extend_schema_field(ErrorSerializer(allow_null=True))
    def get_error(self, job: Job) -> dict[str, str] | None:
        """Return {code, message}, null for a job that did not fail."""
        return error_of(job)

    @extend_schema_field(WaitingReasonSerializer(allow_null=True))
    def get_waiting_reason(self, job: Job) -> Any:
        """Return {code, detail, position}, null for a job that runs or has ended."""
        return self.context.get("waiting", {}).get(job.pk)

    @extend_schema_field(ChildrenSerializer(allow_null=True))
    def get_children(self, job: Job) -> Any:
        """Return the counts of a batch's children, null for a job that has none by its kind."""
        return self.context.get("children", {}).get(job.pk)

    @extend_schema_field(OriginSerializer)
    def get_origin(self, job: Job) -> dict[str, Any]:
        """Return {kind, id}."""
        return {"kind": job.origin_kind, "id": job.origin_id}


class JobInput(serializers.Serializer[Any]):
    """The body of POST /jobs."""

    project = IdField()
    job_type = serializers.CharField(max_length=60)
    parameters = serializers.JSONField(default=dict)
    tags = JobTagsField(default=dict)
    dispatch = serializers.BooleanField(default=True)
    delay_seconds = serializers.IntegerField(default=0, min_value=0, max_value=MAX_DELAY)

    def validate_parameters(self, value: Any) -> dict[str, Any]:
        """Take an object; its members are checked by the job type's handler."""
        return as_object(value)


class DispatchInput(serializers.Serializer[Any]):
    """The body of POST /jobs/{id}/dispatch."""

    delay_seconds = serializers.IntegerField(default=0, min_value=0, max_value=MAX_DELAY)


class RetryInput(serializers.Serializer[Any]):
    """The body of POST /jobs/{id}/retry."""

    parameters = serializers.JSONField(default=None, allow_null=True)
    only_failed = serializers.BooleanField(default=False)

    def validate_parameters(self, value: Any) -> dict[str, Any] | None:
        """Take an object, or nothing for the same parameters again."""
        return None if value is None else as_object(value)


class BatchInput(serializers.Serializer[Any]):
    """The body of POST /jobs/batch."""

    job_ids = serializers.ListField(child=IdField(), min_length=1, max_length=MAX_BATCH)


class BatchSerializer(serializers.Serializer[Any]):
    """The answer of POST /jobs/batch."""

    results = JobSerializer(many=True)


class ProgressSerializer(serializers.Serializer[Any]):
    """How far a job is."""

    job_id = serializers.IntegerField()
    status = serializers.CharField()
    progress = serializers.IntegerField()
    current_step = serializers.CharField()
    attempt = serializers.IntegerField()
    seq = serializers.IntegerField()
    is_terminal = serializers.BooleanField()


def as_object(value: Any) -> dict[str, Any]:
    """Return the value when it is a JSON object. Raises ValidationError."""
    if not isinstance(value, dict):
        raise serializers.ValidationError('Give an object, such as {"repository": 1}.', code="invalid")
    return value
