"""The catalogue: every type of the contract, each with a schema that its example meets."""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator
from dataclasses import replace
from io import StringIO

import pytest
from django.core.management import call_command
from jsonschema import Draft202012Validator

from commandcenter.accounts.tests.factories import api, make_user
from commandcenter.embedded.processes import CHECKOUT
from commandcenter.events.catalogue import CATALOGUE, InvalidEvent, check, public_types
from commandcenter.events.schemas import VERSIONS
from commandcenter.events.tests.promises import broken, promise, promised

CONTRACT = [
    "analysis.started",
    "analysis.completed",
    "analysis.failed",
    "job.queued",
    "job.completed",
    "job.failed",
    "job.cancelled",
    "export.completed",
    "export.failed",
    "finding.new",
    "finding.fixed",
    "policy.violated",
    "schedule.fired",
    "schedule.missed",
    "schedule.disabled",
    "repository.created",
    "repository.updated",
    "repository.deleted",
    "technology.detected",
    "technology.status_changed",
    "endpoint.disabled",
]


@pytest.mark.parametrize("name", sorted(CATALOGUE))
def test_schema_is_one_and_its_example_meets_it(name: str) -> None:
    each = CATALOGUE[name]
    Draft202012Validator.check_schema(each.schema)
    check(name, each.example)
    assert each.description.endswith(".")


@pytest.mark.parametrize("name", CONTRACT)
def test_every_type_of_the_contract_is_public(name: str) -> None:
    assert CATALOGUE[name].public


@pytest.mark.parametrize("name", sorted(CATALOGUE))
def test_data_without_what_is_required_is_refused(name: str) -> None:
    with pytest.raises(InvalidEvent, match=name):
        check(name, {})


def test_unknown_type_is_refused() -> None:
    with pytest.raises(InvalidEvent, match=r"nothing\.happened"):
        check("nothing.happened", {})


def test_wrong_type_of_a_member_is_told_with_its_place() -> None:
    with pytest.raises(InvalidEvent, match="repository"):
        check("repository.created", {"repository": "3", "name": "x", "source": "y"})


@pytest.mark.django_db
def test_event_types_are_listed_with_schema_and_example() -> None:
    answer = api(make_user()).get("/api/v1/webhooks/event-types").json()
    assert [row["type"] for row in answer["results"]] == [each.name for each in public_types()]
    assert all(row["schema"]["type"] == "object" and row["example"] for row in answer["results"])
    assert all(row["version"] == VERSIONS.get(row["type"], 1) for row in answer["results"])
    assert not any(row["type"].startswith(("token.", "user.", "member.")) for row in answer["results"])


def test_the_page_of_events_is_current() -> None:
    """`make events` writes it."""
    written = StringIO()
    call_command("describe_events", stdout=written)
    assert (CHECKOUT / "docs" / "events.md").read_text(encoding="utf-8") == written.getvalue()
    assert all(f"## {name}\n" in written.getvalue() for name in CONTRACT)


def test_nothing_promised_is_taken_back_without_another_version() -> None:
    kept = promised()
    assert set(CONTRACT) <= kept.keys() <= CATALOGUE.keys(), "no type goes"
    assert [fault for name in kept for fault in broken(kept[name], CATALOGUE[name])] == []


def test_what_is_taken_back_is_seen_and_what_is_added_is_none_of_it() -> None:
    now = CATALOGUE["schedule.fired"]
    without, more = (replace(now, schema=copy.deepcopy(now.schema)) for _ in range(2))
    without.schema["required"].remove("name")
    without.schema["properties"]["schedule"] = {"type": "string"}
    more.schema["properties"]["weather"] = {"type": "string"}
    assert len(list(broken(promise(now), without))) == 2
    assert list(broken(promise(now), replace(without, version=2))) == []
    assert list(broken(promise(replace(now, version=2)), now)) != []
    assert list(broken(promise(now), more)) == []


def _texts() -> Iterator[str]:
    """Yield what the product's code says literally, outside of the catalogue."""
    for package in ("commandcenter", "exports", "jobs", "schedules", "webhooks"):
        for path in (CHECKOUT / package).rglob("*.py"):
            if not {"tests", "migrations", "events"} & set(path.relative_to(CHECKOUT).parts):
                tree = ast.parse(path.read_text(encoding="utf-8"))
                yield from (
                    node.value
                    for node in ast.walk(tree)
                    if isinstance(node, ast.Constant) and isinstance(node.value, str)
                )


def test_every_type_is_said_by_some_code() -> None:
    said = set(_texts())
    assert CATALOGUE.keys() - said == set(), "nothing in the code says these"
