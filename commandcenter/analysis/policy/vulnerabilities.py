"""Measures the known vulnerabilities of an analysis' dependencies, as they are known at this moment."""

from __future__ import annotations

from commandcenter.advisories.lookup import WITHOUT_DATABASE
from commandcenter.analysis.policy.conditions import Condition
from commandcenter.analysis.policy.measures import Measure
from commandcenter.analysis.policy.subject import Subject

NOT_MATCHED_YET = "not matched with advisories yet: judged again when they are"


def vulnerabilities(subject: Subject, condition: Condition) -> Measure:
    """Count distinct problems; unknown where no database, or nothing that could be asked about, can tell.

    Packages that wait for a match or for the database of their ecosystem may have more. Those without a version that
    can be compared cannot be told by anybody: they are named, and lock files are what `lock_file_coverage` asks for.
    """
    page = f"{subject.page}dependencies/?vulnerable=true"
    if not subject.ran("manifests"):
        return Measure(None, "The engine that lists dependencies did not run.", subject.page)
    known = subject.weaknesses
    if not known.asked:
        return Measure(None, WITHOUT_DATABASE, page)
    notes = []
    if known.waiting:
        notes.append(f"{known.waiting} of {known.packages} packages are {NOT_MATCHED_YET}.")
    if known.uncovered:
        notes.append(f"{known.uncovered} are of an ecosystem whose database was not imported.")
    if known.without_answer:
        notes.append(f"{known.without_answer} have no version, or one that no advisory can be compared with.")
    if known.packages and not known.told:
        return Measure(None, " ".join(notes), page, pending=bool(known.waiting))
    count, unrated = known.at_least(condition.severity_at_least)
    if unrated:
        notes.append(f"{unrated} that nobody has rated may count as well.")
    lost = bool(subject.incomplete(["manifests"]))
    if lost:
        notes.append("The engine that lists dependencies did not end well.")
    if known.as_of is not None:
        notes.append(f"Databases as of {known.as_of:%Y-%m-%d}.")
    more = bool(known.waiting or known.uncovered or unrated or lost)
    return Measure(count, " ".join(notes), page, at_least=more, pending=bool(known.waiting))
