"""Schedules in the admin, written through the flows; their runs, to be read; and periods in which nothing runs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django import forms
from django.contrib import messages
from django.db import transaction
from django.db.models import Model, QuerySet
from django.http import HttpRequest

from commandcenter.core.admin import (
    CappedPaginator,
    FlowModelAdmin,
    LargeTableAdmin,
    action,
    register,
)
from jobs.exceptions import InvalidParameters
from schedules import blackouts, keeping
from schedules.exceptions import IllegalSchedule, InvalidSchedule
from schedules.executing import execute
from schedules.models import Blackout, Firing, Schedule

MAX_SELECTED = 200
WORDS = ("name", "description", "repository", "tags", "job_type", "parameters")
TIMES = (
    "frequency", "timezone", "cron", "interval_seconds", "run_at", "time", "weekday", "month_day", "window_start",
    "window_end", "starts_at", "ends_at", "dst_gap", "dst_overlap", "jitter_seconds",
)  # fmt: skip
POLICIES = ("overlap_policy", "misfire_policy", "misfire_grace_seconds", "pause_after_failures")
STATE = (
    "enabled", "pause_reason", "paused_by", "paused_at", "created_by", "next_scheduled_for", "next_run_at", "last_run_at",
    "last_outcome", "last_outcome_at", "last_outcome_detail", "last_late_seconds", "consecutive_failures",
)  # fmt: skip


class ScheduleForm(forms.ModelForm):  # type: ignore[type-arg]
    """A schedule that the flow would keep: it is asked, and what it did is undone."""

    class Meta:
        model = Schedule
        fields = ("project", *WORDS, *TIMES, *POLICIES)

    def clean(self) -> dict[str, Any]:
        """Say at each field what the flow says of it."""
        cleaned: dict[str, Any] = super().clean() or {}
        for name, empty in (("tags", []), ("parameters", {})):
            if name in cleaned and cleaned[name] is None:
                cleaned[name] = empty
        if self.errors:
            return cleaned
        with _undone(self):
            if self.instance.pk:
                keeping.change_schedule(self.instance, _changed(self), by=None)
            else:
                _create(cleaned, None)
        return cleaned


@contextmanager
def _undone(form: forms.ModelForm[Any]) -> Iterator[None]:
    """Undo what a flow does, and say at the form's fields what it refuses."""
    try:
        with transaction.atomic():
            yield
            transaction.set_rollback(True)
    except InvalidSchedule as error:
        for each in error.errors:
            field = each["field"].partition(".")[0]
            form.add_error(field if field in form.fields else None, each["message"])


def _changed(form: forms.ModelForm[Any]) -> dict[str, Any]:
    return {name: form.cleaned_data[name] for name in form.changed_data}


def _create(values: dict[str, Any], by: Any) -> Schedule:
    rest = {name: value for name, value in values.items() if name != "project"}
    return keeping.create_schedule(project=values["project"], values=rest, by=by)


