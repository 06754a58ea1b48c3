"""Making, changing, pausing and removing schedules: API, pages, admin and commands all go through here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, time
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from commandcenter.accounts.models import User
from commandcenter.events.publish import Happening, publish, publish_many
from commandcenter.inventory.models import Project
from jobs.storable import json_value
from schedules.clock import database_time
from schedules.exceptions import InvalidSchedule
from schedules.models import Firing, FiringStatus, Schedule
from schedules.next_run import COLUMNS, count_from
from schedules.tallies import count_states
from schedules.validation import TIMING, check

PAUSE = ("enabled", "pause_reason", "paused_by", "paused_at")
WORK = frozenset({"job_type", "parameters", "repository"})
CHANGEABLE = TIMING | WORK | {
    "name", "description", "tags", "jitter_seconds", "overlap_policy", "misfire_policy", "misfire_grace_seconds",
    "pause_after_failures",
}  # fmt: skip
LONGEST_REASON = 500


def create_schedule(
    *, project: Project, values: Mapping[str, Any], by: User | None, enabled: bool = True, reason: str = ""
) -> Schedule:
    """Make a schedule; it counts from now. Raises InvalidSchedule."""
    now = database_time()
    schedule = Schedule(project=project, created_by=by, counted_from=now, **_known(values))
    check(schedule, now)
    if not enabled:
        _pause(schedule, by, reason, now)
    with _one_of_its_name(schedule), transaction.atomic():
        schedule.save(force_insert=True)
        count_from(schedule, now)  # the jitter depends on its key
        schedule.save(update_fields=COLUMNS)
        _publish("schedule.created", schedule, after=audited(schedule))
    return schedule


def change_schedule(schedule: Schedule, values: Mapping[str, Any], *, by: User | None) -> Schedule:
    """Change some of its fields; when the times change, it counts from now. Raises InvalidSchedule."""
    del by  # the actor is the request's; the argument keeps every flow alike
    values = _known(values)
    with _one_of_its_name(schedule), transaction.atomic():
        schedule = locked(schedule)
        before = audited(schedule)
        for name, value in values.items():
            setattr(schedule, name, value)
        _follow_repository(schedule, values)
        now = database_time()
        retimed = any(
            before[name] != _audited_value(getattr(schedule, name)) for name in TIMING | {"jitter_seconds"}
        )
        check(schedule, now, timing=retimed, work=bool(WORK & values.keys()))
        if retimed:
            count_from(schedule, now)
        after = audited(schedule)
        changed = [name for name in after if after[name] != before[name]]
        if changed:
            schedule.save()
            _publish(
                "schedule.updated",
                schedule,
                before={name: before[name] for name in changed},
                after={name: after[name] for name in changed},
            )
    return schedule


def enable(schedule: Schedule, *, by: User | None) -> Schedule:
    """Let it run again from now on; runs of the pause are not made up for. Whoever enables an orphan owns it.

    Raises InvalidSchedule when it could not run, for what it works on is gone or its last moment is over.
    """
    with transaction.atomic():
        schedule = locked(schedule)
        if schedule.enabled:
            return schedule
        now = database_time()
        check(schedule, now)
        schedule.enabled, schedule.pause_reason, schedule.paused_by, schedule.paused_at = True, "", None, None
        schedule.created_by = schedule.created_by or by
        schedule.consecutive_failures = 0
        count_from(schedule, now)
        schedule.save()
        _publish("schedule.enabled", schedule, before={"enabled": False}, after={"enabled": True})
    return schedule


def disable(schedule: Schedule, *, by: User | None, reason: str = "") -> Schedule:
    """Pause it, and drop the runs that wait. `by` is None where the platform does it. Pausing twice changes nothing."""
    with transaction.atomic():
        schedule = locked(schedule)
        if schedule.enabled:
            _disable([schedule], by, reason)
    return schedule


def give_up(schedule: Schedule, *, reason: str) -> None:
    """Pause it because its runs cannot start; of one that is paused already, drop the runs that wait."""
    with transaction.atomic():
        schedule = locked(schedule)
        if schedule.enabled:
            _disable([schedule], None, reason)
        else:
            _drop_waiting([schedule], database_time())


def disable_all(schedules: QuerySet[Schedule], *, reason: str) -> int:
    """Pause those of them that are enabled, as the platform does; return how many."""
    with transaction.atomic():
        rows = schedules.filter(enabled=True).select_for_update(no_key=True, of=("self",))
        found = list(rows.order_by("pk"))
        if found:
            _disable(found, None, reason)
    return len(found)


def delete_schedule(schedule: Schedule, *, by: User | None) -> None:
    """Remove it with its history; jobs that it started go on."""
    del by
    with transaction.atomic():
        schedule = locked(schedule)
        _publish("schedule.deleted", schedule, before=audited(schedule))
        schedule.delete()


def locked(schedule: Schedule) -> Schedule:
    """Return the row as it is now, locked for this transaction. Raises Schedule.DoesNotExist when it is gone."""
    return (
        Schedule.objects.select_for_update(no_key=True, of=("self",))
        .select_related("project", "repository")
        .get(pk=schedule.pk)
    )


def audited(schedule: Schedule) -> dict[str, Any]:
    """Return what the audit trail keeps of it, as JSON."""
    shown = {name: _audited_value(getattr(schedule, name)) for name in sorted(CHANGEABLE - {"repository"})}
    return shown | {"repository": schedule.repository_id, "enabled": schedule.enabled}


def _audited_value(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime | time) else json_value(value)


def _follow_repository(schedule: Schedule, values: Mapping[str, Any]) -> None:
    """Let the field and the parameter `repository` follow one another where only one of them changes."""
    if "repository" in values and "parameters" not in values:
        schedule.parameters = {
            name: each for name, each in schedule.parameters.items() if name != "repository"
        }
    elif "parameters" in values and "repository" not in values:
        schedule.repository = None


@contextmanager
def _one_of_its_name(schedule: Schedule) -> Iterator[None]:
    try:
        yield
    except IntegrityError as error:
        if "schedule_project_name_unique" not in str(error):
            raise
        message = f"The project has a schedule named {schedule.name!r} already."
        raise InvalidSchedule.single("name", "taken", message) from None


def _pause(schedule: Schedule, by: User | None, reason: str, now: datetime) -> None:
    schedule.enabled = False
    schedule.pause_reason = reason.strip()[:LONGEST_REASON]
    schedule.paused_by, schedule.paused_at = by, now


def _disable(schedules: Sequence[Schedule], by: User | None, reason: str) -> None:
    """Pause locked schedules."""
    now = database_time()
    for schedule in schedules:
        _pause(schedule, by, reason, now)
        schedule.updated_at = now
    Schedule.objects.bulk_update(schedules, [*PAUSE, "updated_at"], batch_size=500)
    _drop_waiting(schedules, now)
    publish_many(
        [
            Happening(
                type="schedule.disabled",
                project=schedule.project_id,
                subject=("schedule", schedule.pk),
                data={
                    "schedule": schedule.pk,
                    "name": schedule.name,
                    "reason": schedule.pause_reason or None,
                },
                before={"enabled": True},
                after={"enabled": False},
            )
            for schedule in schedules
        ]
    )


def _drop_waiting(schedules: Sequence[Schedule], now: datetime) -> None:
    dropped = Firing.objects.filter(schedule__in=schedules, status=FiringStatus.WAITING).update(
        status=FiringStatus.SKIPPED, reason="paused", ended_at=now
    )
    count_states([FiringStatus.SKIPPED] * dropped)


def _known(values: Mapping[str, Any]) -> dict[str, Any]:
    if unknown := sorted(values.keys() - CHANGEABLE):
        raise ValueError(f"A schedule has no such field to set: {', '.join(unknown)}.")
    return dict(values)


def _publish(type_: str, schedule: Schedule, *, data: dict[str, Any] | None = None, **audit: Any) -> None:
    publish(
        type_,
        project=schedule.project_id,
        subject=("schedule", schedule.pk),
        data={"schedule": schedule.pk, "name": schedule.name, **(data or {})},
        **audit,
    )
