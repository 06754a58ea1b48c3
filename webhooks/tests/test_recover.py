"""Many deliveries sent again over the API: chosen by a filter, in steps that nothing repeats, or called off."""

from __future__ import annotations

import json
import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection, connections, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from commandcenter.accounts.tests.factories import api
from commandcenter.events.models import Event
from commandcenter.inventory.models import Repository
from jobs.tests.factories import make_project, make_user
from webhooks import fanout
from webhooks.bulk import chosen, missed, stepping
from webhooks.bulk.stepping import step, work
from webhooks.keeping import disable, enable
from webhooks.models import Delivery, Endpoint, EndpointRun, Message, Resending
from webhooks.retention import forget_resendings
from webhooks.sending import lost
from webhooks.sending.claim import claim
from webhooks.sending.letter import Outcome
from webhooks.sending.recording import record
from webhooks.tests.conftest import COMMITTED
from webhooks.tests.due import waits
from webhooks.tests.factories import make_delivery, make_endpoint, make_event

pytestmark = pytest.mark.django_db

ENDPOINTS = "/api/v1/webhooks/endpoints"
RETRY = "/api/v1/webhooks/deliveries/retry"
RESENDINGS = "/api/v1/webhooks/resendings"
EXAMPLE_JOB = {"job": 1, "job_type": "analysis", "status": "failed"}
SECONDS = 20.0  # far more than any of these takes


@pytest.fixture
def operator() -> Any:
    return make_user()


@pytest.fixture
def project(operator: Any) -> Any:
    return make_project(operator=operator)


@pytest.fixture
def client(operator: Any) -> Any:
    return api(operator)


def moment(**ago: float) -> str:
    return (timezone.now() - timedelta(**ago)).astimezone(UTC).isoformat()


def ended(endpoint: Endpoint, status: str = "exhausted", **values: Any) -> Delivery:
    return make_delivery(endpoint, status=status, ended_at=timezone.now(), **values)


def recover(client: Any, endpoint: Endpoint, since: str) -> Any:
    answer = client.post(f"{ENDPOINTS}/{endpoint.pk}/recover", {"since": since})
    assert answer.status_code == 202, answer.content
    return answer.json()


def resend(client: Any, endpoint: Endpoint, **body: Any) -> Any:
    answer = client.post(RETRY, {"endpoint": endpoint.pk, **body})
    assert answer.status_code in (200, 202), answer.content
    return answer.json()


def shown(client: Any, resending: Any) -> Any:
    return client.get(f"{RESENDINGS}/{resending['id']}").json()


def pending() -> list[int]:
    return list(Delivery.objects.filter(status="pending").order_by("pk").values_list("message_id", flat=True))


def test_what_did_not_succeed_since_then_is_sent_again_with_the_same_ids(
    project: Any, client: Any, operator: Any
) -> None:
    endpoint = make_endpoint(project)
    old = ended(endpoint, created_at=timezone.now() - timedelta(hours=3))
    failed = [ended(endpoint, attempts=10, sequence=number) for number in (1, 2)]
    ended(endpoint, "succeeded")
    ended(endpoint, "cancelled")
    ended(make_endpoint(make_project(operator=operator)))
    asked = recover(client, endpoint, moment(hours=2))
    assert (asked["state"], asked["kind"], asked["ended_at"]) == ("waiting", "recovery", None)
    assert work(SECONDS) is False
    assert pending() == [each.message_id for each in failed]
    after = shown(client, asked)
    assert (after["state"], after["sent"], after["made"]) == ("completed", 2, 0)
    assert after["started_at"] is not None
    assert after["ended_at"] is not None
    (again, _) = Delivery.objects.filter(status="pending").order_by("pk")
    assert (again.attempts, again.sequence, again.ended_at) == (10, 1, None)
    assert Delivery.objects.get(pk=old.pk).status == "exhausted"


