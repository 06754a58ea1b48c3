"""Conditions of a policy are read strictly, and every value at fault is named."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commandcenter.analysis.policy.catalogue import METRICS
from commandcenter.analysis.policy.conditions import MAX_CONDITIONS, InvalidConditions, number, read


def test_the_shorter_form_means_the_same_as_operator_and_value() -> None:
    (short,) = read([{"metric": "findings", "severity_at_least": "critical", "at_most": 0}])
    (long,) = read(
        [{"metric": "findings", "severity_at_least": "critical", "operator": "at_most", "value": 0}]
    )
    assert short == long
    assert short.stored() == {
        "name": "",
        "enabled": True,
        "metric": "findings",
        "operator": "at_most",
        "value": 0,
        "severity_at_least": "critical",
        "engines": [],
    }


@pytest.mark.parametrize("metric", sorted(METRICS))
def test_what_is_stored_reads_as_itself(metric: str) -> None:
    about = METRICS[metric]
    item: dict[str, Any] = {"metric": metric, about.operator: 1, "name": "Mine"}
    if about.items_required:
        item[about.items] = ["GPL-3.0-only"]
    (condition,) = read([item])
    assert read([condition.stored()]) == [condition]


WRONG: list[tuple[Any, str, str]] = [
    ("x", "", "invalid"),
    (["x"], "0", "invalid"),
    ([{}], "0.metric", "required"),
    ([{"metric": "nothing", "at_most": 0}], "0.metric", "unknown"),
    ([{"metric": ["findings"], "at_most": 0}], "0.metric", "unknown"),
    ([{"metric": "findings"}], "0.value", "required"),
    ([{"metric": "findings", "at_most": -1}], "0.at_most", "invalid"),
    ([{"metric": "findings", "at_most": 1.5}], "0.at_most", "invalid"),
    ([{"metric": "findings", "at_most": True}], "0.at_most", "invalid"),
    ([{"metric": "findings", "at_most": "0"}], "0.at_most", "invalid"),
    ([{"metric": "findings", "at_most": float("nan")}], "0.at_most", "invalid"),
    ([{"metric": "findings", "at_most": 10**30}], "0.at_most", "invalid"),
    ([{"metric": "findings", "at_most": 10**400}], "0.at_most", "invalid"),
    ([{"metric": "findings", "at_most": float("inf")}], "0.at_most", "invalid"),
    ([{"metric": "findings", "at_least": 1}], "0.at_least", "invalid_choice"),
    ([{"metric": "findings", "at_most": 0, "value": 1, "operator": "at_most"}], "0.at_most", "invalid"),
    ([{"metric": "findings", "at_most": 0, "severity_at_least": "severe"}], "0.severity_at_least", "invalid_choice"),
    ([{"metric": "findings", "at_most": 0, "severity_at_least": ["low"]}], "0.severity_at_least", "invalid_choice"),
    ([{"metric": "findings", "at_most": 0, "sevrity": "low"}], "0.sevrity", "unknown"),
    ([{"metric": "findings", "at_most": 0, "enabled": "yes"}], "0.enabled", "invalid"),
    ([{"metric": "findings", "at_most": 0, "name": "x" * 101}], "0.name", "invalid"),
    ([{"metric": "findings", "at_most": 0, "engines": ["a", ""]}], "0.engines", "invalid"),
    ([{"metric": "findings", "at_most": 0, "engines": "ruff"}], "0.engines", "invalid"),
    ([{"metric": "secrets", "at_most": 0, "severity_at_least": "low"}], "0.severity_at_least", "unknown"),
    ([{"metric": "lock_file_coverage", "at_least": 1.01}], "0.at_least", "invalid"),
    ([{"metric": "denied_licences", "at_most": 0}], "0.licences", "required"),
    ([{"metric": "complexity", "at_most": 10, "measure": "median"}], "0.measure", "invalid_choice"),
    ([{"metric": "findings", "at_most": 0}] * (MAX_CONDITIONS + 1), "", "too_many"),
]  # fmt: skip


@pytest.mark.parametrize(("given_", "field", "code"), WRONG)
def test_what_cannot_be_meant_is_refused_at_its_place(given_: Any, field: str, code: str) -> None:
    with pytest.raises(InvalidConditions) as refused:
        read(given_)
    assert (field, code) in {(error.field, error.code) for error in refused.value.errors}


def test_every_mistake_is_named_at_once() -> None:
    with pytest.raises(InvalidConditions) as refused:
        read(
            [
                {"metric": "findings", "at_most": 0},
                {"metric": "x"},
                {"metric": "findings", "at_most": -1, "y": 1},
            ]
        )
    assert [error.field for error in refused.value.errors] == ["1.metric", "2.y", "2.at_most"]


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
_FIELDS = [
    "metric", "value", "operator", "at_most", "at_least", "severity_at_least", "engines", "gaps", "licences", "name",
    "enabled", "include_new_rules", "measure",
]  # fmt: skip


@given(
    st.lists(
        _JSON
        | st.fixed_dictionaries(
            {"metric": st.sampled_from(sorted(METRICS))},
            optional={name: _JSON for name in _FIELDS if name != "metric"},
        ),
        max_size=4,
    )
)
def test_any_json_is_read_or_refused(items: list[Any]) -> None:
    try:
        found = read(items)
    except InvalidConditions as error:
        assert all(wrong.message for wrong in error.errors)  # noqa: PT017 (either answer is right)
    else:
        assert read([condition.stored() for condition in found]) == found


@pytest.mark.parametrize(
    ("value", "written"), [(0, "0"), (1_234_567, "1234567"), (2.5, "2.5"), (2 / 3, "0.666667")]
)
def test_numbers_are_written_with_their_digits(value: float, written: str) -> None:
    assert number(value) == written
