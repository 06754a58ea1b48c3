"""What happens to a delivery while it is in flight: its endpoint, project or message go, change, or the database is slow."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, connections, transaction
from django.db.models.functions import Now
from standardwebhooks import Webhook, WebhookVerificationError

from commandcenter.analysis.tests.factories import make_project
from commandcenter.inventory.flows.projects import delete_project
from webhooks.keeping import change_endpoint, delete_endpoint, disable, enable, rotate_secret
from webhooks.models import Attempt, Delivery, Endpoint, EndpointRun, Message
from webhooks.retention import prune
from webhooks.sending.drain import drain
from webhooks.sending.lost import recover
from webhooks.sending.recording import Recorded, record, record_apart
from webhooks.tasks import prune_messages
from webhooks.tests.conftest import COMMITTED
from webhooks.tests.due import SECONDS, due, endpoint_at, make_due, sent
from webhooks.tests.receiver import Receiver, answers

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "answer", [answers(204), answers(500), answers(410)], ids=["taken", "failed", "gone"]
)
@pytest.mark.parametrize(
    "remove",
    [
        lambda endpoint: delete_endpoint(endpoint, by=None),
        lambda endpoint: delete_project(endpoint.project, by=None),
        lambda endpoint: Message.objects.all().delete(),
    ],
    ids=["endpoint", "project", "message"],
)
def test_what_comes_home_to_something_that_is_gone_says_nothing(
    receiver: Receiver, answer: Any, remove: Callable[[Endpoint], object]
) -> None:
    gone, stays = endpoint_at(f"{receiver.url}/gone"), endpoint_at(f"{receiver.url}/stays")
    receiver.of_path["/gone"] = answer
    due(gone)
    results = sent()
    remove(gone)
    due(stays)
    results += sent()
    done = record(results)
    assert (done.late, done.succeeded, done.failed, done.disabled) == (1, 1, 0, [])
    assert Delivery.objects.get().status == "succeeded"
    assert Attempt.objects.get().delivery.endpoint == stays


@pytest.mark.parametrize(
    ("answer", "status"), [(answers(204), "succeeded"), (answers(500), "held")], ids=["taken", "failed"]
)
def test_a_delivery_of_an_endpoint_that_is_disabled_meanwhile_is_written_down(
    receiver: Receiver, answer: Any, status: str
) -> None:
    endpoint = endpoint_at(receiver.url)
    due(endpoint)
    receiver.plan.append(answer)
    results = sent()
    disable(endpoint, by=None, reason="Not now.")
    record(results)
    assert Delivery.objects.get().shown_status == status
    make_due()
    drain(SECONDS)
    assert len(receiver.got) == 1, "nothing more is sent"
    enable(endpoint, by=None)
    drain(SECONDS)
    assert Delivery.objects.get().status == "succeeded"


def test_an_endpoint_that_moves_meanwhile_is_tried_at_its_new_address_under_its_new_secret(
    receiver: Receiver,
) -> None:
    endpoint = endpoint_at(f"{receiver.url}/old")
    due(endpoint)
    receiver.plan.append(answers(500))
    results = sent()
    change_endpoint(endpoint, {"url": f"{receiver.url}/new"}, by=None)
    secret = rotate_secret(endpoint, by=None, overlap_hours=0)
    record(results)
    make_due()
    drain(SECONDS)
    old, new = receiver.got
    assert (old.path, new.path) == ("/old", "/new")
    Webhook(secret).verify(new.body, new.headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(old.body, old.headers)
    assert old.headers["webhook-id"] == new.headers["webhook-id"]


def test_an_old_message_stays_while_it_is_in_flight(receiver: Receiver) -> None:
    due(endpoint_at(receiver.url))
    Message.objects.update(created_at=Now() - timedelta(days=365))
    results = sent()
    assert prune() == 0
    assert record(results).succeeded == 1
    assert prune() == 1
    assert not Delivery.objects.exists()


def test_a_lease_that_ends_long_after_any_lease_ends_now(receiver: Receiver) -> None:
    """As after a clock that ran ahead, or in a copy that was made then."""
    due(endpoint_at(receiver.url), 2)
    assert len(sent()) == 2
    ordinary = Delivery.objects.order_by("pk")[0]
    Delivery.objects.exclude(pk=ordinary.pk).update(lease_expires_at=Now() + timedelta(days=400))
    assert recover() == 1
    make_due()
    drain(SECONDS)
    assert set(Delivery.objects.values_list("status", flat=True)) == {"leased", "succeeded"}


def test_what_a_clock_that_ran_ahead_put_off_is_sent_within_the_hour(receiver: Receiver) -> None:
    """A circuit, a rate limit and a retry wait at most for as long as they ever do; those that do so are left alone."""
    project = make_project()
    put_off = {
        "circuit": {"probe_at": Now() + timedelta(days=9)},
        "rate": {"not_before": Now() + timedelta(days=9)},
        "resting": {"probe_at": Now() + timedelta(minutes=10), "not_before": Now() + timedelta(minutes=4)},
        "retry": {},
        "tomorrow": {},
    }
    for name, values in put_off.items():
        endpoint = endpoint_at(f"{receiver.url}/{name}", project)
        due(endpoint)
        EndpointRun.objects.filter(pk=endpoint.pk).update(**values, served_at=None)
    of = Delivery.objects.filter
    of(endpoint__url__endswith="/retry").update(scheduled_for=Now() + timedelta(days=9))
    of(endpoint__url__endswith="/tomorrow").update(scheduled_for=Now() + timedelta(hours=28))
    drain(SECONDS)
    assert receiver.got == []
    prune_messages()
    assert EndpointRun.objects.get(endpoint__url__endswith="/rate").probe_at is None, "its circuit is closed"
    drain(SECONDS)
    assert sorted(got.path for got in receiver.got) == ["/circuit", "/rate", "/retry"]


def test_a_slow_database_sends_nothing_twice(receiver: Receiver) -> None:
    for n in range(6):
        due(endpoint_at(f"{receiver.url}/{n}"), 10)
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN PERFORM pg_sleep(0.1); RETURN NULL; END $$"
        )
        for table in ("webhooks_attempt", "webhooks_delivery", "webhooks_endpointrun"):
            cursor.execute(f"CREATE TRIGGER slow AFTER INSERT OR UPDATE ON {table} EXECUTE FUNCTION slow()")
    done, _more = drain(SECONDS)
    assert (done.succeeded, done.failed, done.late) == (60, 0, 0)
    assert len(receiver.got) == 60
    assert len({(got.path, got.headers["webhook-id"]) for got in receiver.got}) == 60


def waiting() -> int:
    """Return how many sessions wait for a lock."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_clear_snapshot()")
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        return int(cursor.fetchone()[0])


