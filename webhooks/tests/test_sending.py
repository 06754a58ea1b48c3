"""Deliveries that are due, sent to real receivers: claimed fairly, told apart, tried again, and never lost."""

from __future__ import annotations

import json
import threading
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, connections
from django.db.models import F
from django.db.models.functions import Now
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from standardwebhooks import Webhook, WebhookVerificationError

from commandcenter.analysis.tests.factories import make_project
from commandcenter.core.signing import new_secret
from commandcenter.events.models import Event
from jobs.tests.conftest import messages, purge
from webhooks import hints, tasks
from webhooks.bulk.asking import resend
from webhooks.bulk.chosen import Chosen
from webhooks.models import Attempt, Delivery, Endpoint, EndpointRun
from webhooks.resending import retry, send_test
from webhooks.sending.claim import IN_FLIGHT, allowed_in, claim
from webhooks.sending.drain import drain
from webhooks.sending.lost import recover
from webhooks.sending.recording import record
from webhooks.sending.trust import UnusableCertificate
from webhooks.tests.conftest import COMMITTED
from webhooks.tests.due import SECONDS, due, endpoint_at, expire_leases, make_due, sent, waits
from webhooks.tests.receiver import Receiver, answers, keeps_silent

pytestmark = pytest.mark.django_db


def test_what_is_due_arrives_and_is_written_down(receiver: Receiver) -> None:
    endpoint = endpoint_at(f"{receiver.url}/hook", secret=(secret := new_secret()))
    receiver.plan.append(answers(200, b"thanks", X_Request="r1"))
    (delivery,) = due(endpoint)
    done, more = drain(SECONDS)
    (got,) = receiver.got
    assert (done.succeeded, done.failed, more) == (1, 0, False)
    assert Webhook(secret).verify(got.body, got.headers) == json.loads(got.body)
    assert got.headers["webhook-id"] == str(delivery.message.uid)
    assert got.headers["webhook-sequence"] == "1"
    delivery.refresh_from_db()
    assert (delivery.status, delivery.attempts, delivery.sequence) == ("succeeded", 1, 1)
    assert (delivery.last_status, delivery.last_error, delivery.lease_token) == (200, "", None)
    assert delivery.ended_at is not None
    attempt = Attempt.objects.get()
    assert (attempt.number, attempt.status, attempt.address, attempt.error) == (1, 200, "127.0.0.1", "")
    assert (bytes(attempt.body), attempt.headers["x-request"]) == (b"thanks", "r1")


def test_a_failure_is_tried_again_later_with_the_same_id_and_bytes(receiver: Receiver) -> None:
    endpoint = endpoint_at(receiver.url, secret=(secret := new_secret()))
    receiver.plan.append(answers(500, b"oops"))
    (delivery,) = due(endpoint)
    drain(SECONDS)
    delivery.refresh_from_db()
    assert (delivery.status, delivery.attempts, delivery.last_status) == ("pending", 1, 500)
    assert delivery.last_error == "The receiver answered 500."
    assert 0 < waits(delivery) <= 6
    assert drain(SECONDS)[0].succeeded == 0, "it is not due yet"
    make_due()
    drain(SECONDS)
    delivery.refresh_from_db()
    assert (delivery.status, delivery.attempts, delivery.sequence) == ("succeeded", 2, 1)
    first, second = receiver.got
    assert first.body == second.body
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    for got in (first, second):
        Webhook(secret).verify(got.body, got.headers)
    assert list(Attempt.objects.order_by("number").values_list("number", "status")) == [(1, 500), (2, 204)]


@pytest.mark.parametrize(
    ("answer", "least", "most"),
    [
        (answers(503, Retry_After="3600"), 3500, 3600),
        (answers(500, Retry_After="9999999"), 86_000, 86_400),
        (answers(429), 50, 60),
        (answers(504, Retry_After="1"), 50, 60),
        (answers(500, Retry_After="soon"), 0, 6),
    ],
    ids=["asked", "asked-too-much", "overloaded", "asked-too-little", "nonsense"],
)
def test_a_receiver_is_left_alone_for_as_long_as_it_asks(
    receiver: Receiver, answer: Any, least: int, most: int
) -> None:
    (delivery,) = due(endpoint_at(receiver.url))
    receiver.plan.append(answer)
    drain(SECONDS)
    delivery.refresh_from_db()
    assert least < waits(delivery) <= most


def test_a_receiver_that_does_not_answer_in_time_rests_a_minute(receiver: Receiver) -> None:
    (delivery,) = due(endpoint_at(receiver.url, timeout_seconds=1))
    receiver.plan.append(keeps_silent)
    drain(SECONDS)
    delivery.refresh_from_db()
    assert (delivery.status, delivery.last_status) == ("pending", None)
    assert 50 < waits(delivery) <= 60
    assert Attempt.objects.get().error == "timeout"


