"""Making, changing and removing blackouts: API, pages and admin all go through here."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from commandcenter.accounts.models import User
from commandcenter.events.publish import publish
from commandcenter.inventory.models import Project
from schedules.clock import database_time
from schedules.exceptions import InvalidSchedule
from schedules.models import Blackout, Schedule
from schedules.timing.checking import OUT_OF_RANGE, YEARS

MOST = 200  # of a project that are not over: each tick reads those of its time
LONGEST_REASON = 500


def create_blackout(
    *,
    project: Project,
    schedule: Schedule | None,
    starts_at: datetime,
    ends_at: datetime,
    reason: str = "",
    by: User | None,
) -> Blackout:
    """Shut out a schedule, or without one all of a project, in [starts_at, ends_at). Raises InvalidSchedule."""
    blackout = Blackout(
        project=project,
        schedule=schedule,
        starts_at=starts_at,
        ends_at=ends_at,
        reason=_reason(reason),
        created_by=by,
    )
    _check(blackout)
    with transaction.atomic():
        # Those who make one at once take turns, or there would be more than MOST.
        Project.objects.select_for_update(no_key=True).get(pk=project.pk)
        if Blackout.objects.filter(project=project, ends_at__gt=database_time())[MOST - 1 :].exists():
            message = f"The project has {MOST} blackouts that are not over; remove some, or make longer ones."
            raise InvalidSchedule.single("project", "too_many", message)
        blackout.save(force_insert=True)
        _publish("blackout.created", blackout, after=_audited(blackout))
    return blackout


def change_blackout(blackout: Blackout, values: Mapping[str, Any], *, by: User | None) -> Blackout:
    """Change its times or its reason. Raises InvalidSchedule."""
    del by
    with transaction.atomic():
        blackout = Blackout.objects.select_for_update(of=("self",)).get(pk=blackout.pk)
        before = _audited(blackout)
        blackout.starts_at = values.get("starts_at", blackout.starts_at)
        blackout.ends_at = values.get("ends_at", blackout.ends_at)
        blackout.reason = _reason(values.get("reason", blackout.reason))
        after = _audited(blackout)
        if any(after[name] != before[name] for name in ("starts_at", "ends_at")):
            _check(blackout)
        if after != before:
            blackout.save()
            _publish("blackout.updated", blackout, before=before, after=after)
    return blackout


def delete_blackout(blackout: Blackout, *, by: User | None) -> None:
    """Remove it; runs that it skipped stay skipped."""
    del by
    with transaction.atomic():
        _publish("blackout.deleted", blackout, before=_audited(blackout))
        blackout.delete()


def _reason(text: str) -> str:
    return text.strip()[:LONGEST_REASON]


def _check(blackout: Blackout) -> None:
    for name in ("starts_at", "ends_at"):
        if getattr(blackout, name).year not in YEARS:
            raise InvalidSchedule.single(name, "out_of_range", OUT_OF_RANGE)
    if blackout.starts_at >= blackout.ends_at:
        raise InvalidSchedule.single("ends_at", "invalid", "It ends before it starts.")
    if blackout.ends_at <= database_time():
        raise InvalidSchedule.single("ends_at", "past", "It is over already.")


def _audited(blackout: Blackout) -> dict[str, Any]:
    return {
        "schedule": blackout.schedule_id,
        "starts_at": blackout.starts_at.isoformat(),
        "ends_at": blackout.ends_at.isoformat(),
        "reason": blackout.reason,
    }


def _publish(type_: str, blackout: Blackout, **audit: Any) -> None:
    publish(
        type_,
        project=blackout.project_id,
        subject=("blackout", blackout.pk),
        data={"blackout": blackout.pk, **_audited(blackout)},
        **audit,
    )
