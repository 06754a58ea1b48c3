"""What an endpoint may ask for, as the form offers it: whole subjects, single types, and patterns of one's own."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby

from commandcenter.events.catalogue import EventType, public_types
from webhooks.deciding.patterns import matches_any

ALL = "*"


@dataclass(frozen=True, slots=True)
class Subject:
    """The types of events about one kind of thing."""

    name: str
    types: list[EventType]

    @property
    def pattern(self) -> str:
        """What asks for all of them, those of later releases among them."""
        return f"{self.name}.*"

    @property
    def patterns(self) -> list[str]:
        """All that can be checked of it."""
        return [self.pattern, *(each.name for each in self.types)]


def subjects() -> list[Subject]:
    """Return the catalogue as webhooks are told it, by subject."""
    by_subject = groupby(public_types(), lambda each: each.name.partition(".")[0])
    return [Subject(name, list(types)) for name, types in by_subject]


def offered() -> list[tuple[str, str]]:
    """Return the patterns that the form offers as choices, with their labels."""
    choices = [(ALL, "All events, those of later releases among them")]
    for subject in subjects():
        choices.append((subject.pattern, f"Everything about {subject.name.replace('_', ' ')}"))
        choices += [(each.name, each.name) for each in subject.types]
    return choices


def asked_for(patterns: Iterable[str]) -> list[EventType]:
    """Return the types that these patterns ask for today."""
    patterns = list(patterns)
    return [each for each in public_types() if matches_any(patterns, each.name)]
