"""Reads the parameters of an export job: {analyses, format, options}, or {portfolio, format, options}."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from commandcenter.analysis.models import Analysis
from commandcenter.inventory.models import Project
from exports.options import InvalidOptions, read
from exports.portfolio import latest_analyses
from exports.registry import UnknownFormat, format_named
from jobs.exceptions import FieldError, InvalidParameters

KNOWN = ("analyses", "portfolio", "format", "options")
MAX_ANALYSES = 100
MAX_NAMED = 10  # analyses that an error message names


def cleaned(parameters: dict[str, Any], *, project: Project) -> dict[str, Any]:
    """Return {analyses: [id, ...], format: id, options: {name: value}}; an analysis named twice counts once.

    For a portfolio {portfolio: true, format, options}: its analyses are chosen when the job is made.

    Raises InvalidParameters naming each that cannot be used.
    """
    errors: list[FieldError] = []

    def wrong(field: str, code: str, message: str) -> None:
        errors.append({"field": f"parameters.{field}", "code": code, "message": message})

    for name in sorted(str(name) for name in parameters.keys() - set(KNOWN)):
        wrong(name[:60], "unknown", f"An export takes {', '.join(KNOWN)} and nothing else.")
    named = parameters.get("format")
    given = parameters.get("options")
    options: dict[str, str] = {}
    if given is not None and not isinstance(given, dict):
        wrong("options", "invalid", "Options are an object.")
        given = None
    try:
        wanted = format_named(named if isinstance(named, str) else str(named or ""))
        said = read(wanted.info.options, given or {})
        # What holds when nothing is said is not kept: another format, asked for by a retry, has other options.
        options = {
            each.name: said[each.name] for each in wanted.info.options if said[each.name] != each.default
        }
    except UnknownFormat as error:
        wrong("format", "unknown" if named else "required", str(error))
    except InvalidOptions as error:
        for each in error.errors:
            wrong(f"options.{each.name}", each.code, each.message)
    analyses, whole = parameters.get("analyses"), parameters.get("portfolio")
    if not (whole is None or isinstance(whole, bool)):
        wrong("portfolio", "invalid", "Say true for all repositories of the project.")
    elif whole:
        if analyses is not None:
            wrong(
                "analyses", "invalid", "A portfolio chooses its analyses itself; name analyses or ask for it."
            )
        elif not latest_analyses(project.pk, limit=1):
            wrong(
                "portfolio",
                "nothing",
                "No repository of the project has a complete analysis of its default branch.",
            )
    elif analyses is None or analyses == []:
        wrong("analyses", "required", "Name the analyses to export by their ids.")
    elif not isinstance(analyses, list) or not all(map(_is_id, analyses)):
        wrong("analyses", "invalid", "Give a list of ids of analyses.")
    elif len(analyses) > MAX_ANALYSES:
        wrong("analyses", "too_many", f"One export holds at most {MAX_ANALYSES} analyses.")
    else:
        analyses = list(dict.fromkeys(analyses))
        for code, message in unusable(analyses, project):
            wrong("analyses", code, message)
    if errors:
        raise InvalidParameters(errors)
    chosen = {"portfolio": True} if whole else {"analyses": analyses}
    return {**chosen, "format": named, "options": options}


def unusable(analyses: Sequence[int], project: Project) -> list[tuple[str, str]]:
    """Return (code, message) for what stands against exporting these."""
    found = Analysis.objects.filter(pk__in=analyses, project=project).only("pk", "status").in_bulk()
    wrong = []
    if missing := [pk for pk in analyses if pk not in found]:
        wrong.append(("unknown", f"The project has no analysis {listed(missing)}."))
    without = [pk for pk in analyses if pk in found and not found[pk].has_results]
    if without:
        said = [f"{pk} ({found[pk].status})" for pk in without]
        wrong.append(("no_results", f"Without results, so there is nothing to export: {listed(said)}."))
    return wrong


def listed(values: Sequence[object]) -> str:
    """Return values as an enumeration that stays short."""
    shown = ", ".join(map(str, values[:MAX_NAMED]))
    return shown if len(values) <= MAX_NAMED else f"{shown} and {len(values) - MAX_NAMED} more"


def _is_id(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value < 2**63
