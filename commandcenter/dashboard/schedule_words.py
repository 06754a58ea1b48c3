"""What schedules do, in words: "Analysis of billing"."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from exports.registry import FORMATS
from jobs.models import JobType
from schedules.models import Schedule

LONGEST_REF = 60


def work_of(schedule: Schedule) -> str:
    """Return what a schedule does; parameters are what somebody sent, so that anything may be in them."""
    word = _WORDS.get(schedule.job_type)
    return word(schedule) if word else schedule.get_job_type_display()


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