@register(Schedule)
class ScheduleAdmin(FlowModelAdmin):
    """What runs when. Its state is moved on by the tick and shown only."""

    form = ScheduleForm
    list_display = (
        "name", "project", "job_type", "frequency", "enabled", "next_run_at", "last_run_at", "last_outcome",
        "consecutive_failures",
    )  # fmt: skip
    list_filter = ("enabled", "job_type", "frequency", "last_outcome", "overlap_policy", "misfire_policy")
    list_select_related = ("project",)
    list_per_page = 50
    search_fields = ("name", "project__name")
    ordering = ("-pk",)
    paginator = CappedPaginator
    show_full_result_count = False
    autocomplete_fields = ("project", "repository")
    readonly_fields = STATE
    fieldsets = (
        (None, {"fields": ("project", *WORDS)}),
        ("Times", {"fields": TIMES}),
        ("Policies", {"fields": POLICIES}),
        ("State", {"fields": STATE}),
    )
    actions = ("enable_selected", "disable_selected", "execute_selected")

    def get_readonly_fields(self, request: HttpRequest, obj: Schedule | None = None) -> tuple[str, ...]:
        return ("project", *STATE) if obj else STATE

    def get_queryset(self, request: HttpRequest) -> QuerySet[Schedule]:
        found: QuerySet[Schedule] = super().get_queryset(request)
        return found.select_related("project", "repository", "paused_by", "created_by")

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """Offer what changes schedules only to those who may."""
        allowed: dict[str, Any] = super().get_actions(request)
        if not self.has_change_permission(request):
            allowed = {name: each for name, each in allowed.items() if name not in self.actions}
        return allowed

    def get_deleted_objects(
        self, objs: Any, request: HttpRequest
    ) -> tuple[list[str], dict[str, int], set[str], list[str]]:
        """Name the schedules and not their runs, which may be millions and go with them."""
        named = [f"Schedule: {each}, and the history of its runs" for each in objs[:MAX_SELECTED]]
        return named, {"schedules": len(named)}, set(), []

    @action(description="Enable selected schedules")
    def enable_selected(self, request: HttpRequest, queryset: QuerySet[Schedule]) -> None:
        """Enable each, and say what stood against it."""
        done = 0
        for schedule in queryset[:MAX_SELECTED]:
            try:
                keeping.enable(schedule, by=request.user)  # type: ignore[arg-type]
                done += 1
            except InvalidSchedule as error:
                self.message_user(request, f"{schedule}: {error}", messages.WARNING)
        self.message_user(request, f"{done} schedules are enabled.", messages.INFO)

    @action(description="Pause selected schedules")
    def disable_selected(self, request: HttpRequest, queryset: QuerySet[Schedule]) -> None:
        """Pause each."""
        chosen = queryset[:MAX_SELECTED]
        for schedule in chosen:
            keeping.disable(schedule, by=request.user, reason="Paused in the admin.")  # type: ignore[arg-type]
        self.message_user(request, f"{len(chosen)} schedules are paused.", messages.INFO)

    @action(description="Run selected schedules now")
    def execute_selected(self, request: HttpRequest, queryset: QuerySet[Schedule]) -> None:
        """Run each, and say what stood against it."""
        done = 0
        for schedule in queryset[:MAX_SELECTED]:
            try:
                execute(schedule, by=request.user)  # type: ignore[arg-type]
                done += 1
            except (IllegalSchedule, InvalidParameters) as error:
                self.message_user(request, f"{schedule}: {error}", messages.WARNING)
        self.message_user(request, f"{done} runs are started or wait.", messages.INFO)

    def create_through(self, request: HttpRequest, values: dict[str, Any]) -> Model:
        return _create(values, request.user)

    def update_through(self, request: HttpRequest, stored: Schedule, values: dict[str, Any]) -> None:
        keeping.change_schedule(stored, values, by=request.user)  # type: ignore[arg-type]

    def delete_through(self, request: HttpRequest, stored: Schedule) -> None:
        keeping.delete_schedule(stored, by=request.user)  # type: ignore[arg-type]


@register(Firing)
class FiringAdmin(LargeTableAdmin):
    """What became of each run."""

    list_display = (
        "id", "schedule", "kind", "status", "scheduled_for", "decided_at", "reason", "merged", "job_id", "ended_at",
    )  # fmt: skip
    list_filter = ("status", "kind")
    list_select_related = ("schedule",)
    search_help_text = "The id of a schedule."
    sought = "schedule"


class BlackoutForm(forms.ModelForm):  # type: ignore[type-arg]
    """A blackout that the flow would keep: it is asked, and what it did is undone."""

    class Meta:
        model = Blackout
        fields = ("project", "schedule", "starts_at", "ends_at", "reason")

    def clean(self) -> dict[str, Any]:
        """Say at each field what the flow says of it; a schedule must be the project's."""
        cleaned: dict[str, Any] = super().clean() or {}
        project, schedule = cleaned.get("project"), cleaned.get("schedule")
        if project and schedule and schedule.project_id != project.pk:
            self.add_error("schedule", "The project has no such schedule.")
        if self.errors:
            return cleaned
        with _undone(self):
            if self.instance.pk:
                blackouts.change_blackout(self.instance, _changed(self), by=None)
            else:
                blackouts.create_blackout(**cleaned, by=None)
        return cleaned


@register(Blackout)
class BlackoutAdmin(FlowModelAdmin):
    """When the schedules of a project, or one of them, skip their runs."""

    form = BlackoutForm
    list_display = ("project", "schedule", "starts_at", "ends_at", "reason", "created_by")
    list_select_related = ("project", "schedule", "created_by")
    list_per_page = 50
    search_fields = ("project__name", "schedule__name", "reason")
    ordering = ("-pk",)
    autocomplete_fields = ("project", "schedule")

    def get_readonly_fields(self, request: HttpRequest, obj: Blackout | None = None) -> tuple[str, ...]:
        return ("project", "schedule") if obj else ()

    def create_through(self, request: HttpRequest, values: dict[str, Any]) -> Model:
        return blackouts.create_blackout(**values, by=request.user)  # type: ignore[arg-type]

    def update_through(self, request: HttpRequest, stored: Blackout, values: dict[str, Any]) -> None:
        blackouts.change_blackout(stored, values, by=request.user)  # type: ignore[arg-type]

    def delete_through(self, request: HttpRequest, stored: Blackout) -> None:
        blackouts.delete_blackout(stored, by=request.user)  # type: ignore[arg-type]
