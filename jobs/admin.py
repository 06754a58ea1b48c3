"""Jobs in the admin, to be read, cancelled and retried through the same flows; limits and paused queues, to be set."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from commandcenter.core.admin import (
    FlowModelAdmin,
    ModelAdmin,
    ReadOnlyModelAdmin,
    UnfoldAdminSelectWidget,
    action,
    display,
    register,
)
from commandcenter.core.fields import MAX_ID
from commandcenter.inventory.models import Project, Repository
from jobs.cancellation import cancel
from jobs.exceptions import IllegalState, InvalidParameters
from jobs.fairness import queues
from jobs.history import events_after
from jobs.models import ArchiveFile, Job, JobLimit, JobType, LimitScope, OriginKind, QueueControl
from jobs.retry import retry

SHOWN_EVENTS = 200
MAX_SELECTED = 200


@register(Job)
class JobAdmin(ReadOnlyModelAdmin):
    """What happened to each job."""

    list_display = ("id", "job_type", "status", "project", "attempt", "queue", "created_at", "completed_at")
    list_filter = ("status", "job_type", "queue")
    list_select_related = ("project",)
    search_fields = ("=id", "error_code", "error_message", "celery_task_id")
    show_full_result_count = False  # it would count every row
    actions = ("cancel_selected", "retry_selected")
    readonly_fields = ("history",)

    def get_actions(self, request: HttpRequest) -> dict[str, object]:
        """Offer actions only to those who may change jobs."""
        allowed: dict[str, object] = super().get_actions(request)
        return allowed if request.user.has_perm("jobs.change_job") else {}

    @action(description="Cancel selected jobs")
    def cancel_selected(self, request: HttpRequest, queryset: QuerySet[Job]) -> None:
        """Cancel each, and say how many could not be."""
        done = refused = 0
        for job in queryset[:MAX_SELECTED]:
            try:
                cancel(job, request.user)  # type: ignore[arg-type]
                done += 1
            except IllegalState:
                refused += 1
        self.message_user(request, f"{done} jobs cancelled, {refused} had ended.", messages.INFO)

    @action(description="Run selected jobs again")
    def retry_selected(self, request: HttpRequest, queryset: QuerySet[Job]) -> None:
        """Retry each, and say what stood against it."""
        done = 0
        for job in queryset.select_related("project")[:MAX_SELECTED]:
            try:
                retry(job, request.user, origin_kind=OriginKind.PAGE)  # type: ignore[arg-type]
                done += 1
            except (IllegalState, InvalidParameters) as error:
                self.message_user(request, f"Job {job.pk}: {error}", messages.WARNING)
        self.message_user(request, f"{done} jobs queued.", messages.INFO)

    @display(description="First events")
    def history(self, job: Job) -> SafeString:
        """Return the first events as lines."""
        lines = (
            (event.seq, f"{event.at:%H:%M:%S}", event.type, event.data)
            for event in events_after(job, 0, SHOWN_EVENTS)
        )
        return format_html_join("", "<div><code>{} {} {} {}</code></div>", lines)


class JobLimitForm(forms.ModelForm):  # type: ignore[type-arg]
    """A limit whose target exists."""

    def clean(self) -> dict[str, Any]:
        """Refuse a target that no job can have: the limit would never apply."""
        cleaned: dict[str, Any] = super().clean() or {}
        scope, target = cleaned.get("scope"), (cleaned.get("target") or "").strip().removeprefix("#")
        cleaned["target"] = target
        if target and scope == LimitScope.JOB_TYPE and target not in JobType.values:
            self.add_error("target", f"There is no such job type. There are: {', '.join(JobType.values)}.")
        elif target and scope in {LimitScope.PROJECT, LimitScope.REPOSITORY}:
            number = int(target) if target.isascii() and target.isdigit() else 0
            model: type[Project | Repository] = Project if scope == LimitScope.PROJECT else Repository
            if not 1 <= number <= MAX_ID or not model._default_manager.filter(pk=number).exists():
                self.add_error("target", f"Give the id of a {scope} that exists, or nothing for each.")
            cleaned["target"] = str(number)
        if cleaned.get("limit") == 0:
            self.add_error("limit", "A limit is 1 or more; to let nothing start, pause the queue.")
        return cleaned


@register(JobLimit)
class JobLimitAdmin(ModelAdmin):  # type: ignore[misc]
    """How many jobs may run at once. A change takes effect within seconds; what runs is left alone."""

    form = JobLimitForm
    list_display = ("scope", "target", "limit")
    list_filter = ("scope",)


class QueueControlForm(forms.ModelForm):  # type: ignore[type-arg]
    """A queue that can be paused."""

    queue = forms.ChoiceField(
        choices=lambda: [(name, name) for name in settings.QUEUES if name != queues.SYSTEM],
        widget=UnfoldAdminSelectWidget,
        help_text="None of its jobs starts until this row is deleted; what runs goes on.",
    )


@register(QueueControl)
class QueueControlAdmin(FlowModelAdmin):
    """The paused queues: add one to pause it, delete it to resume."""

    form = QueueControlForm
    list_display = ("queue", "paused_at", "paused_by", "reason")
    fields = ("queue", "reason")

    def has_change_permission(self, request: HttpRequest, obj: QueueControl | None = None) -> bool:
        """Who paused it and why stays as it was said."""
        return False

    def create_through(self, request: HttpRequest, values: dict[str, Any]) -> QueueControl:
        return queues.pause(values["queue"], request.user, values["reason"])  # type: ignore[arg-type]

    def delete_through(self, request: HttpRequest, stored: QueueControl) -> None:
        queues.resume(stored.queue, request.user)  # type: ignore[arg-type]


@register(ArchiveFile)
class ArchiveFileAdmin(ReadOnlyModelAdmin):
    """Where old jobs went: the files in the artifact storage, and whether one was found damaged."""

    list_display = ("key", "state", "jobs", "deleted", "bytes", "first_completed_at", "last_completed_at")
    list_filter = ("state",)
    search_fields = ("key", "sha256")
    ordering = ("-pk",)
