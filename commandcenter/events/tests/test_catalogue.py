"""The catalogue: every type of the contract, each with a schema that its example meets."""

from __future__ import annotations

import pytest
from jsonschema import Draft202012Validator

from commandcenter.accounts.tests.factories import api, make_user
from commandcenter.events.catalogue import CATALOGUE, InvalidEvent, check, public_types

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
    assert not any(row["type"].startswith(("token.", "user.", "member.")) for row in answer["results"])
