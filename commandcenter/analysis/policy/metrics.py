"""Measures metrics by their names; a metric that nobody measures here is unknown."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlencode

from commandcenter.analysis.policy.conditions import Condition
from commandcenter.analysis.policy.licences import denied_licences, unknown_licences
from commandcenter.analysis.policy.measures import Measure
from commandcenter.analysis.policy.practice import gaps, lock_file_coverage
from commandcenter.analysis.policy.subject import FACT_ENGINES, Subject
from commandcenter.analysis.policy.vulnerabilities import vulnerabilities

Provider = Callable[[Subject, Condition], Measure]


def measure(subject: Subject, condition: Condition) -> Measure:
    """Return what the condition's metric is for this analysis."""
    provider = PROVIDERS.get(condition.metric)
    if provider is None:
        return Measure(None, f"Nothing measures {condition.about.title.lower()} here yet.", subject.page)
    return provider(subject, condition)


def _findings(subject: Subject, condition: Condition) -> Measure:
    value = subject.count(severity_at_least=condition.severity_at_least, engines=condition.items)
    return _counted(subject, condition, value)


def _new_findings(subject: Subject, condition: Condition) -> Measure:
    if subject.analysis.baseline_id is None and subject.is_first:
        return Measure(
            None,
            "The first analysis of a branch sets what later ones are compared with.",
            subject.page,
            holds=True,
        )
    if subject.analysis.delta is None:
        return Measure(None, "A newer analysis overtook this one, so it was not compared.", subject.page)
    value = subject.count(
        severity_at_least=condition.severity_at_least,
        engines=condition.items,
        new=True,
        by_rules=condition.include_new_rules,
    )
    return _counted(subject, condition, value)


def _counted(subject: Subject, condition: Condition, value: int) -> Measure:
    """Return a count of findings, as a lower bound where an engine that would report some did not end well."""
    absent = [engine for engine in condition.items if not subject.ran(engine)]
    if absent and len(absent) == len(condition.items):
        return Measure(None, f"No such engine ran: {', '.join(absent)}.", subject.page)
    lost = [engine for engine in subject.incomplete(condition.items) if engine not in FACT_ENGINES]
    severity = condition.severity_at_least
    query = f"?{urlencode({'severity': severity})}" if severity == "critical" else ""
    notes = [f"No such engine ran: {', '.join(absent)}."] if absent else []
    if lost:
        notes.append(f"{', '.join(lost)} did not end well, so there may be more.")
    return Measure(value, " ".join(notes), f"{subject.page}findings/{query}", at_least=bool(lost or absent))


def _secrets(subject: Subject, _condition: Condition) -> Measure:
    if not subject.ran("secrets"):
        return Measure(None, "The engine that looks for secrets did not run.", subject.page)
    lost = bool(subject.incomplete(["secrets"]))
    return Measure(
        subject.count(severity_at_least=None, engines=["secrets"]),
        "The engine did not end well, so there may be more." if lost else "",
        f"{subject.page}findings/?engine=secrets",
        at_least=lost,
    )


def _complexity(subject: Subject, condition: Condition) -> Measure:
    known = subject.summary.get("complexity")
    if subject.summary.get("functions") == 0:
        return Measure(None, "There are no functions.", subject.page, holds=True)
    value = known.get(condition.measure or "max") if isinstance(known, dict) else None
    if value is None:
        return Measure(None, "No engine measured functions.", subject.page)
    lost = bool(subject.incomplete(["functions"]))
    detail = "The engine did not end well: some functions may be missing." if lost else ""
    return Measure(float(value), detail, f"{subject.page}files/", at_least=lost)


def _incomplete_engines(subject: Subject, _condition: Condition) -> Measure:
    lost = subject.incomplete()
    return Measure(len(lost), f"Not complete: {', '.join(lost)}." if lost else "", subject.page)


def _bus_factor(subject: Subject, _condition: Condition) -> Measure:
    value = subject.summary.get("bus_factor")
    if value is None:
        return Measure(None, "There is no history to count people in.", subject.page)
    return Measure(float(value), "", subject.page)


PROVIDERS: dict[str, Provider] = {
    "findings": _findings,
    "new_findings": _new_findings,
    "secrets": _secrets,
    "vulnerabilities": vulnerabilities,
    "lock_file_coverage": lock_file_coverage,
    "denied_licences": denied_licences,
    "unknown_licences": unknown_licences,
    "gaps": gaps,
    "complexity": _complexity,
    "incomplete_engines": _incomplete_engines,
    "bus_factor": _bus_factor,
}