def test_what_waits_for_its_next_attempt_goes_at_once_though_the_circuit_is_open(
    project: Any, client: Any
) -> None:
    endpoint = make_endpoint(project)
    now = timezone.now()
    waiting = make_delivery(endpoint, attempts=4, scheduled_for=now + timedelta(hours=2))
    EndpointRun.objects.filter(endpoint=endpoint).update(
        failing_since=now - timedelta(hours=1), circuit_opened_at=now, probe_at=now + timedelta(minutes=8)
    )
    assert claim(1) == []
    recover(client, endpoint, moment(hours=2))
    work(SECONDS)
    (leased,) = claim(1)
    assert leased.delivery == waiting.pk
    assert not leased.probe
    assert EndpointRun.objects.get().failing_since is not None


def test_what_was_tried_without_end_stays_as_it_is(project: Any, client: Any) -> None:
    endpoint = make_endpoint(project)
    tired, fresh = ended(endpoint, attempts=10_000), ended(endpoint, attempts=9_999)
    assert resend(client, endpoint, dry_run=True) == {"deliveries": 1, "more": False}
    resend(client, endpoint)
    work(SECONDS)
    assert pending() == [fresh.message_id]
    assert Delivery.objects.get(pk=tired.pk).status == "exhausted"


def test_what_is_sent_again_has_all_its_attempts_before_it(project: Any, client: Any) -> None:
    endpoint = make_endpoint(project)
    delivery = ended(endpoint, attempts=10)
    resend(client, endpoint)
    work(SECONDS)

    def fail() -> Delivery:
        (leased,) = claim(1)
        record([(leased, Outcome(datetime.now(UTC), error="refused"))])
        return Delivery.objects.get(pk=delivery.pk)

    after = fail()
    assert (after.status, after.attempts) == ("pending", 11)
    assert waits(after) <= 6, "the first of the delays"
    assert client.post(f"/api/v1/webhooks/deliveries/{delivery.pk}/retry").status_code == 202
    assert waits(fail()) <= 6


def test_what_is_lost_after_it_was_sent_again_is_not_over(project: Any, client: Any) -> None:
    delivery = ended(make_endpoint(project), attempts=10)
    resend(client, delivery.endpoint)
    work(SECONDS)
    claim(1)
    Delivery.objects.update(lease_expires_at=timezone.now() - timedelta(seconds=1))
    assert lost.recover() == 1
    after = Delivery.objects.get(pk=delivery.pk)
    assert (after.status, after.attempts) == ("pending", 11)


def test_what_is_in_flight_is_left_alone_and_what_ended_meanwhile_too(project: Any, client: Any) -> None:
    endpoint = make_endpoint(project)
    flying, later = make_delivery(endpoint), ended(endpoint)
    asked = resend(client, endpoint, status=["pending", "exhausted"])
    (leased,) = claim(1)
    Delivery.objects.filter(pk=later.pk).update(status="cancelled")
    work(SECONDS)
    assert shown(client, asked)["sent"] == 0
    record([(leased, Outcome(datetime.now(UTC), status=204))])
    assert Delivery.objects.get(pk=flying.pk).status == "succeeded"


@COMMITTED
def test_one_that_another_process_works_at_is_left_to_it(project: Any, client: Any) -> None:
    endpoint = make_endpoint(project)
    ended(endpoint)
    asked = resend(client, endpoint)
    taken: list[bool] = []

    def elsewhere() -> None:
        taken.append(work(SECONDS))
        connections.close_all()

    with transaction.atomic():
        Resending.objects.select_for_update().get(pk=asked["id"])
        other = threading.Thread(target=elsewhere)
        other.start()
        other.join(SECONDS)
        assert taken == [False]
        assert Delivery.objects.get(endpoint=endpoint).status == "exhausted"
    work(SECONDS)
    assert Delivery.objects.get(endpoint=endpoint).status == "pending"


