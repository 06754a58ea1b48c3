"""Gives states and severities their colour, icon and word."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django import template

from commandcenter.dashboard.looks import SEVERITY, STATUS, Look

register = template.Library()


@register.filter
def status_look(status: str) -> Look:
    """Return the look of a status; an unknown one shows its own word."""
    return STATUS.get(str(status), Look("", "dot", str(status).replace("_", " ").capitalize()))


@register.filter
def status_word(status: str) -> str:
    """Return the word of a status."""
    return status_look(status).word


@register.filter
def severity_look(severity: str) -> Look:
    """Return the look of a severity by its name."""
    return SEVERITY.get(str(severity), Look("", "dot", str(severity)))


@register.filter
def state_tone(status: str) -> str:
    """Return the colour class of a state."""
    return status_look(status).tone


@register.filter
def absent(engines: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return the reports of engines that did not end well: what they would have found is unknown."""
    return [engine for engine in engines if engine["status"] not in {"ok", "skipped"}]


@register.filter
def unread(engines: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return the reports of engines that ended well but for files that they could not read in full."""
    return [engine for engine in engines if engine["status"] == "ok" and engine.get("failures")]
