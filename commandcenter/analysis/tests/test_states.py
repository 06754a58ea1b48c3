"""The table of states: it answers every event in every state, and the database takes no state beside it."""

from __future__ import annotations

from itertools import product

from commandcenter.analysis.findings.changes import statements
from commandcenter.analysis.findings.states import TRANSITIONS, UNKNOWN, Event, states, target
from commandcenter.analysis.models import FindingState


def test_every_event_has_an_answer_in_every_state() -> None:
    unknown = {(UNKNOWN, event) for event in (Event.SEEN, Event.SEEN_WHEN_OVERTAKEN)}
    assert set(TRANSITIONS) == set(product(FindingState, Event)) | unknown


def test_only_a_change_of_state_is_recorded_and_age_is_none() -> None:
    for (state, event), step in TRANSITIONS.items():
        assert step.recorded <= (step.to != state)
        if step.to != state and not step.recorded:
            assert event in {Event.SEEN, Event.SEEN_WHEN_OVERTAKEN}
            assert step.to in {FindingState.EXISTING, FindingState.FIXED}


def test_only_an_engine_that_ended_well_closes_anything() -> None:
    closing = {
        event
        for (state, event), step in TRANSITIONS.items()
        if state and step.to == FindingState.FIXED != state
    }
    assert closing == {Event.UNSEEN_BY_OK_ENGINE}


def test_what_an_event_makes_of_states_that_are_treated_alike_is_one_state() -> None:
    assert target(Event.SEEN, recorded=False) == FindingState.EXISTING
    assert target(Event.SEEN, recorded=True) == FindingState.REOPENED
    assert states(Event.SEEN, recorded=True) == [FindingState.FIXED]
    assert set(states(Event.UNSEEN_BY_OK_ENGINE, recorded=True)) == set(FindingState) - {FindingState.FIXED}


def test_statements_are_made_once_for_each_kind_of_run() -> None:
    assert statements(by_file=False) is statements(by_file=False)
    assert "analysis_analysedfile" in statements(by_file=True).open
    assert "analysis_analysedfile" not in statements(by_file=False).open
