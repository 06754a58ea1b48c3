"""The life of a finding as one table: what each event makes of each state, and which changes are put on record.

`commandcenter.analysis.findings.lifecycle` builds its statements from this table and is the only writer of `Finding.state`.
What people decide (suppress, reopen, assign) is no state: it lasts whatever the code does, until it is taken back or
expires, so that a suppressed finding that is fixed and comes back is suppressed again.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from commandcenter.analysis.models import FindingState


class Event(StrEnum):
    """What one analysis says about one finding of its line."""

    SEEN = "seen"
    UNSEEN_BY_OK_ENGINE = "unseen_by_ok_engine"
    UNSEEN_BY_FAILED_ENGINE = (
        "unseen_by_failed_engine"  # failed, missing, not planned, lost files, or could not read this one
    )
    SEEN_WHEN_OVERTAKEN = "seen_when_overtaken"  # by an analysis that ended after a newer one
    UNSEEN_WHEN_OVERTAKEN = "unseen_when_overtaken"


class Step(NamedTuple):
    """Where an event leads. What is recorded leaves a FindingTransition."""

    to: FindingState
    recorded: bool


UNKNOWN = ""  # the state of a finding that the line has never seen
_NEW, _EXISTING, _REOPENED, _FIXED = (
    FindingState.NEW,
    FindingState.EXISTING,
    FindingState.REOPENED,
    FindingState.FIXED,
)

TRANSITIONS: dict[tuple[str, Event], Step] = {
    (UNKNOWN, Event.SEEN): Step(_NEW, recorded=True),
    (_NEW, Event.SEEN): Step(_EXISTING, recorded=False),  # it is older, which is no change
    (_EXISTING, Event.SEEN): Step(_EXISTING, recorded=False),
    (_REOPENED, Event.SEEN): Step(_EXISTING, recorded=False),
    (_FIXED, Event.SEEN): Step(_REOPENED, recorded=True),
    (_NEW, Event.UNSEEN_BY_OK_ENGINE): Step(_FIXED, recorded=True),
    (_EXISTING, Event.UNSEEN_BY_OK_ENGINE): Step(_FIXED, recorded=True),
    (_REOPENED, Event.UNSEEN_BY_OK_ENGINE): Step(_FIXED, recorded=True),
    (_FIXED, Event.UNSEEN_BY_OK_ENGINE): Step(_FIXED, recorded=False),
    (UNKNOWN, Event.SEEN_WHEN_OVERTAKEN): Step(_FIXED, recorded=False),  # a newer analysis does not see it
    **{
        (state, event): Step(state, recorded=False)
        for event in (
            Event.UNSEEN_BY_FAILED_ENGINE,
            Event.SEEN_WHEN_OVERTAKEN,
            Event.UNSEEN_WHEN_OVERTAKEN,
        )
        for state in FindingState
    },
}
# On the first analysis of a branch: what is open on the default branch is no news here.
KNOWN_ELSEWHERE = Step(_EXISTING, recorded=False)


def states(event: Event, *, recorded: bool) -> list[str]:
    """Return the known states in which the event is put on record, or in which it is not."""
    return [state.value for state in FindingState if TRANSITIONS[state, event].recorded is recorded]


def target(event: Event, *, recorded: bool) -> str:
    """Return the one state to which the event leads from those states."""
    (to,) = {
        TRANSITIONS[state, event].to
        for state in FindingState
        if TRANSITIONS[state, event].recorded is recorded
    }
    return to.value