def test_after_the_last_attempt_nothing_more_is_sent(receiver: Receiver) -> None:
    (delivery,) = due(endpoint_at(receiver.url))
    Delivery.objects.update(attempts=9)
    receiver.plan.append(answers(500))
    assert drain(SECONDS)[0].exhausted == 1
    delivery.refresh_from_db()
    assert (delivery.status, delivery.attempts) == ("exhausted", 10)
    assert delivery.ended_at is not None


def test_a_receiver_that_is_gone_is_told_nothing_more(receiver: Receiver) -> None:
    endpoint = endpoint_at(receiver.url, ordered=True)
    due(endpoint, 3)
    receiver.plan.append(answers(410))
    assert drain(SECONDS)[0].disabled == [endpoint.pk]
    endpoint.refresh_from_db()
    assert (endpoint.enabled, "410" in endpoint.disabled_reason) == (False, True)
    assert list(endpoint.notices.values_list("kind", flat=True)) == ["disabled"]  # people hear of it
    assert Event.objects.get(type="endpoint.disabled").subject_id == endpoint.pk
    make_due()
    drain(SECONDS)
    assert len(receiver.got) == 1
    assert {each.shown_status for each in Delivery.objects.select_related("endpoint")} == {"held"}


@pytest.mark.parametrize(("answer", "enabled"), [(answers(500), False), (answers(204), True)])
def test_an_endpoint_that_only_fails_for_days_is_disabled(
    receiver: Receiver, answer: Any, enabled: bool
) -> None:
    endpoint = endpoint_at(receiver.url)
    due(endpoint)
    EndpointRun.objects.update(failing_since=Now() - timedelta(days=5))
    receiver.plan.append(answer)
    drain(SECONDS)
    endpoint.refresh_from_db()
    run = EndpointRun.objects.get()
    assert (endpoint.enabled, run.failing_since is None) == (enabled, enabled)


def test_an_endpoint_that_fails_is_asked_by_probes_and_what_waits_costs_no_attempt(
    receiver: Receiver,
) -> None:
    endpoint = endpoint_at(receiver.url)
    due(endpoint, 60)
    receiver.of_path["/"] = answers(500)
    drain(SECONDS)
    tried = Delivery.objects.filter(attempts=1).count()
    assert 10 <= tried < 10 + 2 * IN_FLIGHT
    assert Delivery.objects.filter(attempts=0, status="pending").count() == 60 - tried
    EndpointRun.objects.update(probe_at=Now())
    drain(SECONDS)
    assert len(receiver.got) == tried + 1, "one probe"
    receiver.of_path["/"] = answers(200)
    EndpointRun.objects.update(probe_at=Now())
    make_due()
    drain(SECONDS)
    assert not Delivery.objects.exclude(status="succeeded").exists()
    assert EndpointRun.objects.get().probe_at is None


def test_what_is_sent_by_hand_asks_a_failing_endpoint_at_once(receiver: Receiver) -> None:
    endpoint = endpoint_at(receiver.url)
    waiting = due(endpoint, 30)
    receiver.of_path["/"] = answers(500)
    drain(SECONDS)
    tried = len(receiver.got)
    for number, by_hand in enumerate((
        lambda: send_test(endpoint, by=None),
        lambda: retry(waiting[-1], by=None),
        lambda: resend(Chosen(endpoint.pk, ["succeeded"]), by=None),
    )):  # fmt: skip
        assert EndpointRun.objects.filter(probe_at__gt=Now()).exists()
        by_hand()
        drain(SECONDS)
        assert len(receiver.got) == tried + number + 1, "one probe, which failed"
    assert EndpointRun.objects.get().circuit_probes == 1, "and others wait no longer for that"
    receiver.of_path["/"] = answers(200)
    send_test(endpoint, by=None)
    make_due()
    drain(SECONDS)
    assert not Delivery.objects.exclude(status="succeeded").exists()


def test_a_test_leaves_a_closed_circuit_as_it_is(receiver: Receiver) -> None:
    endpoint = endpoint_at(receiver.url)
    send_test(endpoint, by=None)
    assert EndpointRun.objects.get().probe_at is None


def test_killed_after_a_2xx_and_before_it_is_written_down_it_is_sent_again(receiver: Receiver) -> None:
    (delivery,) = due(endpoint_at(receiver.url))
    ((_, outcome),) = sent()
    assert outcome.status == 204
    drain(SECONDS)
    assert len(receiver.got) == 1, "its lease is still valid"
    expire_leases()
    drain(SECONDS)
    delivery.refresh_from_db()
    assert (delivery.status, delivery.attempts) == ("pending", 1)
    make_due()
    drain(SECONDS)
    delivery.refresh_from_db()
    assert (delivery.status, delivery.attempts) == ("succeeded", 2)
    assert len({got.headers["webhook-id"] for got in receiver.got}) == 1
    assert [each.number for each in Attempt.objects.all()] == [2], "nobody measured the first"


