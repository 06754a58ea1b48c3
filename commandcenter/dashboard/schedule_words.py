"""What schedules do, and what happens when something comes between, in words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from exports.registry import FORMATS
from jobs.models import JobType
from schedules.models import MisfirePolicy, OverlapPolicy, Schedule
from schedules.timing.words import spanned

LONGEST_REF = 60
UNITS = {"seconds": 1, "minutes": 60, "hours": 3_600, "days": 86_400}
OVERLAPS = {
    OverlapPolicy.SKIP: "Skip the new run, and keep a note of it",
    OverlapPolicy.QUEUE: "Let the new run wait for the end of the earlier one; one waits at most",
    OverlapPolicy.CANCEL_RUNNING: "Cancel the earlier run and start the new one",
    OverlapPolicy.ALLOW: "Run both at once",
}
MISFIRES = {
    MisfirePolicy.FIRE_ONCE: "Run once for all that were missed",
    MisfirePolicy.FIRE_ALL: "Run each one that was missed",
    MisfirePolicy.SKIP: "Run none of them and await the next time",
}


def work_of(schedule: Schedule) -> str:
    """Return what a schedule does; parameters are what somebody sent, so that anything may be in them."""
    word = _WORDS.get(schedule.job_type)
    return word(schedule) if word else schedule.get_job_type_display()


def policies_of(schedule: Schedule) -> list[tuple[str, str]]:
    """Return what happens when something comes between, as (label, sentence)."""
    most = schedule.pause_after_failures
    jitter, grace = spanned(schedule.jitter_seconds), spanned(schedule.misfire_grace_seconds)
    return [
        *([("Spread", f"Each run begins up to {jitter} later")] if schedule.jitter_seconds else []),
        ("Overlap", OVERLAPS[OverlapPolicy(schedule.overlap_policy)]),
        (
            "Missed",
            f"{MISFIRES[MisfirePolicy(schedule.misfire_policy)]}; a run is missed when it is {grace} late",
        ),
        ("Failures", f"Paused after {most:,} in a row" if most else "Never paused for them"),
    ]


def _analysis(schedule: Schedule) -> str:
    name = schedule.repository.name if schedule.repository else "a deleted repository"
    return f"Analysis of {name}{_at(schedule.parameters)}"


def _batch_analysis(schedule: Schedule) -> str:
    given = schedule.parameters
    if tag := given.get("tag"):
        which = f"the repositories tagged {tag}"
    elif named := given.get("repository_ids"):
        which = _counted(named, "repository", "repositories")
    else:
        which = "all repositories"
    return f"Analysis of {which}{_at(given)}"


def _export(schedule: Schedule) -> str:
    given = schedule.parameters
    which = (
        "the whole project"
        if given.get("portfolio")
        else _counted(given.get("analyses"), "analysis", "analyses")
    )
    return f"{_format(given)} export of {which}"


def _batch_export(schedule: Schedule) -> str:
    which = _counted(schedule.parameters.get("analysis_ids"), "analysis", "analyses")
    return f"{_format(schedule.parameters)} exports of {which}, each on its own"


def _import(schedule: Schedule) -> str:
    return f"Import of {schedule.parameters.get('kind') or 'data'}"


def _format(given: dict[str, Any]) -> str:
    named = str(given.get("format") or "")
    return FORMATS[named].info.name if named in FORMATS else named


def _counted(named: Any, one: str, many: str) -> str:
    if not isinstance(named, list) or not named:
        return many
    return f"{one} #{named[0]}" if len(named) == 1 else f"{len(named):,} {many}"


def _at(given: dict[str, Any]) -> str:
    ref = str(given.get("ref") or "")
    return f" at {ref[:LONGEST_REF]}" if ref else ""


_WORDS: dict[str, Callable[[Schedule], str]] = {
    JobType.ANALYSIS: _analysis,
    JobType.BATCH_ANALYSIS: _batch_analysis,
    JobType.EXPORT: _export,
    JobType.BATCH_EXPORT: _batch_export,
    JobType.IMPORT: _import,
}