def test_events_that_it_was_not_told_follow_in_their_order(project: Any, client: Any) -> None:
    make_event(project)  # hours before
    Event.objects.update(created_at=timezone.now() - timedelta(hours=3))
    told, *missing = [make_event(project) for _ in range(4)]
    make_event(project, "job.failed", **EXAMPLE_JOB)
    make_event(make_project())
    endpoint = make_endpoint(project, events=["repository.*"])
    fanout.address(told, [endpoint.pk])
    asked = recover(client, endpoint, moment(hours=2))
    later = make_event(project)  # the relay tells it
    work(SECONDS)
    assert shown(client, asked)["made"] == 3
    assert pending() == [each.pk for each in [told, *missing]]
    assert not Message.objects.filter(pk=later.pk).exists()
    message = Message.objects.get(pk=missing[0].pk)
    assert message.uid == missing[0].uid
    assert json.loads(bytes(message.body)) == json.loads(fanout.body_of(missing[0]))
    fanout.on_events([missing[0]])  # comes late: it has its delivery
    assert len(pending()) == 4


def test_conditions_decide_about_what_was_missed_as_about_all_else(project: Any, client: Any) -> None:
    ours = Repository.objects.create(
        project=project, name="a", source="https://git.example.com/a", tags=["core"]
    )
    theirs = Repository.objects.create(
        project=project, name="b", source="https://git.example.com/b", tags=["old"]
    )
    wanted = make_event(project, repository=ours.pk)
    make_event(project, repository=theirs.pk)
    endpoint = make_endpoint(project, conditions={"repository_tags": ["core"]})
    recover(client, endpoint, moment(hours=1))
    work(SECONDS)
    assert pending() == [wanted.pk]


