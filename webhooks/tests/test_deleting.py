"""The end of endpoints while something is sent to them: neither waits for the other in a circle."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest
from django.db import connection, connections, transaction

from commandcenter.core.tests.locks import WAITING
from webhooks.keeping import delete_endpoint
from webhooks.models import Delivery, Endpoint, EndpointRun
from webhooks.retention import end_of_project
from webhooks.tests.conftest import COMMITTED
from webhooks.tests.factories import make_delivery, make_endpoint

pytestmark = COMMITTED


def is_waited_for() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(WAITING)
        return bool(cursor.fetchone()[0])


def by_itself(endpoint: Endpoint) -> None:
    delete_endpoint(endpoint, by=None)


def with_its_project(endpoint: Endpoint) -> None:
    with transaction.atomic():
        end_of_project(endpoint.project_id)


@pytest.mark.parametrize("remove", [by_itself, with_its_project])
def test_a_deletion_waits_for_results_that_are_being_written(remove: Callable[[Endpoint], None]) -> None:
    """Recording has the run first and its deliveries then; whoever deletes must come the same way."""
    endpoint = make_endpoint()
    delivery = make_delivery(endpoint)

    def work() -> None:
        try:
            remove(endpoint)
        finally:
            connections.close_all()

    deletion = threading.Thread(target=work)
    with transaction.atomic():
        EndpointRun.objects.select_for_update(no_key=True).get(pk=endpoint.pk)
        deletion.start()
        until = time.monotonic() + 10
        while not is_waited_for():
            assert time.monotonic() < until
        Delivery.objects.select_for_update(no_key=True, nowait=True).get(pk=delivery.pk)
    deletion.join(10)
    assert not Endpoint.objects.exists()
    assert not Delivery.objects.exists()
