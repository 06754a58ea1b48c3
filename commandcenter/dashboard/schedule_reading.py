"""Reads what somebody filled into the form of a schedule into the fields of the API, and the other way round."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, time
from typing import Any

import orjson
from django.utils.dateparse import parse_datetime

from commandcenter.dashboard.schedule_words import UNITS
from commandcenter.inventory.models import Project, Repository
from jobs.exceptions import FieldError
from jobs.models import JobType
from schedules.api.fields import LAST, TimingFields
from schedules.exceptions import InvalidSchedule
from schedules.models import Schedule
from schedules.timing.model import LAST_DAY, Frequency
from schedules.timing.zones import UnknownZone, zone_named
from schedules.validation import TIMING

MOST_DIGITS = 9
OTHER = "other"  # work that the form knows no fields for: its parameters are written as JSON
MOMENTS = ("run_at", "starts_at", "ends_at")
_USED: dict[str, tuple[str, ...]] = {  # fields of the form that each frequency reads as they are
    Frequency.ONCE: ("run_at",),
    Frequency.DAILY: ("time",),
    Frequency.WEEKLY: ("time", "weekday"),
    Frequency.MONTHLY: ("time", "month_day"),
    Frequency.CRON: ("cron",),
}
_BOUNDS = ("window_start", "window_end", "starts_at", "ends_at")


def timing_values(given: Mapping[str, str], stored: Schedule | None = None) -> dict[str, Any]:
    """Return the fields that say when it fires; moments are on the clock of its zone. Raises InvalidSchedule.

    A moment that is as the form showed it stays the stored one, to the second and to the side of a change of clocks.
    """
    frequency, zone = given["frequency"], given["timezone"] or "UTC"
    names = (*_USED.get(frequency, ()), *(() if frequency == Frequency.ONCE else _BOUNDS))
    body: dict[str, Any] = {name: given[name] for name in names}
    body |= {"frequency": frequency, "timezone": zone}
    body |= {name: given[name] for name in ("dst_gap", "dst_overlap")}
    if frequency == Frequency.HOURLY and given["minute"]:
        body["time"] = f"00:{given['minute']:0>2}"
    if frequency == Frequency.INTERVAL:
        body["interval_seconds"] = seconds_of(given, "interval")
    shown = initial_of(stored) if stored is not None and stored.timezone == zone else {}
    for name in MOMENTS:
        if body.get(name):
            same = stored is not None and body[name] == shown.get(name)
            body[name] = getattr(stored, name) if same else moment_of(body[name], zone) or body[name]
    fields = TimingFields(data={name: value for name, value in body.items() if value not in ("", None)})
    if not fields.is_valid():
        raise InvalidSchedule(_errors(fields.errors))
    # Of the same frequency, what it does not use stays as it is.
    kept = TIMING & body.keys() if stored is not None and stored.frequency == frequency else TIMING
    return {name: value for name, value in fields.validated_data.items() if name in kept}


def moment_of(text: str, zone: str) -> datetime | None:
    """Return a moment on the clock of a zone, unless it says its own offset; None for what is none."""
    try:
        moment = parse_datetime(text)
        return moment.replace(tzinfo=zone_named(zone)) if moment and moment.tzinfo is None else moment
    except (ValueError, UnknownZone):
        return None


def seconds_of(given: Mapping[str, str], name: str) -> int | None:
    """Return the span of a number and its unit in seconds, None without a number. Raises InvalidSchedule."""
    number = given[f"{name}_number"]
    if not number:
        return None
    if not (number.isascii() and number.isdigit() and len(number) <= MOST_DIGITS):
        raise InvalidSchedule.single(f"{name}_number", "invalid", "Give a whole number.")
    return int(number) * UNITS.get(given[f"{name}_unit"], 1)


def policy_values(given: Mapping[str, str]) -> dict[str, Any]:
    """Return the fields that say what becomes of runs that are late, overlap or fail. Raises InvalidSchedule."""
    failures = given["pause_after_failures"]
    if failures and not (failures.isascii() and failures.isdigit() and len(failures) <= MOST_DIGITS):
        raise InvalidSchedule.single("pause_after_failures", "invalid", "Give a whole number, or nothing.")
    return {
        "jitter_seconds": seconds_of(given, "jitter") or 0,
        "misfire_grace_seconds": seconds_of(given, "grace") or 0,
        "overlap_policy": given["overlap_policy"],
        "misfire_policy": given["misfire_policy"],
        "pause_after_failures": int(failures) if failures else None,
    }


def work_values(given: Mapping[str, str], project: Project) -> dict[str, Any]:
    """Return the fields that say what it does. Raises InvalidSchedule."""
    where = {"ref": given["ref"], "force": bool(given["force"])}
    match given["work"]:
        case JobType.ANALYSIS:
            repository = Repository.objects.filter(project=project, name=given["repository"]).first()
            if repository is None:
                message = f"{project.name} has no repository of this name. Choose one of the list."
                raise InvalidSchedule.single("repository", "unknown", message)
            return {"job_type": JobType.ANALYSIS, "repository": repository, "parameters": where}
        case JobType.BATCH_ANALYSIS:
            which = {"tag": given["tag"]} if given["scope"] == "tag" else {"all": True}
            return {"job_type": JobType.BATCH_ANALYSIS, "repository": None, "parameters": which | where}
        case JobType.EXPORT:
            whole = {"portfolio": True, "format": given["format"]}
            return {"job_type": JobType.EXPORT, "repository": None, "parameters": whole}
    try:
        parameters = orjson.loads(given["parameters"] or "{}")
    except orjson.JSONDecodeError as error:
        raise InvalidSchedule.single("parameters", "invalid", f"This is not JSON: {error}.") from None
    return {"job_type": given["job_type"], "repository": None, "parameters": parameters}


def initial_of(schedule: Schedule) -> dict[str, Any]:
    """Return what the form shows of a schedule."""
    given = schedule.parameters
    shown: dict[str, Any] = {
        name: getattr(schedule, name)
        for name in (
            "name", "description", "frequency", "timezone", "cron", "weekday", "dst_gap", "dst_overlap",
            "overlap_policy", "misfire_policy", "pause_after_failures", "job_type",
        )
    }  # fmt: skip
    shown |= {
        "tags": ", ".join(map(str, schedule.tags)),
        "work": _work(schedule),
        "repository": schedule.repository.name if schedule.repository else "",
        "ref": given.get("ref", ""),
        "force": bool(given.get("force")),
        "scope": "tag" if given.get("tag") else "all",
        "tag": given.get("tag", ""),
        "format": given.get("format", ""),
        "parameters": orjson.dumps(given, option=orjson.OPT_INDENT_2).decode(),
        "month_day": LAST if schedule.month_day == LAST_DAY else schedule.month_day,
        "minute": schedule.time.minute if schedule.time else None,
    }
    shown |= {name: _clock(getattr(schedule, name)) for name in ("time", "window_start", "window_end")}
    shown |= {name: _local(getattr(schedule, name), schedule.timezone) for name in MOMENTS}
    shown |= _span("jitter", schedule.jitter_seconds) | _span("grace", schedule.misfire_grace_seconds)
    return shown | _span("interval", schedule.interval_seconds)


def _work(schedule: Schedule) -> str:
    """Return which part of the form can say what it does without loss."""
    given = schedule.parameters
    match schedule.job_type:
        case JobType.ANALYSIS if schedule.repository and given.keys() <= {"repository", "ref", "force"}:
            return JobType.ANALYSIS
        case JobType.BATCH_ANALYSIS if given.keys() <= {"all", "tag", "ref", "force"}:
            return JobType.BATCH_ANALYSIS
        case JobType.EXPORT if given.get("portfolio") and not given.get("options"):
            return JobType.EXPORT
    return OTHER


def _errors(errors: Mapping[str, Any]) -> list[FieldError]:
    return [
        {"field": name, "code": getattr(each, "code", "invalid"), "message": str(each)}
        for name, found in errors.items()
        for each in found
    ]


def _local(moment: datetime | None, zone: str) -> str:
    if moment is None:
        return ""
    try:
        local = moment.astimezone(zone_named(zone))
    except UnknownZone:
        local = moment
    return local.strftime("%Y-%m-%dT%H:%M:%S" if local.second else "%Y-%m-%dT%H:%M")


def _clock(value: time | None) -> str:
    return "" if value is None else value.strftime("%H:%M:%S" if value.second else "%H:%M")


def _span(name: str, seconds: int | None) -> dict[str, Any]:
    """Return a span in the largest unit that says it in whole numbers."""
    if not seconds:
        return {f"{name}_number": seconds, f"{name}_unit": "minutes"}
    unit = next(unit for unit in reversed(UNITS) if seconds % UNITS[unit] == 0)
    return {f"{name}_number": seconds // UNITS[unit], f"{name}_unit": unit}
