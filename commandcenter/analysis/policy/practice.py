"""Measures what checks of good practice say: open gaps, and how many manifests have their lock file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from commandcenter.analysis.gaps.rows import CheckRow
from commandcenter.analysis.models import CheckStatus
from commandcenter.analysis.policy.conditions import Condition
from commandcenter.analysis.policy.measures import Measure
from commandcenter.analysis.policy.subject import Subject

ENGINE = "gaps"
LOCK_FILE = "lock-file"


def gaps(subject: Subject, condition: Condition) -> Measure:
    """Count open gaps on this day: all, or those whose check, or whose own id, is named.

    A named check that could not be judged may hide gaps; among all of them it is only named.
    """
    page = f"{subject.page}gaps/"
    checks = {check.id: check for check in subject.checks}
    if not checks:
        return Measure(None, "The engine that looks for gaps did not run.", page)
    named = condition.items or tuple(checks)
    absent = [name for name in named if name.partition(":")[0] not in checks]
    if absent:
        return Measure(None, f"No such check ran: {', '.join(absent)}.", page)
    unknown = sorted({c.id for name in named if _unknown(c := checks[name.partition(":")[0]])})
    notes = [f"Not judged: {', '.join(unknown)}."] if unknown else []
    lost = bool(subject.incomplete([ENGINE]))
    if lost:
        notes.append("The engine did not end well, so there may be more.")
    value = sum(checks[name].gaps for name in named if name in checks)
    single = {name for name in named if name not in checks and name.partition(":")[0] not in named}
    open_, unnamed = _single(single, checks, subject) if single else (0, False)
    if unnamed:
        notes.append("A check names its first gaps alone, so one that is asked for may be among the others.")
    return Measure(
        value + open_, " ".join(notes), page, at_least=lost or unnamed or bool(condition.items and unknown)
    )


def _single(wanted: set[str], checks: Mapping[str, CheckRow], subject: Subject) -> tuple[int, bool]:
    """Count the open gaps with these ids, and say whether others of them may be among those that are not named."""
    named = Counter(row.check for row in subject.gaps)
    missing = wanted - {row.id for row in subject.gaps}
    cut = any(checks[check].gaps > named[check] for check in (name.partition(":")[0] for name in missing))
    return len(wanted) - len(missing), cut


def _unknown(check: CheckRow) -> bool:
    return check.status == CheckStatus.UNKNOWN


def lock_file_coverage(subject: Subject, _condition: Condition) -> Measure:
    """Return the share of the manifests that should have a lock file and have one."""
    page = f"{subject.page}gaps/"
    check = next((check for check in subject.checks if check.id == LOCK_FILE), None)
    if check is None:
        return Measure(None, "The engine that looks for lock files did not run.", page)
    if _unknown(check):
        return Measure(None, check.detail, page)
    if not check.looked_at:
        return Measure(None, check.detail, page, holds=True)
    locked = check.looked_at - check.gaps
    return Measure(
        locked / check.looked_at, f"{locked} of {check.looked_at} manifests have their lock file.", page
    )