def test_steps_go_on_where_the_last_one_ended(project: Any, client: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(chosen, "STEP", 2)
    monkeypatch.setattr(missed, "STEP", 2)
    endpoint = make_endpoint(project)
    [ended(endpoint) for _ in range(5)]
    [make_event(project) for _ in range(3)]
    asked = recover(client, endpoint, moment(hours=1))
    taken = [step(asked["id"])]
    assert shown(client, asked)["sent"] == 2
    assert shown(client, asked)["state"] == "running"
    while taken[-1]:
        taken.append(step(asked["id"]))
    after = shown(client, asked)
    assert (after["state"], after["sent"]) == ("completed", 5)
    assert len(pending()) == len(set(pending())) == 5 + after["made"]
    assert after["made"] >= 3
    assert step(asked["id"]) is False


def test_a_step_that_fails_leaves_nothing_and_is_tried_again(
    project: Any, client: Any, monkeypatch: Any
) -> None:
    endpoint, other = make_endpoint(project), make_endpoint(project)
    for each in (endpoint, other):
        ended(each)
    broken = recover(client, endpoint, moment(hours=1))
    [ended(other) for _ in range(3)]
    monkeypatch.setattr(chosen, "STEP", 1)
    sound = resend(client, other)

    def refuse(*_: Any) -> bool:
        raise RuntimeError("The database\nis full.")

    with monkeypatch.context() as patched:
        patched.setattr(missed, "tell_some", refuse)
        assert work(SECONDS) is False
        assert shown(client, sound)["state"] == "completed"
        after = shown(client, broken)
        assert (after["state"], after["sent"], after["error"]) == ("waiting", 0, "The database")
        assert Resending.objects.get(pk=broken["id"]).failures == 1  # however many steps the other took
        assert Delivery.objects.get(endpoint=endpoint).status == "exhausted"
    work(SECONDS)
    assert (shown(client, broken)["state"], shown(client, broken)["sent"]) == ("completed", 1)
    hopeless = recover(client, endpoint, moment(hours=1))
    monkeypatch.setattr(missed, "tell_some", refuse)
    for _ in range(stepping.MOST_FAILURES):
        work(SECONDS)
    after = shown(client, hopeless)
    assert (after["state"], after["error"]) == ("failed", "The database")
    assert after["ended_at"] is not None


def test_a_filter_says_what_is_sent_again_and_a_dry_run_how_much(project: Any, client: Any) -> None:
    endpoint = make_endpoint(project)
    old = ended(endpoint, "succeeded", created_at=timezone.now() - timedelta(hours=3))
    new = ended(endpoint, "succeeded")
    other = ended(endpoint, "succeeded", type="job.failed")
    waits = make_delivery(endpoint, scheduled_for=timezone.now() + timedelta(hours=9))
    ended(endpoint)
    for body, wanted in (
        ({}, 1),
        ({"status": ["succeeded", "exhausted"]}, 4),
        ({"status": ["succeeded"], "since": moment(hours=1)}, 2),
        ({"status": ["succeeded"], "until": moment(hours=1)}, 1),
        ({"status": ["succeeded"], "type": ["job.failed"]}, 1),
        ({"status": ["pending"]}, 1),
        ({"status": ["cancelled"]}, 0),
    ):
        assert resend(client, endpoint, dry_run=True, **body) == {"deliveries": wanted, "more": False}, body
    assert not Resending.objects.exists()
    resend(client, endpoint, status=["succeeded"], until=moment(hours=1))
    resend(
        client,
        endpoint,
        status=["succeeded", "pending"],
        type=["job.failed", "repository.created"],
        since=moment(hours=1),
    )
    work(SECONDS)
    again = Delivery.objects.filter(status="pending", scheduled_for__lte=timezone.now())
    assert set(again.values_list("pk", flat=True)) == {old.pk, new.pk, other.pk, waits.pk}


def test_counting_looks_at_so_many_and_says_that_there_are_more(
    project: Any, client: Any, monkeypatch: Any
) -> None:
    monkeypatch.setattr(chosen, "MOST_COUNTED", 2)
    endpoint = make_endpoint(project)
    [ended(endpoint) for _ in range(2)]
    assert resend(client, endpoint, dry_run=True) == {"deliveries": 2, "more": False}
    ended(endpoint)
    assert resend(client, endpoint, dry_run=True)["more"] is True


def test_what_is_under_way_is_called_off(project: Any, client: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(chosen, "STEP", 1)
    endpoint = make_endpoint(project)
    [ended(endpoint) for _ in range(3)]
    asked = resend(client, endpoint)
    step(asked["id"])
    cancelled = client.post(f"{RESENDINGS}/{asked['id']}/cancel").json()
    assert (cancelled["state"], cancelled["sent"]) == ("cancelled", 1)
    assert step(asked["id"]) is False
    assert len(pending()) == 1
    assert client.post(f"{RESENDINGS}/{asked['id']}/cancel").status_code == 409


def test_an_endpoint_has_only_so_many_under_way_and_none_while_disabled(project: Any, client: Any) -> None:
    endpoint = make_endpoint(project)
    for _ in range(5):
        resend(client, endpoint)
    answer = client.post(f"{ENDPOINTS}/{endpoint.pk}/recover", {"since": moment(hours=1)})
    assert (answer.status_code, answer.json()["code"]) == (409, "too_many")
    work(SECONDS)
    disable(endpoint, by=None)
    for path, body in (
        (f"{ENDPOINTS}/{endpoint.pk}/recover", {"since": moment(hours=1)}),
        (RETRY, {"endpoint": endpoint.pk}),
    ):
        answer = client.post(path, body)
        assert (answer.status_code, answer.json()["code"]) == (409, "endpoint_disabled")
    enable(endpoint, by=None)
    resend(client, endpoint)


def test_times_and_filters_that_cannot_be_are_refused(project: Any, client: Any, settings: Any) -> None:
    settings.WEBHOOK_RETENTION_DAYS = 30
    endpoint = make_endpoint(project)
    body: dict[str, Any]
    for body in ({}, {"since": "soon"}, {"since": moment(hours=-1)}, {"since": moment(days=30)},
                 {"since": moment(hours=1), "until": moment(hours=0)}):  # fmt: skip
        answer = client.post(f"{ENDPOINTS}/{endpoint.pk}/recover", body)
        assert (answer.status_code, answer["Content-Type"]) == (400, "application/problem+json"), body
    for body in ({"endpoint": 2**62}, {"endpoint": "x"}, {"status": ["leased"]}, {"status": []}, {"status": "held"},
                 {"type": ["token.created"]}, {"since": "0001-01-01T00:00:00Z"}, {"endpoints": [1]}, {"dry_run": 3},
                 {"since": moment(hours=1), "until": moment(hours=2)}):  # fmt: skip
        answer = client.post(RETRY, {"endpoint": endpoint.pk, **body})
        assert answer.status_code == 400, body
    assert client.post(RETRY, []).status_code == 400
    assert recover(client, endpoint, moment(days=28))["state"] == "waiting"


def test_operators_may_and_others_do_not_see_it(project: Any, client: Any) -> None:
    endpoint = make_endpoint(project)
    viewer = make_user()
    project.memberships.create(user=viewer, role="viewer")
    asked = resend(client, endpoint)
    since = {"since": moment(hours=1)}
    reads, stranger = api(viewer), api(make_user())
    assert reads.get(f"{RESENDINGS}?endpoint={endpoint.pk}&state=waiting").json()["results"] == [asked]
    assert stranger.get(RESENDINGS).json()["results"] == []
    for one, expected in ((reads, 403), (stranger, 404)):
        assert one.post(f"{ENDPOINTS}/{endpoint.pk}/recover", since).status_code == expected
        assert one.post(f"{RESENDINGS}/{asked['id']}/cancel").status_code == expected
    assert reads.post(RETRY, {"endpoint": endpoint.pk}).status_code == 403
    assert stranger.post(RETRY, {"endpoint": endpoint.pk}).status_code == 400


def test_a_repeated_request_asks_once(project: Any, client: Any) -> None:
    endpoint = make_endpoint(project)
    since, key = {"since": moment(hours=1)}, {"headers": {"Idempotency-Key": "again"}}
    first = client.post(f"{ENDPOINTS}/{endpoint.pk}/recover", since, **key)
    second = client.post(f"{ENDPOINTS}/{endpoint.pk}/recover", since, **key)
    assert first.json() == second.json()
    assert Resending.objects.count() == 1


def test_the_audit_trail_says_who_asked_for_what(project: Any, client: Any, operator: Any) -> None:
    endpoint = make_endpoint(project)
    one = recover(client, endpoint, moment(hours=1))
    resend(client, endpoint, status=["succeeded"])
    client.post(f"{RESENDINGS}/{one['id']}/cancel")
    events = Event.objects.filter(subject_kind="endpoint", subject_id=endpoint.pk).order_by("pk")
    told = [(each.type, each.actor_id) for each in events[1:]]
    assert told == [
        ("endpoint.recovered", operator.pk),
        ("endpoint.resent", operator.pk),
        ("endpoint.resending_cancelled", operator.pk),
    ]
    (recovered, resent) = (each.after or {} for each in events[1:3])
    assert recovered["resending"] == one["id"]
    assert resent["statuses"] == ["succeeded"]


def test_what_is_long_over_is_forgotten(project: Any, client: Any, settings: Any) -> None:
    endpoint = make_endpoint(project)
    resend(client, endpoint)
    work(SECONDS)
    going_on = resend(client, endpoint)
    Resending.objects.update(created_at=timezone.now() - timedelta(days=settings.WEBHOOK_RETENTION_DAYS + 1))
    assert forget_resendings() == 1
    assert Resending.objects.get().pk == going_on["id"]


def test_a_step_takes_the_same_queries_for_many(project: Any, client: Any) -> None:
    endpoint = make_endpoint(project)

    def queries(number: int) -> int:
        [make_event(project) for _ in range(number)]
        [ended(endpoint) for _ in range(number)]
        asked = recover(client, endpoint, moment(hours=1))
        with CaptureQueriesContext(connection) as counted:
            step(asked["id"])
        return len(counted)

    first = queries(1)
    assert queries(8) == first
    assert first < 15


def test_lists_take_the_same_queries_for_many(project: Any, client: Any) -> None:
    endpoint = make_endpoint(project)

    def queries() -> int:
        resend(client, endpoint)
        with CaptureQueriesContext(connection) as counted:
            assert client.get(RESENDINGS).status_code == 200
        return len(counted)

    assert queries() == queries()
