"""The calendar drawn on the server: a lane for each schedule, every place in percent of the range."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from commandcenter.dashboard.calendar_span import Span
from schedules.models import Schedule
from schedules.planned import Past, Planned, joined
from schedules.ticking.deciding import Period
from schedules.timing.collisions import Collision
from schedules.timing.notes import notes_of
from schedules.timing.occurrences import Occurrence
from schedules.timing.timeline import Band, Run
from schedules.timing.words import described, period
from schedules.timing.zones import zone_named

NAMED = 31  # marks of a lane that have a name each; more share one
LISTED = 8  # runs of a lane that the table lists
MOST_COLLISIONS, MOST_CLOSED = 50, 20  # that are drawn and listed
NO_ZONE = "Its time zone is not known any more; give it another one."
THINNEST = 0.4  # percent, so that it is seen


@dataclass(frozen=True, slots=True)
class Mark:
    """A moment, or a stretch of some width, with what a pointer over it reads; both in percent."""

    x: float
    width: float
    title: str
    tone: str = ""


@dataclass(frozen=True, slots=True)
class Drawn:
    """A lane: the schedule, what is drawn, and the same in words."""

    schedule: Schedule
    timing: str
    past: list[Mark]
    runs: list[Mark]
    bands: list[Mark]
    closed: list[Mark]
    planned_words: list[str]
    past_words: str
    more: int


def lanes(schedules: Sequence[Schedule], planned: Planned, span: Span) -> list[Drawn]:
    """Return what schedules/_picture.html draws of each schedule."""
    return [_drawn(each, planned, span) for each in schedules]


def crowds(found: Sequence[Collision], schedules: Sequence[Schedule], span: Span) -> list[dict[str, Any]]:
    """Return the first collisions as marks, with the schedules that take part."""
    names = {each.pk: each for each in schedules}
    return [
        {
            "mark": _stretch(
                span, each.begin, each.end, f"{span.between(each.begin, each.end)}: {each.most} runs at once"
            ),
            "when": span.between(each.begin, each.end),
            "most": each.most,
            "schedules": [names[key] for key in each.ids],
        }
        for each in found[:MOST_COLLISIONS]
    ]


def quiet(found: Iterable[tuple[datetime, datetime]], span: Span) -> list[Mark]:
    """Return the longest stretches without any start."""
    return [
        _stretch(span, begin, end, f"{span.between(begin, end)} ({_length(begin, end)})")
        for begin, end in found
    ]


def _drawn(schedule: Schedule, planned: Planned, span: Span) -> Drawn:
    lane = planned.lane(schedule.pk)
    past = planned.past.get(schedule.pk, [])
    closed = planned.closed[schedule.pk][:MOST_CLOSED]
    runs = [(run, "") for run in lane.runs] + [(run, "skipped") for run in lane.skipped]
    runs.sort(key=lambda each: each[0].due)
    named = len(runs) <= NAMED
    bands = [_band(span, band) for band in lane.bands]
    words = [NO_ZONE] if schedule.pk in planned.zoneless else [band.title for band in bands]
    words += [_run_words(span, run, tone, schedule) for run, tone in runs[:LISTED]]
    more = len(bands) + len(runs) - LISTED
    return Drawn(
        schedule,
        described(schedule.timing),
        [_past(span, each) for each in _fewer(past)],
        [
            Mark(span.share(run.due), 0, _run_words(span, run, tone, schedule) if named else "", tone)
            for run, tone in runs
        ],
        bands,
        [_stretch(span, each.starts_at, each.ends_at, _closed_words(span, each)) for each in closed],
        words[:LISTED],
        _past_words(past, cut=schedule.pk in planned.cut),
        max(0, more),
    )


def _run_words(span: Span, run: Run, tone: str, schedule: Schedule) -> str:
    said = f"{span.said(run.due)}, skipped by a blackout" if tone else span.said(run.due)
    local = run.scheduled_for.astimezone(zone_named(schedule.timezone))
    notes = notes_of(Occurrence(run.scheduled_for, local, run.note))
    return f"{said} ({' '.join(notes)})" if notes else said


def _band(span: Span, band: Band) -> Mark:
    often = f"every {period(band.every)}" if band.every else "many runs"
    return _stretch(span, band.begin, band.end, f"{span.between(band.begin, band.end)}, {often}")


def _past(span: Span, past: Past) -> Mark:
    if past.runs == 1:
        when, what = span.said(past.begin), _outcome(past)
    else:
        when, what = (
            span.between(past.begin, past.end),
            f"{past.runs} runs: {_outcome(past)}",
        )
    tone = _tone(past)
    if past.begin == past.end:
        return Mark(span.share(past.begin), 0, f"{when}, {what}", tone)
    return _stretch(span, past.begin, past.end, f"{when}, {what}", tone)


def _tone(past: Past) -> str:
    return "failed" if past.failed else "open" if past.open else "unrun" if past.unrun else "ran"


def _fewer(past: Sequence[Past]) -> list[Past]:
    """Join neighbours that look the same where there are more than have room."""
    if len(past) <= NAMED:
        return list(past)
    pause = 2 * max(each.end - each.begin for each in past)
    found: list[Past] = []
    for each in past:
        if found and _tone(found[-1]) == _tone(each) and each.begin - found[-1].end <= pause:
            found[-1] = joined([found[-1], each])
        else:
            found.append(each)
    return found


def _outcome(past: Past) -> str:
    ran = past.runs - past.failed - past.unrun - past.open
    parts = (
        (ran, "succeeded"),
        (past.failed, "failed"),
        (past.unrun, "did not run"),
        (past.open, "not ended"),
    )
    if past.runs == 1:
        return next(word for count, word in parts if count)
    return ", ".join(f"{count} {word}" for count, word in parts if count)


def _past_words(past: Sequence[Past], *, cut: bool) -> str:
    if not past:
        return ""
    whole = joined(past)
    said = _outcome(whole) if whole.runs > 1 else f"1 {_outcome(whole)}"
    return f"{said} (the last {whole.runs:,} runs)" if cut else said


def _closed_words(span: Span, period: Period) -> str:
    begin, end = max(span.begin, period.starts_at), min(span.end, period.ends_at)
    said = f"Blackout {span.between(begin, end)}"
    return f"{said}: {period.reason}" if period.reason else said


def _stretch(span: Span, begin: datetime, end: datetime, title: str, tone: str = "") -> Mark:
    x = span.share(begin)
    return Mark(x, round(max(THINNEST, span.share(end) - x), 2), title, tone)


def _length(begin: datetime, end: datetime) -> str:
    hours, rest = divmod(round((end - begin).total_seconds() / 60), 60)
    return f"{hours} h {rest} min" if rest else f"{hours} h"