def test_a_delivery_that_kills_whoever_sends_it_comes_to_an_end(receiver: Receiver) -> None:
    (delivery,) = due(endpoint_at(receiver.url))
    for _ in range(10):
        assert len(claim(10)) == 1
        expire_leases()
        assert recover() == 1
        make_due()
    delivery.refresh_from_db()
    assert (delivery.status, delivery.attempts) == ("exhausted", 10)
    assert claim(10) == []


def test_a_result_that_comes_after_its_lease_says_nothing(receiver: Receiver) -> None:
    (delivery,) = due(endpoint_at(receiver.url))
    results = sent()
    expire_leases()
    recover()
    assert record(results).late == 1
    delivery.refresh_from_db()
    assert delivery.status == "pending"
    assert not Attempt.objects.exists()


def test_a_dead_endpoint_takes_its_own_places_and_no_others(receiver: Receiver) -> None:
    project = make_project()
    dead = endpoint_at(f"{receiver.url}/dead", project)
    due(dead, 500)
    Delivery.objects.update(scheduled_for=Now() - timedelta(days=1))
    healthy = [endpoint_at(f"{receiver.url}/{n}", project) for n in range(20)]
    for each in healthy:
        due(each, 2)
    claimed = claim(44)
    taken = Counter(each.endpoint for each in claimed)
    assert taken[dead.pk] == IN_FLIGHT
    assert all(taken[each.pk] == 2 for each in healthy)
    again = Counter(each.endpoint for each in claim(44))
    assert not again, "all that is due is out, and the dead one has its places"


def test_where_there_is_no_room_for_all_each_has_its_turn(receiver: Receiver) -> None:
    project = make_project()
    made = [endpoint_at(f"{receiver.url}/{n}", project) for n in range(6)]
    for each in made:
        due(each, 4)
    turns = [Counter(each.endpoint for each in claim(3)) for _ in range(2)]
    assert all(set(turn.values()) == {1} for turn in turns)
    assert sum(turns, Counter()).keys() == {each.pk for each in made}


def test_ordered_endpoints_that_wait_for_their_first_take_no_turns(receiver: Receiver) -> None:
    """Were all turns of a claim theirs, it would find nothing, and the sender would take that for the end."""
    project = make_project()
    for n in range(3):
        first, _second = due(endpoint_at(f"{receiver.url}/{n}", project, ordered=True), 2)
        Delivery.objects.filter(pk=first.pk).update(scheduled_for=Now() + timedelta(hours=1))
    due(fine := endpoint_at(f"{receiver.url}/fine", project))
    assert [each.endpoint for each in claim(2)] == [fine.pk]


def test_an_ordered_endpoint_is_told_one_thing_after_the_other(receiver: Receiver) -> None:
    endpoint = endpoint_at(receiver.url, ordered=True)
    made = due(endpoint, 4)
    receiver.plan.extend([answers(204), answers(500)])
    drain(SECONDS)
    assert len(receiver.got) == 2, "what follows waits for the one that failed"
    make_due()
    drain(SECONDS)
    uids = [str(each.message.uid) for each in made]
    assert [got.headers["webhook-id"] for got in receiver.got] == [uids[0], uids[1], *uids[1:]]
    assert [got.headers["webhook-sequence"] for got in receiver.got] == ["1", "2", "2", "3", "4"]
    assert receiver.most_at_once == 1


def test_the_numbers_of_an_endpoint_have_no_gap(receiver: Receiver) -> None:
    endpoint = endpoint_at(receiver.url)
    due(endpoint, 23)
    receiver.plan.extend([answers(500)] * 3)
    drain(SECONDS)
    due(endpoint, 5)
    make_due()
    drain(SECONDS)
    numbers = Delivery.objects.order_by("sequence").values_list("sequence", flat=True)
    assert list(numbers) == list(range(1, 29))
    assert receiver.most_at_once <= IN_FLIGHT


def test_a_rate_limit_holds_back_what_is_above_it(receiver: Receiver) -> None:
    due(endpoint_at(receiver.url, rate_limit=60), 10)
    assert 1 <= len(claim(100)) <= 2
    assert claim(100) == []
    EndpointRun.objects.update(not_before=F("not_before") - timedelta(seconds=2))
    assert 1 <= len(claim(100)) <= 2


def test_what_a_rate_limit_holds_back_is_sent_when_it_may_be_and_not_at_the_next_sweep(
    receiver: Receiver, monkeypatch: Any
) -> None:
    monkeypatch.setattr(hints._Hints, "later_at", float("-inf"))
    monkeypatch.setattr(tasks, "SWEEP_SECONDS", 60.0)  # longer than this test, however slow the machine
    purge()
    due(endpoint_at(receiver.url, rate_limit=1), 5)
    tasks.drain_webhooks()
    assert len(receiver.got) == 1
    assert len(messages("webhooks")) == 1
    tasks.drain_webhooks()  # nothing may be sent yet, and who asked does not ask again
    assert messages("webhooks") == []


