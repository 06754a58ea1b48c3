"""The gaps of an analysis: those that its result set holds, and those that come with time.

Whether a product is still supported depends on the day on which one asks, and whether a package is outdated on what
its registry said last. Both are computed from the immutable result set when it is read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from django.utils import timezone

from commandcenter.analysis.gaps.outdated import Outdated, outdated_of
from commandcenter.analysis.gaps.rows import CheckRow, GapRow
from commandcenter.analysis.models import Analysis, CheckStatus, Gap, GapCheck, Severity
from commandcenter.engine.eol import Verdict, lifetimes

END_OF_LIFE = "end-of-life"
END_OF_LIFE_TITLE = "Version at its end of life"
MAX_PLACES = 20
_SEVERITY = {severity.value: severity.label for severity in Severity}
_RANK = {severity.label: severity.value for severity in Severity}


def as_of() -> date:
    """Return the day on which the shipped data of ends of life was right."""
    return lifetimes().as_of


def today() -> date:
    """Return the day in UTC."""
    return timezone.now().date()


def count(known: Mapping[str, Any], day: date | None = None, *, outdated: int | None = None) -> int | None:
    """Count the gaps of a result set's summary on a day; None where the engine did not run."""
    stored = known.get("gaps")
    return None if stored is None else stored + len(ended(known, day)) + (outdated or 0)


def gaps_of(analysis: Analysis, day: date | None = None, *, outdated: Outdated | None = None) -> list[GapRow]:
    """Return the gaps of an analysis loaded `with_results`, the worst first; at most 50 of each check.

    One query, and another one where `outdated` was not looked up already. None where the engine did not run.
    """
    if analysis.result_set is None or analysis.result_set.summary.get("gaps") is None:
        return []
    stored = Gap.objects.filter(result_set=analysis.result_set_id).order_by("-severity", "id")
    rows = [
        GapRow(
            f"{gap.check_id}:{gap.subject}" if gap.subject else gap.check_id, gap.check_id, gap.subject, gap.title,
            _SEVERITY[gap.severity], gap.reason, gap.remedy, gap.evidence,
        )
        for gap in stored
    ]  # fmt: skip
    rows += ended(analysis.result_set.summary, day)
    rows += (outdated or outdated_of(analysis.result_set)).gaps
    return sorted(
        rows, key=lambda row: -_RANK[row.severity]
    )  # stable: within one severity as they were found


def checks_of(
    analysis: Analysis, day: date | None = None, *, outdated: Outdated | None = None
) -> list[CheckRow]:
    """Return every check of an analysis loaded `with_results`, in order; none where the engine did not run.

    One query, and another one where `outdated` was not looked up already.
    """
    if analysis.result_set is None:
        return []
    stored = GapCheck.objects.filter(result_set=analysis.result_set_id).order_by("id")
    rows = [CheckRow(c.check_id, c.title, c.status, c.looked_at, c.gaps, c.detail) for c in stored]
    if not rows:
        return []
    behind = (outdated or outdated_of(analysis.result_set)).check
    return [*rows, _end_of_life(analysis.result_set.summary, day), behind]


def score(checks: Sequence[CheckRow]) -> dict[str, int | None]:
    """Return {passed, applicable, percent}: of the checks that apply and are known, how many passed."""
    passed = sum(1 for check in checks if check.status == CheckStatus.PASSED)
    applicable = passed + sum(1 for check in checks if check.status == CheckStatus.GAP)
    return {
        "passed": passed,
        "applicable": applicable,
        "percent": round(100 * passed / applicable) if applicable else None,
    }


def _end_of_life(known: Mapping[str, Any], day: date | None) -> CheckRow:
    seen = known.get("platforms") or []
    found = len(ended(known, day))
    judged = sum(1 for p in seen if lifetimes().cycle_of(p["product"], p["version"]) is not None)
    detail = f"Data as of {as_of().isoformat()}."
    status = CheckStatus.PASSED
    if found:
        status = CheckStatus.GAP
    elif not seen:
        status, detail = (
            CheckStatus.NOT_APPLICABLE,
            "No file names the version of a product that the data knows.",
        )
    elif not judged:
        status = CheckStatus.UNKNOWN
        detail = f"None of the versions that files name is in the data. {detail}"
    elif judged < len(seen):
        detail = f"{len(seen) - judged} of {len(seen)} versions are not in the data. {detail}"
    return CheckRow(END_OF_LIFE, END_OF_LIFE_TITLE, status.value, len(seen), found, detail)


def ended(known: Mapping[str, Any], day: date | None = None) -> list[GapRow]:
    """Return a gap per product and release line that has ended, or ends within six months, on a day."""
    verdicts: dict[tuple[str, str], tuple[Verdict, list[dict[str, Any]]]] = {}
    for platform in known.get("platforms") or []:
        verdict = lifetimes().verdict(platform["product"], platform["version"], day or today())
        if verdict is not None:
            key = (verdict.cycle.product, verdict.cycle.cycle)
            place = {"path": platform["path"], "line": platform["line"]}
            verdicts.setdefault(key, (verdict, []))[1].append(place)
    return [_ended(verdict, places) for _key, (verdict, places) in sorted(verdicts.items())]


def _ended(verdict: Verdict, places: list[dict[str, Any]]) -> GapRow:
    cycle, data = verdict.cycle, lifetimes().as_of
    subject = f"{cycle.name} {cycle.cycle}"
    when = "ended" if verdict.ended else "ends"
    return GapRow(
        id=f"{END_OF_LIFE}:{subject}",
        check=END_OF_LIFE,
        subject=subject,
        title=END_OF_LIFE_TITLE,
        severity=verdict.severity,
        reason=f"{subject} is used, or still admitted, here; its support {when} on {cycle.ends.isoformat()} "
        f"(data as of {data.isoformat()}, from {cycle.page}).",
        remedy=f"Move to a release of {cycle.name} that is supported, in each of the places that name it.",
        evidence=places[:MAX_PLACES],
        as_of=data,
    )
