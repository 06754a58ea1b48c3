"""Deliveries over HTTP: found by filters, shown with their attempts, sent again and given up."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from commandcenter.accounts.tests.factories import api
from jobs.tests.factories import make_project, make_user
from webhooks.keeping import disable
from webhooks.models import Attempt, Delivery
from webhooks.tests.factories import make_delivery, make_endpoint

pytestmark = pytest.mark.django_db

URL = "/api/v1/webhooks/deliveries"


@pytest.fixture
def operator() -> Any:
    return make_user()


@pytest.fixture
def project(operator: Any) -> Any:
    return make_project(operator=operator)


@pytest.fixture
def client(operator: Any) -> Any:
    return api(operator)


def ended(endpoint: Any, status: str, **values: Any) -> Delivery:
    return make_delivery(endpoint, status=status, ended_at=timezone.now(), **values)


def ids(client: Any, query: str) -> list[int]:
    answer = client.get(f"{URL}?{query}")
    assert answer.status_code == 200, answer.content
    return [each["id"] for each in answer.json()["results"]]


def test_deliveries_are_found_by_endpoint_event_type_and_status(project: Any, client: Any) -> None:
    one, two = make_endpoint(project), make_endpoint(project)
    waits, done, held = make_delivery(one), ended(one, "succeeded"), make_delivery(two)
    disable(two, by=None)
    assert ids(client, "") == [held.pk, done.pk, waits.pk]
    assert ids(client, f"project={project.pk}&endpoint={one.pk}") == [done.pk, waits.pk]
    assert ids(client, f"event={done.message_id}") == [done.pk]
    assert ids(client, "type=repository.created&type=job.failed&limit=1") == [held.pk]
    assert ids(client, "type=job.failed") == []
    assert ids(client, "status=pending") == [waits.pk]
    assert ids(client, "status=held") == [held.pk]
    assert ids(client, "status=held&status=pending&status=succeeded") == [held.pk, done.pk, waits.pk]
    assert client.get(f"{URL}/{held.pk}").json()["status"] == "held"
    for query in (
        "status=lost",
        "type=token.created",
        "endpoint=x",
        "event=0",
        "cursor=x",
        "since=x",
        "until=y",
    ):
        assert client.get(f"{URL}?{query}").status_code == 400, query


def test_a_delivery_is_shown_with_what_is_sent_and_its_attempts(project: Any, client: Any) -> None:
    delivery = make_delivery(make_endpoint(project), attempts=2, sequence=1, last_status=503)
    for number, answer in ((1, b""), (2, b"sorry \xff")):
        Attempt.objects.create(
            delivery=delivery,
            number=number,
            started_at=timezone.now(),
            duration_ms=12,
            address="8.8.8.8",
            status=503 if answer else None,
            body=answer,
            error="" if answer else "timeout",
        )
    shown = client.get(f"{URL}/{delivery.pk}").json()
    assert (shown["event"], shown["sequence"], shown["last_status"]) == (delivery.message_id, 1, 503)
    assert shown["webhook_id"] == str(delivery.message.uid)
    assert shown["payload"]["type"] == shown["type"] == "repository.created"
    assert shown["attempts_made"] == 2
    attempts = [(each["number"], each["status"], each["body"], each["error"]) for each in shown["attempts"]]
    assert attempts == [(2, 503, "sorry \ufffd", None), (1, None, "", "timeout")]
    (row,) = client.get(URL).json()["results"]
    assert row["attempts"] == 2
    assert "payload" not in row


def test_whatever_became_of_it_it_is_sent_again_with_the_same_id(project: Any, client: Any) -> None:
    endpoint = make_endpoint(project)
    for status in ("succeeded", "exhausted", "cancelled"):
        delivery = ended(endpoint, status, attempts=3, sequence=4)
        answer = client.post(f"{URL}/{delivery.pk}/retry")
        assert answer.status_code == 202, answer.content
        assert (answer.json()["status"], answer.json()["ended_at"]) == ("pending", None)
        after = Delivery.objects.get(pk=delivery.pk)
        assert (after.message_id, after.attempts, after.sequence) == (delivery.message_id, 3, 4)
        assert after.scheduled_for > delivery.scheduled_for


def test_what_is_in_flight_or_for_a_disabled_endpoint_is_not_sent_again(project: Any, client: Any) -> None:
    endpoint = make_endpoint(project)
    flying = make_delivery(
        endpoint, status="leased", lease_token=uuid.uuid4(), lease_expires_at=timezone.now()
    )
    for path in ("retry", "cancel"):
        answer = client.post(f"{URL}/{flying.pk}/{path}")
        assert (answer.status_code, answer.json()["code"]) == (409, "in_flight")
    held = make_delivery(endpoint)
    disable(endpoint, by=None)
    answer = client.post(f"{URL}/{held.pk}/retry")
    assert (answer.status_code, answer.json()["code"]) == (409, "endpoint_disabled")


def test_what_was_tried_without_end_is_not_sent_again(project: Any, client: Any) -> None:
    """Attempts are numbered in a small column: one past its end would keep all others from being written down."""
    delivery = ended(make_endpoint(project), "exhausted", attempts=10_000)
    answer = client.post(f"{URL}/{delivery.pk}/retry")
    assert (answer.status_code, answer.json()["code"]) == (409, "too_many_attempts")
    assert Delivery.objects.get().status == "exhausted"


def test_one_that_waits_is_given_up(project: Any, client: Any) -> None:
    delivery = make_delivery(make_endpoint(project))
    shown = client.post(f"{URL}/{delivery.pk}/cancel").json()
    assert (shown["status"], shown["scheduled_for"]) == ("cancelled", None)
    assert shown["ended_at"] is not None
    assert client.post(f"{URL}/{delivery.pk}/cancel").status_code == 409


def test_pages_follow_one_another_and_cost_the_same_for_many(project: Any, client: Any) -> None:
    endpoint = make_endpoint(project)
    made = [make_delivery(endpoint).pk for _ in range(3)]

    def queries(query: str) -> int:
        with CaptureQueriesContext(connection) as asked:
            ids(client, query)
        return len(asked)

    ids(client, "limit=1")
    assert queries("limit=1") == queries("limit=3&status=pending")
    first = client.get(f"{URL}?limit=2").json()
    second = client.get(first["next"]).json()
    assert [each["id"] for each in first["results"] + second["results"]] == made[::-1]
    assert second["next"] is None
    assert client.get(second["previous"]).json()["results"] == first["results"]


def test_a_time_bounds_what_is_shown(project: Any, client: Any) -> None:
    endpoint, now = make_endpoint(project), timezone.now()
    old, middle, new = (
        make_delivery(endpoint, created_at=now - timedelta(hours=hours)).pk for hours in (9, 5, 0)
    )

    def ago(hours: int) -> str:
        return (now - timedelta(hours=hours)).strftime("%Y-%m-%dT%H:%M:%SZ")

    assert ids(client, f"since={ago(6)}") == [new, middle]
    assert ids(client, f"until={ago(4)}") == [middle, old]
    assert ids(client, f"since={ago(6)}&until={ago(4)}&endpoint={endpoint.pk}") == [middle]
    assert ids(client, f"until={ago(10)}") == ids(client, f"since={ago(-1)}") == []
    assert ids(client, "since=0001-01-01T00:00:00Z&until=9999-12-31T23:59:59Z") == [new, middle, old]


def test_the_latest_of_many_endpoints_are_those_of_all_together(
    project: Any, client: Any, operator: Any
) -> None:
    more = make_project(operator=operator)
    endpoints = [
        make_endpoint(project),
        make_endpoint(more),
        make_endpoint(make_project()),
        make_endpoint(more),
    ]
    made = [make_delivery(endpoints[number % 4]).pk for number in range(12)]
    seen = [pk for number, pk in enumerate(made) if number % 4 != 2][::-1]
    first = client.get(f"{URL}?limit=4").json()
    second = client.get(first["next"]).json()
    assert [each["id"] for each in first["results"] + second["results"]] == seen[:8]
    assert client.get(second["previous"]).json()["results"] == first["results"]
    assert ids(api(make_user(staff=True)), "limit=12") == made[::-1]
    assert (
        ids(api(make_user(staff=True)), f"status=pending&project={more.pk}")
        == [pk for number, pk in enumerate(made) if number % 2][::-1]
    )
