"""Says of schedules how they fare, each in one word and one sentence, from their own columns."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from django.db.models import Case, F, Q, QuerySet, Value, When
from django.utils.timesince import timesince

from commandcenter.accounts.models import User
from schedules.models import UNSUCCESSFUL, FiringStatus, Schedule

AWAITED = timedelta(seconds=10)  # two ticks: what is due longer than its grace and this was seen by none


class HealthStatus(StrEnum):
    """How a schedule fares; of several that hold, the first."""

    PAUSED = "paused"
    FAILING = "failing"  # the last run that ended did not succeed, could not start, or was given up
    LATE = "late"  # it is overdue, or its last run was made up for
    NEVER_RUN = "never_run"
    HEALTHY = "healthy"


@dataclass(frozen=True, slots=True)
class Health:
    """One word, and a sentence that says why and what to do."""

    status: HealthStatus
    detail: str


def health_of(schedules: Collection[Schedule], now: datetime) -> dict[int, Health]:
    """Return the health of each schedule by its id, with at most one query for all: who paused them."""
    paused_by = {each.paused_by_id for each in schedules if each.paused_by_id}
    names = dict(User.objects.filter(pk__in=paused_by).values_list("pk", "username")) if paused_by else {}
    return {each.pk: _health(each, now, names) for each in schedules}


def in_health(schedules: QuerySet[Schedule], status: HealthStatus, now: datetime) -> QuerySet[Schedule]:
    """Return those that fare so at this moment; it agrees with `health_of`."""
    found = schedules
    for each, condition in _conditions(now).items():
        if each == status:
            return found.filter(condition)
        found = found.exclude(condition)
    return found


def status_at(now: datetime) -> Case:
    """Return the expression that gives a schedule's health in a query."""
    cases = [When(condition, then=Value(str(each))) for each, condition in _conditions(now).items()]
    return Case(*cases, default=Value(str(HealthStatus.HEALTHY)))


def overdue(now: datetime) -> Q:
    """Return the condition of schedules that a tick should have seen, and none did."""
    grace = Value(timedelta(seconds=1)) * F("misfire_grace_seconds")
    # The first bound is for the index: of what is due, little is left to be looked at.
    return Q(enabled=True, next_run_at__lt=now - AWAITED) & Q(next_run_at__lt=Value(now - AWAITED) - grace)


def _conditions(now: datetime) -> dict[HealthStatus, Q]:
    """Return the condition of each status in their order, but for that of the rest."""
    return {
        HealthStatus.PAUSED: Q(enabled=False),
        HealthStatus.FAILING: Q(enabled=True, last_outcome__in=UNSUCCESSFUL),
        HealthStatus.LATE: overdue(now) | Q(last_late_seconds__isnull=False),
        HealthStatus.NEVER_RUN: Q(last_run_at=None, last_outcome=""),
    }


def _health(schedule: Schedule, now: datetime, names: Mapping[int, str]) -> Health:
    if not schedule.enabled:
        return Health(HealthStatus.PAUSED, _paused(schedule, now, names))
    if schedule.last_outcome in UNSUCCESSFUL:
        return Health(HealthStatus.FAILING, _failing(schedule, now))
    due = schedule.next_run_at
    if due is not None and due < now - AWAITED - timedelta(seconds=schedule.misfire_grace_seconds):
        return Health(
            HealthStatus.LATE,
            f"It was due {_ago(due, now)} and nothing has started it: see that beat and a worker of the queue "
            "`system` run.",
        )
    if schedule.last_late_seconds is not None:
        late = _words(timedelta(seconds=schedule.last_late_seconds))
        return Health(
            HealthStatus.LATE,
            f"The last run was {late} late: see why nothing ticked then; the next run in time clears this.",
        )
    if schedule.last_run_at is None and not schedule.last_outcome:
        return Health(HealthStatus.NEVER_RUN, _never_run(schedule))
    return Health(HealthStatus.HEALTHY, _healthy(schedule, now))


def _paused(schedule: Schedule, now: datetime, names: Mapping[int, str]) -> str:
    name = names.get(schedule.paused_by_id or 0)
    by = f" by {name}" if name else ""
    at = f" {_ago(schedule.paused_at, now)}" if schedule.paused_at else ""
    reason = schedule.pause_reason.rstrip(".")
    why = f": {reason}" if reason else ""
    # The platform's own reasons say what else is to be done first.
    advice = "" if "enable it" in reason.lower() else " Enable it to let it run again."
    return f"Paused{by}{at}{why}.{advice}"


def _failing(schedule: Schedule, now: datetime) -> str:
    at = schedule.last_outcome_at
    when = f" {_ago(at, now)}" if at else ""
    what = {
        FiringStatus.FAILED: f"The last run failed{when}",
        FiringStatus.REFUSED: f"The last run could not start{when}",
        FiringStatus.MISSED: f"The last run was given up{when}",
    }[FiringStatus(schedule.last_outcome)]
    reason = schedule.last_outcome_detail.rstrip(".")
    why = f": {reason}" if reason else ""
    in_a_row = schedule.consecutive_failures
    count = f" {in_a_row:,} runs in a row have failed." if in_a_row > 1 else ""
    return f"{what}{why}.{count} Mend the cause, then run it now or await its next run."


def _never_run(schedule: Schedule) -> str:
    if schedule.next_run_at is None:
        return "It has never run and has no run to come: change its times, or run it now."
    return "It has not run yet: its first run is still to come."


def _healthy(schedule: Schedule, now: datetime) -> str:
    at = schedule.last_outcome_at
    if at is None:
        said = "The first run has not ended yet."
    elif schedule.last_outcome == FiringStatus.CANCELLED:
        said = f"The last run was cancelled {_ago(at, now)}."
    else:
        said = f"The last run succeeded {_ago(at, now)}."
    return said if schedule.next_run_at is not None else f"{said} No further runs."


def _ago(moment: datetime, now: datetime) -> str:
    if now - moment < timedelta(minutes=1):
        return "just now"
    return f"{_words(now - moment)} ago"


def _words(length: timedelta) -> str:
    epoch = datetime(2000, 1, 1)  # noqa: DTZ001  (only the distance counts)
    if length < timedelta(minutes=1):
        return f"{int(length.total_seconds())} seconds"
    return timesince(epoch, epoch + length, depth=1).replace("\xa0", " ")
