"""Which types of event an endpoint asks for: a name, `analysis.*`, `*.failed`, or `*`."""

from __future__ import annotations

from collections.abc import Collection, Iterator

MOST = 50  # patterns of an endpoint


def matches(pattern: str, event_type: str) -> bool:
    """Tell whether a type is asked for; a `*` stands for one whole part on its side of the dot."""
    if pattern in {"*", event_type}:
        return True
    subject, _, what = pattern.partition(".")
    of, _, happened = event_type.partition(".")
    return (subject == "*" and what == happened) or (what == "*" and subject == of)


def matches_any(patterns: Collection[str], event_type: str) -> bool:
    """Tell whether one of the patterns asks for the type."""
    return any(matches(pattern, event_type) for pattern in patterns)


def faults(patterns: object, known: Collection[str]) -> Iterator[str]:
    """Yield what is wrong with a list of patterns; each must ask for a type that there is."""
    if not isinstance(patterns, list) or not patterns:
        yield 'Give a list of event types, such as ["analysis.*"]; "*" asks for all.'
        return
    if len(patterns) > MOST:
        yield f"Give at most {MOST} patterns."
        return
    for pattern in patterns:
        if not isinstance(pattern, str) or not any(matches(pattern, each) for each in known):
            yield f"{str(pattern)[:60]!r} asks for no type of event that there is; see /webhooks/event-types."
