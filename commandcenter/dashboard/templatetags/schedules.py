"""Words the runs of schedules and how schedules fare, and shows moments on the clocks of their zones."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from django import template

from commandcenter.dashboard.looks import FIRING, HEALTH, Look
from commandcenter.dashboard.templatetags.figures import UNKNOWN, duration
from schedules.models import Firing, FiringKind
from schedules.ticking.deciding import MOST_MERGED
from schedules.timing.words import spanned
from schedules.timing.zones import UnknownZone, zone_named

register = template.Library()
SHOWN_LATE = 60  # seconds from which a run is said to have been late


@register.filter
def health_look(status: str) -> Look:
    """Return how a schedule's health looks."""
    return HEALTH[str(status)]


@register.filter
def firing_look(firing: Firing) -> Look:
    """Return how the outcome of a run looks."""
    return FIRING[firing.status]


@register.filter
def clock(moment: datetime | None, zone: str) -> str:
    """Return what the clock of a zone shows at a moment: "2026-12-01 02:30 Europe/Berlin", with seconds if there are."""
    if moment is None:
        return ""
    shown = "%Y-%m-%d %H:%M:%S" if moment.second else "%Y-%m-%d %H:%M"
    try:
        return f"{moment.astimezone(zone_named(zone)):{shown}} {zone}"
    except UnknownZone:
        return f"{moment:{shown}} UTC"


@register.filter
def firing_words(firing: Firing) -> str:
    """Return a run in a line: when it was due, what became of it, why."""
    parts = [f"{firing.scheduled_for:%Y-%m-%d %H:%M} UTC: {firing_look(firing).word.lower()}"]
    if firing.kind != FiringKind.SCHEDULED:
        parts.append(firing.get_kind_display().lower())
    if firing.seconds is not None:
        parts.append(f"took {duration(firing.seconds)}")
    if firing.late_seconds >= SHOWN_LATE:
        parts.append(f"{duration(firing.late_seconds)} late")
    if firing.merged:
        many = firing.merged >= MOST_MERGED
        parts.append(f"for more than {MOST_MERGED:,} runs" if many else f"for {firing.merged + 1:,} runs")
    if firing.detail:
        parts.append(firing.detail)
    return ", ".join(parts)


@register.filter
def lateness(firing: Firing) -> str:
    """Return how late a run was decided; a dash for one that was asked for by hand, which had no time."""
    if firing.kind != FiringKind.SCHEDULED:
        return UNKNOWN
    return duration(firing.late_seconds) if firing.late_seconds >= SHOWN_LATE else "in time"


@register.filter
def why(firing: Firing) -> str:
    """Return what is to be said of a run beside its outcome, mostly nothing."""
    merged = f"It stands for {firing.merged + 1:,} runs that were due." if firing.merged else ""
    return " ".join(part for part in (firing.detail, merged) if part)


@register.filter
def strip_words(firings: Sequence[Firing]) -> str:
    """Return what a strip of runs shows, for who cannot see it: "Last 3 runs: 2 succeeded, 1 failed"."""
    counted = Counter(firing_look(each).word.lower() for each in firings)
    said = ", ".join(f"{count} {word}" for word, count in counted.most_common())
    return f"Last {len(firings)} runs: {said}" if len(firings) > 1 else f"Last run: {said}"


register.filter(spanned)