def test_nobody_waits_for_a_rate_limit_with_nothing_due(receiver: Receiver) -> None:
    endpoint = endpoint_at(receiver.url, rate_limit=1)
    first, later = due(endpoint, 2)
    Delivery.objects.filter(pk=later.pk).update(scheduled_for=Now() + timedelta(minutes=1))
    drain(SECONDS)
    assert [first.pk] == list(Delivery.objects.filter(status="succeeded").values_list("pk", flat=True))
    assert allowed_in(60) is None
    make_due()
    assert allowed_in(60) is not None
    Endpoint.objects.update(enabled=False)
    assert allowed_in(60) is None


def test_a_secret_that_cannot_be_read_keeps_no_other_endpoint_waiting(receiver: Receiver) -> None:
    broken, fine = endpoint_at(f"{receiver.url}/broken"), endpoint_at(f"{receiver.url}/fine")
    due(broken), due(fine)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE webhooks_endpoint SET secret = 'x'::bytea WHERE id = %s", [broken.pk])
    drain(SECONDS)
    assert [got.path for got in receiver.got] == ["/fine"]
    failed = Attempt.objects.get(delivery__endpoint=broken)
    assert (failed.error, failed.status) == ("secret", None)
    run = EndpointRun.objects.get(endpoint=broken)
    assert (run.failing_since, run.circuit_attempts) == (None, 0), "that is not the receiver's fault"


@pytest.mark.parametrize("hours", [1, -1])
def test_the_secret_before_signs_until_its_time_is_over(receiver: Receiver, hours: int) -> None:
    old, new = new_secret(), new_secret()
    until = timezone.now() + timedelta(hours=hours)
    due(endpoint_at(receiver.url, secret=new, previous_secret=old, previous_until=until))
    drain(SECONDS)
    (got,) = receiver.got
    Webhook(new).verify(got.body, got.headers)
    if hours > 0:
        Webhook(old).verify(got.body, got.headers)
    else:
        with pytest.raises(WebhookVerificationError):
            Webhook(old).verify(got.body, got.headers)


def test_an_address_inside_is_not_dialled(receiver: Receiver, settings: Any) -> None:
    settings.OUTBOUND_ALLOW = ()
    due(endpoint_at(receiver.url))
    drain(SECONDS)
    assert Attempt.objects.get().error == "forbidden_address"
    assert receiver.connections == 0


def test_a_disabled_endpoint_is_sent_nothing(receiver: Receiver) -> None:
    due(endpoint_at(receiver.url, enabled=False))
    assert claim(10) == []


def test_the_task_sends_what_is_due(receiver: Receiver) -> None:
    due(endpoint_at(receiver.url), 10)
    tasks.drain_webhooks()
    assert Delivery.objects.filter(status="succeeded").count() == 10


def test_a_batch_costs_as_many_queries_as_one_delivery(receiver: Receiver) -> None:
    project = make_project()

    def queries(number: int) -> int:
        for n in range(number):
            due(endpoint_at(f"{receiver.url}/{n}", project))
        with CaptureQueriesContext(
            connection,
        ) as counted:
            results = sent()
            record(results)
        assert len(results) == number
        return len(counted)

    assert queries(1) == queries(30)


@COMMITTED
def test_two_processes_that_claim_at_once_share_what_is_due(receiver: Receiver) -> None:
    project = make_project()
    made = [endpoint_at(f"{receiver.url}/{n}", project) for n in range(5)]
    for each in made:
        due(each, 30)
    start, found = threading.Barrier(3), []

    def work() -> None:
        try:
            start.wait(10)
            for _ in range(6):
                found.extend(claim(3))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len({each.delivery for each in found}) == len(found)
    by_endpoint = Counter(each.endpoint for each in found)
    assert max(by_endpoint.values()) <= IN_FLIGHT
    for endpoint, number in by_endpoint.items():
        assert sorted(e.sequence for e in found if e.endpoint == endpoint) == list(range(1, number + 1))


def test_without_usable_certificates_nothing_is_claimed(receiver: Receiver, settings: Any) -> None:
    """A delivery that could not be sent for our own fault loses no attempt."""
    (delivery,) = due(endpoint_at(receiver.url))
    settings.WEBHOOK_CLIENT_CERT = "/nowhere/client.pem"
    with pytest.raises(UnusableCertificate, match="CC_WEBHOOK_CLIENT_CERT"):
        drain(SECONDS)
    delivery.refresh_from_db()
    assert (delivery.status, delivery.attempts, receiver.got) == ("pending", 0, [])
