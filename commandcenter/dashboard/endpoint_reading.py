"""Reads what people fill in for an endpoint of webhooks, and fills the form from a stored one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from commandcenter.dashboard.event_choices import offered
from commandcenter.dashboard.filters import as_key
from commandcenter.inventory.models import Project, Repository
from webhooks import headers
from webhooks.deciding.conditions import MOST
from webhooks.exceptions import InvalidEndpoint
from webhooks.models import Endpoint


def initial_of(endpoint: Endpoint) -> dict[str, Any]:
    """Return what the form shows of a stored endpoint: of its headers the names, with masks."""
    known = {value for value, _label in offered()}
    conditions = endpoint.conditions
    return {
        "project": endpoint.project_id,
        "url": endpoint.url,
        "description": endpoint.description,
        "events": [each for each in endpoint.events if each in known],
        "patterns": ", ".join(each for each in endpoint.events if each not in known),
        "min_severity": conditions.get("min_severity") or "",
        "repository_tags": ", ".join(conditions.get("repository_tags") or ()),
        "repositories": ", ".join(_names(endpoint.project_id, conditions.get("repositories") or ())),
        "headers": "\n".join(
            f"{name}: {mask}" for name, mask in headers.masked(endpoint.header_names).items()
        ),
        "rate_limit": endpoint.rate_limit,
        "ordered": endpoint.ordered,
        "timeout_seconds": endpoint.timeout_seconds,
    }


def patterns_of(chosen: Iterable[str], others: str) -> list[str]:
    """Return the chosen patterns and those that were typed."""
    return list(dict.fromkeys([*chosen, *_parts(others)]))


def headers_of(text: str) -> dict[str, str]:
    """Return the headers that are written one a line. Raises InvalidEndpoint."""
    found: dict[str, str] = {}
    for line in filter(None, map(str.strip, text.splitlines())):
        name, colon, value = line.partition(":")
        name = name.strip()
        if not colon:
            raise _wrong("headers", f"{name[:60]!r} has no colon: write Name: value, one a line.")
        if name.lower() in map(str.lower, found):
            raise _wrong("headers", f"The header {name[:60]} is there twice.")
        found[name] = value.strip()
    return found


def conditions_of(given: Mapping[str, str], project: Project) -> dict[str, Any]:
    """Return the conditions that the form states. Raises InvalidEndpoint."""
    found: dict[str, Any] = {}
    if given["min_severity"]:
        found["min_severity"] = given["min_severity"]
    if tags := _parts(given["repository_tags"]):
        found["repository_tags"] = _few("repository_tags", tags)
    if names := _parts(given["repositories"]):
        found["repositories"] = _keys(project, _few("repositories", names))
    return found


def _keys(project: Project, names: list[str]) -> list[int]:
    """Return the repositories of these names; one that is gone is written as #7, and stays."""
    gone = {name: key for name in names if name[:1] == "#" and (key := as_key(name[1:])) is not None}
    rows = Repository.objects.filter(project=project, name__in=set(names) - gone.keys())
    found = dict(rows.values_list("name", "pk")) | gone
    if missing := [name for name in names if name not in found]:
        raise _wrong("repositories", f"{project.name} has no repository named {missing[0][:100]!r}.")
    return list(dict.fromkeys(found[name] for name in names))


def _names(project: int, keys: Iterable[int]) -> list[str]:
    keys = list(keys)
    found = dict(Repository.objects.filter(project=project, pk__in=keys).values_list("pk", "name"))
    return [found.get(key, f"#{key}") for key in keys]


def _few(field: str, values: list[str]) -> list[str]:
    if len(values) > MOST:
        raise _wrong(field, f"Give at most {MOST}.")
    return values


def _parts(text: str) -> list[str]:
    return list(dict.fromkeys(part for each in text.replace("\n", ",").split(",") if (part := each.strip())))


def _wrong(field: str, message: str) -> InvalidEndpoint:
    return InvalidEndpoint([{"field": field, "code": "invalid", "message": message}])
