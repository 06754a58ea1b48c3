"""A policy that is removed while an analysis is judged by it: neither the one nor the other fails."""

from __future__ import annotations

import threading
import time

import pytest
from django.db import connection, transaction

from commandcenter.analysis.models import Policy, PolicyVerdict
from commandcenter.analysis.policy import flows
from commandcenter.analysis.tests.conftest import COMMITTED
from commandcenter.analysis.tests.factories import analyse, finding, make_repository, messages
from commandcenter.core.tests.locks import WAITING

pytestmark = COMMITTED


def test_whoever_removes_a_policy_waits_for_the_analyses_that_end_by_it() -> None:
    repository = make_repository()
    policy = flows.create_policy(
        by=None, project=repository.project, name="Gate", conditions=[{"metric": "findings", "at_most": 0}]
    )
    wrong: list[BaseException] = []

    def remove() -> None:
        try:
            flows.delete_policy(policy, by=None)
        except BaseException as error:  # noqa: BLE001 - told to the test
            wrong.append(error)
        finally:
            connection.close()

    other = threading.Thread(target=remove)
    with transaction.atomic():
        analysis = analyse(repository, messages([finding("a")]))
        other.start()
        _await_a_waiting_lock()
    other.join(timeout=60)
    assert wrong == []
    assert not Policy.objects.exists()
    verdict = PolicyVerdict.objects.get(analysis=analysis)
    assert (verdict.policy_id, verdict.name, verdict.status) == (None, "Gate", "failed")
    again = analyse(repository, messages([finding("a")]))
    assert not PolicyVerdict.objects.filter(analysis=again).exists()


def _await_a_waiting_lock() -> None:
    end = time.monotonic() + 20
    while time.monotonic() < end:
        with connection.cursor() as cursor:
            cursor.execute(WAITING)
            if cursor.fetchone()[0]:
                return
    pytest.fail("nobody waits")
