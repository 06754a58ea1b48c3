"""The lines of code that a finding is about, read from this machine's mirror of the repository."""

from __future__ import annotations

from dataclasses import dataclass, field

from django.conf import settings

from commandcenter.analysis.models import Analysis, Finding, FindingState, FindingTransition, Occurrence
from commandcenter.analysis.sources import policy
from commandcenter.engine.errors import EngineError
from commandcenter.engine.source import read_passage

SECRETS = "secrets"  # the engine whose findings are never shown
SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Line:
    """One line; `text` is None where a secret stands. `marked` lines are those of the finding."""

    number: int
    text: str | None
    marked: bool


@dataclass(frozen=True, slots=True)
class Code:
    """The lines around a finding at a commit, or why there are none to show."""

    path: str = ""
    commit: str = ""
    analysis: int | None = None
    lines: list[Line] = field(default_factory=list)
    problem: str = ""


def code_of(finding: Finding) -> Code:
    """Return the code where the finding was seen last; it must be loaded with its rule, repository and branch line.

    A handful of queries and one git command with a deadline. Nothing is fetched.
    """
    if finding.rule.engine == SECRETS:
        return Code(problem="Secrets are not shown, nor the lines around them: open the file where it lies.")
    seen = _last_sight(finding)
    if seen is None:
        return Code(problem="The analysis that saw it last is no longer kept, so its lines are not known.")
    analysis, place = seen
    try:
        passage = read_passage(
            finding.repository.source,
            analysis.commit,
            place.path,
            place.start_line,
            place.end_line,
            mirrors=settings.MIRRORS_DIR,
            policy=policy(),
            seconds=SECONDS,
        )
    except EngineError as error:
        return Code(place.path, analysis.commit, analysis.pk, problem=str(error))
    hidden = _secret_lines(place)
    lines = [
        Line(
            number,
            None if any(first <= number <= last for first, last in hidden) else text,
            place.start_line <= number <= max(place.start_line, place.end_line),
        )
        for number, text in enumerate(passage.lines, passage.first)
    ]
    return Code(place.path, analysis.commit, analysis.pk, lines)


def _last_sight(finding: Finding) -> tuple[Analysis, Occurrence] | None:
    """Return the analysis that saw it last, as far as it is kept, and where."""
    line = finding.branch_line
    if finding.state == FindingState.FIXED:
        ends = FindingTransition.objects.filter(finding=finding, to_state=FindingState.FIXED).order_by("-pk")
        candidates = set(ends.values_list("analysis__baseline_id", flat=True)[:1])
    else:
        candidates = {line.latest_id, line.baseline_id}
    kept = [pk for pk in candidates if pk is not None]
    for analysis in Analysis.objects.filter(pk__in=kept, result_set__isnull=False).order_by("-pk"):
        place = Occurrence.objects.filter(
            result_set=analysis.result_set_id, fingerprint=finding.fingerprint
        ).first()
        if place is not None:
            return analysis, place
    return None


def _secret_lines(place: Occurrence) -> list[tuple[int, int]]:
    """Return the lines of the file at which secrets were found in the same tree."""
    found = Occurrence.objects.filter(result_set=place.result_set_id, path=place.path, rule__engine=SECRETS)
    return list(found.values_list("start_line", "end_line")[:500])
