"""The description of the API says what each operation answers with, errors included, and its examples are right."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from drf_spectacular.generators import SchemaGenerator
from jsonschema import Draft202012Validator

from commandcenter.core.problems import body
from commandcenter.core.schema import PROBLEM

WEBHOOKS = "/api/v1/webhooks/"


@pytest.fixture(scope="module")
def schema() -> Any:
    return SchemaGenerator().get_schema(request=None, public=True)


def operations(schema: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    for path, methods in schema["paths"].items():
        if path.startswith(prefix):
            yield from ((f"{method} {path}", operation) for method, operation in methods.items())


def contents(operation: Any) -> Iterator[Any]:
    """Yield what the body and the answers hold as JSON; problems are not among it."""
    for part in (operation.get("requestBody", {}), *operation["responses"].values()):
        yield from (
            content for kind, content in part.get("content", {}).items() if kind == "application/json"
        )


def examples(content: Any) -> list[Any]:
    return [each["value"] for each in content.get("examples", {}).values()]


def test_paths_have_no_trailing_slash(schema: Any) -> None:
    assert "/api/v1/projects" in schema["paths"]
    assert "/api/v1/jobs/{id}/events" in schema["paths"]
    assert not [path for path in schema["paths"] if path.endswith("/")]


def test_each_operation_names_the_errors_that_it_may_answer_with(schema: Any) -> None:
    found = {name: {each for each in said["responses"] if each >= "4"} for name, said in operations(schema)}
    assert found["get /api/v1/jobs/{id}"] == {"400", "401", "403", "404", "429"}
    assert found["patch /api/v1/webhooks/endpoints/{id}"] >= {"400", "409", "412", "413", "415"}
    assert found["post /api/v1/webhooks/github/{repository}"] == {"400", "401", "409", "413", "415", "429"}
    assert all("429" in errors for errors in found.values())


def test_a_problem_is_what_the_description_says(schema: Any) -> None:
    validator = Draft202012Validator(PROBLEM)
    validator.validate(body(404, "not_found", "There is nothing."))
    assert set(PROBLEM["properties"]) == set(body(404, "not_found", "There is nothing."))
    for answer in schema["components"]["responses"].values():
        (content,) = answer["content"].values()
        validator.validate(content["example"])


def test_bodies_and_answers_of_webhooks_have_examples_that_fit(schema: Any) -> None:
    bare, wrong = [], []
    for name, operation in operations(schema, WEBHOOKS):
        for content in contents(operation):
            given = examples(content)
            bare += [name] * (not given)
            validator = Draft202012Validator({**content["schema"], "components": schema["components"]})
            wrong += [f"{name}: {error.message}" for each in given for error in validator.iter_errors(each)]
    assert (bare, wrong) == ([], [])
