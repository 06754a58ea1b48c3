"""Jobs in the admin: to be read, cancelled and retried through the same flows as everywhere."""

from __future__ import annotations

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from commandcenter.core.admin import ReadOnlyModelAdmin, action, display, register
from jobs.cancellation import cancel
from jobs.exceptions import IllegalState, InvalidParameters
from jobs.history import events_after
from jobs.models import Job, OriginKind
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
