"""Says what is wrong with a schedule before it is kept, field by field."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from commandcenter.inventory.models import Repository
from jobs.exceptions import FieldError, InvalidParameters
from jobs.handlers import handler_for
from jobs.models import JobType
from jobs.storable import json_value
from schedules.exceptions import InvalidSchedule
from schedules.models import Schedule
from schedules.timing.checking import faults
from schedules.timing.past import shortest_gap

MOST_JITTER = 86_400  # seconds
MOST_GRACE = 366 * 86_400  # seconds
MOST_TAGS, LONGEST_TAG = 20, 50
MOST_FAILURES = 1_000
TIMING = frozenset(
    [
        "frequency",
        "timezone",
        "cron",
        "interval_seconds",
        "run_at",
        "time",
        "weekday",
        "month_day",
        "window_start",
        "window_end",
        "starts_at",
        "ends_at",
        "dst_gap",
        "dst_overlap",
    ]
)


def check(schedule: Schedule, now: datetime, *, timing: bool = True, work: bool = True) -> None:
    """Raise InvalidSchedule naming each field that is wrong; clean its parameters and its texts on the way.

    `timing` and `work` say which parts are looked at: one that is not changed may have been overtaken by time.
    """
    errors = list(_settings(schedule))
    if timing:
        errors += [_error(*each) for each in _timing(schedule, now)]
    if work:
        errors += _work(schedule)
    if errors:
        raise InvalidSchedule(errors)


def _error(field: str, code: str, message: str) -> FieldError:
    return {"field": field, "code": code, "message": message}


def _timing(schedule: Schedule, now: datetime) -> Iterator[tuple[str, str, str]]:
    timing = schedule.timing
    if found := faults(timing, now):
        for fault in found:
            yield fault.field, fault.code, fault.message
    elif schedule.jitter_seconds > 0:
        gap = shortest_gap(timing, now)
        # With a longer one, the run after it would be due before it, and late at once.
        if gap is not None and schedule.jitter_seconds >= (most := int(gap.total_seconds())):
            message = f"The jitter must be shorter than the time between two runs, here {most:,} seconds."
            yield "jitter_seconds", "too_large", message


def _settings(schedule: Schedule) -> Iterator[FieldError]:
    schedule.name = schedule.name.strip()
    if not schedule.name:
        yield _error("name", "required", "Give it a name.")
    if not 0 <= schedule.jitter_seconds <= MOST_JITTER:
        yield _error("jitter_seconds", "out_of_range", f"Give 0 to {MOST_JITTER:,} seconds.")
    if not 0 <= schedule.misfire_grace_seconds <= MOST_GRACE:
        yield _error("misfire_grace_seconds", "out_of_range", f"Give 0 to {MOST_GRACE:,} seconds.")
    failures = schedule.pause_after_failures
    if failures is not None and not 1 <= failures <= MOST_FAILURES:
        yield _error("pause_after_failures", "out_of_range", f"Give 1 to {MOST_FAILURES:,}, or nothing.")
    if message := _tags_fault(schedule.tags):
        yield _error("tags", "invalid", message)


def _tags_fault(tags: Any) -> str:
    if not isinstance(tags, list) or len(tags) > MOST_TAGS:
        return f"Give a list of at most {MOST_TAGS} tags."
    if not all(isinstance(tag, str) and tag.strip() and len(tag) <= LONGEST_TAG for tag in tags):
        return f"A tag is a text of 1 to {LONGEST_TAG} characters."
    return ""


def _work(schedule: Schedule) -> list[FieldError]:
    """Let the job type clean the parameters. An analysis takes its repository from the schedule's own field as well."""
    repository = schedule.repository
    if repository is not None and repository.project_id != schedule.project_id:
        return [_error("repository", "unknown", "The project has no repository with this id.")]
    if not isinstance(schedule.parameters, dict):
        return [_error("parameters", "invalid", "Give an object.")]
    given = dict(schedule.parameters)
    named = repository.pk if repository is not None and schedule.job_type == JobType.ANALYSIS else None
    if named is not None and given.setdefault("repository", named) != named:
        return [_error("parameters.repository", "invalid", "It differs from the field `repository`.")]
    try:
        handler = handler_for(schedule.job_type)
        schedule.parameters = json_value(handler.validate(given, project=schedule.project))
    except InvalidParameters as error:
        return error.errors
    if repository is None:
        found = handler.scope(schedule.parameters).repository_id
        schedule.repository = Repository.objects.filter(pk=found).first() if found else None
    return []