@COMMITTED
def test_an_endpoint_is_deleted_while_its_results_are_written(receiver: Receiver) -> None:
    """Both lock what is of the endpoint in one order: neither is the victim of a deadlock."""
    endpoint = endpoint_at(receiver.url)
    due(endpoint, 3)
    results = sent()
    done: list[Recorded] = []
    failures: list[BaseException] = []

    def run(work: Callable[[], object]) -> threading.Thread:
        def guarded() -> None:
            try:
                work()
            except BaseException as error:  # noqa: BLE001
                failures.append(error)
            finally:
                connections.close_all()

        thread = threading.Thread(target=guarded)
        thread.start()
        return thread

    with transaction.atomic():
        EndpointRun.objects.select_for_update().get(pk=endpoint.pk)
        threads = [run(lambda: done.append(record(results)))]
        while waiting() < 1:
            pass
        threads.append(run(lambda: delete_endpoint(endpoint, by=None)))
        while waiting() < 2:
            pass
    for thread in threads:
        thread.join(30)
    assert failures == []
    assert done[0].succeeded == 3
    assert not Endpoint.objects.exists()
    assert not Delivery.objects.exists()


def test_an_answer_that_the_database_does_not_take_keeps_no_other_from_being_written(
    receiver: Receiver,
) -> None:
    """What of it can be kept is kept: that it was taken, so that it is not sent again."""
    for n in range(3):
        due(endpoint_at(f"{receiver.url}/{n}"), 4)
    receiver.of_path["/1"] = answers(200, b"thanks", X_Request="r1")
    results = sent()
    odd, outcome = next((leased, outcome) for leased, outcome in results if outcome.status == 200)
    outcome.headers = {"x-odd": "\x00"}
    done = record_apart(results)
    assert (done.succeeded, done.failed, done.late) == (12, 0, 0)
    assert set(Delivery.objects.values_list("status", flat=True)) == {"succeeded"}
    kept = Attempt.objects.get(delivery=odd.delivery)
    assert (kept.status, kept.error, kept.headers, bytes(kept.body)) == (200, "", {}, b"")
    assert "could not be kept" in kept.detail
    assert Attempt.objects.filter(body=b"thanks").count() == 3
