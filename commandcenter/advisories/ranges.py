"""OSV's evaluation of a range: is this version affected, and what comes next that is not?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from itertools import groupby
from typing import Any

from commandcenter.advisories.versions import UnreadableVersion, same_version, used_key, version_key

Event = Mapping[str, str]
EVERY = "*"  # a limit that limits nothing
START = "0"  # before every version


def affects(
    ecosystem: str, version: str, ranges: Sequence[Sequence[Event]], versions: Sequence[str]
) -> bool | None:
    """Tell whether a version lies in any of the ranges or is named; None when that cannot be told.

    Each range is a list of {introduced | fixed | last_affected | limit: version}, in any order. One range that cannot
    be read leaves the answer open only where nothing else says yes.
    """
    if names(ecosystem, version, versions):
        return True
    if not ranges:
        return False
    try:
        key = used_key(ecosystem, version)
    except UnreadableVersion:
        return None
    open_ = False
    for events in ranges:
        try:
            if _within(ecosystem, key, events):
                return True
        except UnreadableVersion:
            open_ = True
    return None if open_ else False


def names(ecosystem: str, version: str, versions: Sequence[str]) -> bool:
    """Tell whether a list of versions holds this one."""
    if not versions:
        return False
    if version in versions:
        return True
    spelled = same_version(ecosystem, version)
    return any(same_version(ecosystem, listed) == spelled for listed in versions)


def _within(ecosystem: str, key: Any, events: Sequence[Event]) -> bool:
    limits = [event["limit"] for event in events if "limit" in event]
    if limits and not any(limit == EVERY or key < version_key(ecosystem, limit) for limit in limits):
        return False
    begins = any(event.get("introduced") == START for event in events)
    marks = sorted(
        (
            (version_key(ecosystem, at), kind)
            for event in events
            for kind, at in event.items()
            if kind != "limit" and not (kind == "introduced" and at == START)
        ),
        key=lambda mark: mark[0],
    )
    affected = begins
    for at, group in groupby(marks, key=lambda mark: mark[0]):
        if key < at:
            break
        kinds = {kind for _, kind in group}
        if {"introduced", "fixed"} <= kinds:
            pass  # it ends and begins anew at once, or begins and ends at once: both change nothing
        elif "introduced" in kinds:
            affected = True
        elif "fixed" in kinds:
            affected = False
        if "last_affected" in kinds and at < key:
            affected = False
    return affected


def fixes(ecosystem: str, version: str, ranges: Sequence[Sequence[Event]]) -> list[str]:
    """Return the versions after this one in which a range says that it is fixed, the nearest first."""
    try:
        key = used_key(ecosystem, version)
    except UnreadableVersion:
        return []
    found: dict[str, Any] = {}
    for event in (event for events in ranges for event in events if "fixed" in event):
        try:
            at = version_key(ecosystem, event["fixed"])
        except UnreadableVersion:
            continue
        if key < at:
            found[event["fixed"]] = at
    return [text for text, _ in sorted(found.items(), key=lambda item: (item[1], item[0]))]


def as_vers(ecosystem: str, events: Sequence[Event]) -> str:
    """Write a range in the `vers` notation, which is in order, for people and other tools."""
    signs = {"introduced": ">=", "fixed": "<", "last_affected": "<=", "limit": "<"}
    parts = [
        (at, signs[kind])
        for event in events
        for kind, at in event.items()
        if not (kind == "introduced" and at == START) and at != EVERY
    ]
    with suppress(UnreadableVersion):
        parts.sort(key=lambda part: version_key(ecosystem, part[0]))
    return f"vers:{ecosystem}/{'|'.join(f'{sign}{at}' for at, sign in parts) or EVERY}"
