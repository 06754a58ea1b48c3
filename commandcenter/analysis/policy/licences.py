"""Measures licences: those of a list, and those that nobody knows."""

from __future__ import annotations

from commandcenter.analysis.licensing import denial
from commandcenter.analysis.policy.conditions import Condition
from commandcenter.analysis.policy.measures import Measure
from commandcenter.analysis.policy.subject import Subject
from commandcenter.engine.licenses.expressions import parse

ENGINE = "licenses"
MAX_NAMED = 5


def denied_licences(subject: Subject, condition: Condition) -> Measure:
    """Count the different licences of the repository, its packages and vendored code that are on the list.

    What is not known may be one of them: it leaves a count that keeps within the limit unknown.
    """
    page = f"{subject.page}licenses/"
    if not subject.ran(ENGINE):
        return Measure(None, "The engine that recognises licences did not run.", page)
    entries = [found for text in condition.items if (found := denial.entry(text)) is not None]
    bad, unknown = [], 0
    for spdx, rows, path in subject.licenses:
        expression = parse(spdx) if spdx is not None else None
        if expression is None:
            unknown += rows
        elif denial.denied(expression, entries):
            bad.append(f"{spdx} in {path}" + (f" and {rows - 1} more" if rows > 1 else ""))
    notes = [f"{'; '.join(bad[:MAX_NAMED])}{'; …' if len(bad) > MAX_NAMED else ''}."] if bad else []
    if unknown:
        notes.append(f"{unknown} texts or names are of no known licence.")
    lost = bool(subject.incomplete([ENGINE]))
    if lost:
        notes.append("The engine did not end well, so there may be more.")
    return Measure(len(bad), " ".join(notes), page, at_least=lost or bool(unknown))


def unknown_licences(subject: Subject, _condition: Condition) -> Measure:
    """Count the texts and names that are of no known licence."""
    page = f"{subject.page}licenses/?known=false"
    if not subject.ran(ENGINE):
        return Measure(None, "The engine that recognises licences did not run.", page)
    unknown = [(rows, path) for spdx, rows, path in subject.licenses if spdx is None]
    lost = bool(subject.incomplete([ENGINE]))
    detail = "The engine did not end well, so there may be more." if lost else ""
    if unknown:
        detail = f"The first is in {unknown[0][1]}. {detail}".strip()
    return Measure(sum(rows for rows, _ in unknown), detail, page, at_least=lost)
