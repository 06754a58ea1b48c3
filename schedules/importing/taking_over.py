"""Makes schedules of periodic tasks, each in a transaction of its own, so that no run is started by both.

A schedule whose periodic task is still enabled begins paused. Disabling the task lets it run, whether in the same import
or in a later one. What was imported is known by a tag, so that an import can be repeated.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from django.db import transaction
from django_celery_beat.models import PeriodicTask, PeriodicTasks

from commandcenter.inventory.models import Project
from jobs.periodic import TASK, named_project
from schedules.clock import database_time
from schedules.exceptions import InvalidSchedule
from schedules.importing.entries import asked_of, read, tag_of
from schedules.importing.exceptions import NotImportable
from schedules.keeping import create_schedule, enable
from schedules.models import Schedule

BATCH = 500
STILL_RUN = "Imported; its periodic task still runs it."
NEVER_RUN = "Imported; its periodic task was disabled."


class Outcome(StrEnum):
    """What became of a periodic task."""

    IMPORTED = "imported"
    SWITCHED = "switched"  # imported before; now the schedule runs it
    KNOWN = "known"  # imported before, and nothing was to be done
    REFUSED = "refused"  # it starts jobs, and cannot be imported as it is
    FOREIGN = "foreign"  # it does something else


@dataclass(frozen=True, slots=True)
class TakenOver:
    """One periodic task, what became of it, its schedule, and the reason where there is none."""

    entry: int
    name: str
    outcome: Outcome
    schedule: Schedule | None = None
    reason: str = ""


def take_over(
    *, project: Project | None = None, disable_originals: bool = False, dry_run: bool = False
) -> Iterator[TakenOver]:
    """Import each periodic task, or those of a project, in the order of their ids, and yield what became of it.

    A dry run does the same and takes it back.
    """
    after = 0
    entries = PeriodicTask.objects.order_by("pk").values_list("pk", flat=True)
    while keys := list(entries.filter(pk__gt=after)[:BATCH]):
        disabled = []
        for key in keys:
            with transaction.atomic():
                done = _take_over(key, project, disable_originals)
                if dry_run:
                    transaction.set_rollback(True)
            if done is not None:
                yield done
                if disable_originals and done.schedule is not None:
                    disabled.append(key)
        if not dry_run:
            _disable_again(disabled)
        after = keys[-1]


def _disable_again(keys: list[int]) -> None:
    """Look once more. Beat writes whole rows when it notes that it has run them, without a lock between reading and writing."""
    if again := list(PeriodicTask.objects.filter(pk__in=keys, enabled=True).values_list("pk", flat=True)):
        _disable(again)


def _disable(keys: list[int]) -> None:
    """Disable entries as the admin does, and tell beat; `save` would refuse one that is not whole."""
    PeriodicTask.objects.filter(pk__in=keys).update(enabled=False, last_run_at=None)
    PeriodicTasks.update_changed()


def _take_over(key: int, project: Project | None, disable_originals: bool) -> TakenOver | None:
    related = ("crontab", "interval", "clocked", "solar")
    rows = PeriodicTask.objects.select_for_update(of=("self",)).select_related(*related)
    entry = rows.filter(pk=key).first()
    if entry is None or (project is not None and not _is_of(entry, project)):
        return None
    try:
        with transaction.atomic():
            return _one(entry, disable_originals)
    except (NotImportable, InvalidSchedule) as error:
        outcome = Outcome.REFUSED if entry.task == TASK else Outcome.FOREIGN
        return TakenOver(key, entry.name, outcome, reason=str(error))


def _is_of(entry: PeriodicTask, project: Project) -> bool:
    try:
        return named_project(asked_of(entry).get("project")) == project
    except NotImportable:
        return False


def _one(entry: PeriodicTask, disable_originals: bool) -> TakenOver:
    """Import one that starts jobs, or go on with one that was imported before. Raises NotImportable, InvalidSchedule."""
    project = named_project(asked_of(entry).get("project"))
    known = Schedule.objects.filter(project=project, tags__contains=[tag_of(entry)])
    schedule = known.order_by("pk").first() if project is not None else None
    if schedule is None:
        schedule, outcome = _created(entry, alone=disable_originals), Outcome.IMPORTED
    elif entry.enabled and disable_originals:
        outcome = Outcome.SWITCHED
        if schedule.pause_reason == STILL_RUN:
            schedule = enable(schedule, by=None)
    else:
        outcome = Outcome.KNOWN
    if entry.enabled and disable_originals:
        _disable([entry.pk])
    return TakenOver(entry.pk, entry.name, outcome, schedule)


def _created(entry: PeriodicTask, *, alone: bool) -> Schedule:
    reading = read(entry, database_time())
    reason = "" if entry.enabled and alone else STILL_RUN if entry.enabled else NEVER_RUN
    return create_schedule(
        project=reading.project, values=reading.values, by=None, enabled=not reason, reason=reason
    )
