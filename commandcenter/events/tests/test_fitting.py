"""Our reading of schemas says the same as a library that knows all of JSON Schema."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from commandcenter.events.catalogue import CATALOGUE
from commandcenter.events.fitting import KEYWORDS, misfits

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-2, 3)
    | st.sampled_from([0.5, 1.0, -1.0, float("inf"), float("nan"), "", "high", "x"])
)
VALUES = (
    SCALARS
    | st.lists(SCALARS, max_size=2)
    | st.dictionaries(st.sampled_from(["a", "b", "code"]), SCALARS, max_size=2)
)


def schemas_in(schema: dict[str, Any]) -> list[dict[str, Any]]:
    """Return a schema and those within it."""
    inner = [*schema.get("properties", {}).values()]
    inner += [schema[key] for key in ("items", "additionalProperties") if key in schema]
    return [schema, *(found for each in inner for found in schemas_in(each))]


@st.composite
def nearly_fitting(draw: st.DrawFn) -> tuple[dict[str, Any], Any]:
    """Return a schema of the catalogue, and its example with one member removed, added or replaced at some depth."""
    each = CATALOGUE[draw(st.sampled_from(sorted(CATALOGUE)))]
    return each.schema, _changed(draw, each.example)


def _changed(draw: st.DrawFn, value: Any) -> Any:
    if isinstance(value, dict) and value and draw(st.booleans()):
        name = draw(st.sampled_from(sorted(value)))
        rest = {other: member for other, member in value.items() if other != name}
        return rest if draw(st.booleans()) else {**rest, name: _changed(draw, value[name])}
    if isinstance(value, list) and value and draw(st.booleans()):
        return [*value[1:], _changed(draw, value[0])]
    return draw(VALUES)


@settings(deadline=None)
@given(nearly_fitting())
def test_verdict_is_that_of_the_library(case: tuple[dict[str, Any], Any]) -> None:
    schema, value = case
    assert (next(misfits(schema, value), None) is None) == Draft202012Validator(schema).is_valid(value)


@settings(deadline=None)
@given(
    st.fixed_dictionaries(
        {},
        optional={
            "type": st.sampled_from(
                ["object", "array", "string", "boolean", "null", "integer", ["integer", "null"]]
            ),
            "enum": st.just(["high", "x"]),
            "minimum": st.integers(-1, 2),
            "items": st.just({"type": "integer", "minimum": 1}),
            "required": st.just(["a"]),
            "properties": st.just({"a": {"type": "string"}}),
            "additionalProperties": st.just({"type": "integer", "minimum": 0}),
        },
    ),
    VALUES,
)
def test_every_keyword_is_read_as_the_library_reads_it(schema: dict[str, Any], value: Any) -> None:
    assert (next(misfits(schema, value), None) is None) == Draft202012Validator(schema).is_valid(value)


@pytest.mark.parametrize("name", sorted(CATALOGUE))
def test_the_catalogue_uses_only_what_is_checked(name: str) -> None:
    for schema in schemas_in(CATALOGUE[name].schema):
        assert schema.keys() <= KEYWORDS


def test_every_misfit_is_told_with_its_place() -> None:
    schema = {
        "type": "object",
        "properties": {"a": {"type": "array", "items": {"type": "integer"}}},
        "required": ["b"],
    }
    assert list(misfits(schema, {"a": [1, "x"]})) == [
        "data: 'b' is missing",
        "a/1: 'x' is not of type integer",
    ]


def test_publishing_loads_no_library_for_schemas() -> None:
    code = "import sys, commandcenter.events.catalogue; print('jsonschema' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "False"
