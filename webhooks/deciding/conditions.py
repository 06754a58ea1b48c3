"""What an endpoint further asks of an event: {min_severity, repository_tags, repositories}."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

SEVERITIES = ("info", "low", "medium", "high", "critical")
MOST = 100  # tags or repositories
MAX_ID = 2**63 - 1
KNOWN = ("min_severity", "repositories", "repository_tags")


def fulfils(
    conditions: Mapping[str, Any], data: Mapping[str, Any], tags_of: Callable[[int], Collection[str]]
) -> bool:
    """Tell whether the data of an event fulfils all conditions.

    One that an event says nothing about does not keep it away: severity for a job, a repository for an endpoint.
    """
    least = conditions.get("min_severity")
    if least is not None and not _severe(data, SEVERITIES.index(least)):
        return False
    repository = data.get("repository")
    if not isinstance(repository, int):
        return True
    wanted = conditions.get("repositories")
    if wanted and repository not in wanted:
        return False
    tags = conditions.get("repository_tags")
    return not tags or not set(tags).isdisjoint(tags_of(repository))


def _severe(data: Mapping[str, Any], least: int) -> bool:
    severity, counts = data.get("severity"), data.get("by_severity")
    if isinstance(severity, str) and severity in SEVERITIES:
        return SEVERITIES.index(severity) >= least
    if isinstance(counts, Mapping):
        return any(counts.get(each) for each in SEVERITIES[least:])
    return True


def faults(conditions: object) -> Iterator[str]:
    """Yield what is wrong with conditions."""
    if not isinstance(conditions, dict):
        yield "Give an object."
        return
    for name in sorted(map(str, conditions.keys() - set(KNOWN))):
        yield f"There is no condition {name[:60]!r}; there are {', '.join(KNOWN)}."
    least = conditions.get("min_severity")
    if least is not None and least not in SEVERITIES:
        yield f"min_severity is one of {', '.join(SEVERITIES)}."
    yield from _list_faults("repository_tags", conditions.get("repository_tags"), _is_tag, "printable texts")
    yield from _list_faults("repositories", conditions.get("repositories"), _is_id, "ids of repositories")


def _is_tag(each: object) -> bool:
    return isinstance(each, str) and each.isprintable()


def _is_id(each: object) -> bool:
    return isinstance(each, int) and not isinstance(each, bool) and 0 < each <= MAX_ID


def _list_faults(name: str, value: object, fits: Callable[[object], bool], what: str) -> Iterator[str]:
    if value is None:
        return
    if not isinstance(value, list) or not all(map(fits, value)):
        yield f"{name} is a list of {what}."
    elif len(value) > MOST:
        yield f"{name} has at most {MOST} entries."
