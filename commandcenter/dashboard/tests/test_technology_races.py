"""Two people who decide about one technology at once: the second is told that the name is taken."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.db import connection, transaction
from django.test import Client

from commandcenter.dashboard.tests.conftest import signed_in
from commandcenter.inventory.models import Project, Role, Technology
from commandcenter.inventory.tests.factories import make_member, make_project, make_technology

pytestmark = pytest.mark.django_db(transaction=True)
WAITING = (
    "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
)
VALUES = {"domain": "data", "status": "discovery", "priority": "3", "relevance_score": "50"}


@contextmanager
def somebody_takes(project: Project, name: str) -> Iterator[None]:
    """Hold an uncommitted technology of this name until somebody waits for it."""
    taken, awaited = threading.Event(), threading.Event()

    def take() -> None:
        with transaction.atomic():
            Technology.objects.create(project=project, name=name)
            taken.set()
            with connection.cursor() as cursor:
                for _ in range(400):
                    cursor.execute(WAITING)
                    if cursor.fetchone() != (0,):
                        awaited.set()
                        break
                    time.sleep(0.02)
        connection.close()

    thread = threading.Thread(target=take)
    thread.start()
    assert taken.wait(timeout=20)
    yield
    thread.join(timeout=60)
    assert awaited.is_set(), "nobody waited, so that there was no race"


@pytest.fixture
def project() -> Project:
    return make_project()


@pytest.fixture
def operator(project: Project) -> Client:
    return signed_in(make_member(project, Role.OPERATOR).user)


def test_a_name_that_was_taken_meanwhile_is_refused(project: Project, operator: Client) -> None:
    with somebody_takes(project, "Kafka"):
        answer = operator.post("/technologies/new/", {**VALUES, "project": project.pk, "name": "Kafka"})
    assert answer.status_code == 400
    assert "already has a technology of this name" in answer.content.decode()


def test_a_technology_cannot_take_a_name_that_was_taken_meanwhile(project: Project, operator: Client) -> None:
    technology = make_technology(project, name="Pulsar")
    with somebody_takes(project, "Kafka"):
        answer = operator.post(f"/technologies/{technology.pk}/edit/", {**VALUES, "name": "Kafka"})
    assert answer.status_code == 400
    technology.refresh_from_db()
    assert technology.name == "Pulsar"
