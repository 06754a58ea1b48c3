"""Deliveries that are due at endpoints on the loopback address, and what a sender does with them, step by step."""

from __future__ import annotations

import itertools
import json
import uuid
from datetime import timedelta
from typing import Any

from django.db.models.functions import Now
from django.utils import timezone

from commandcenter.analysis.tests.factories import make_project
from commandcenter.core.signing import new_secret
from webhooks.models import Delivery, Endpoint, EndpointRun, Message
from webhooks.sending.claim import claim
from webhooks.sending.in_flight import InFlight
from webhooks.sending.letters import letters
from webhooks.sending.recording import Result

SECONDS = 20.0  # far more than a drain of any of these takes
_events = itertools.count(10**9)


def endpoint_at(url: str, project: Any = None, **values: Any) -> Endpoint:
    secret = values.pop("secret", None) or new_secret()
    project = project or make_project()
    made = Endpoint.objects.create(project=project, url=url, events=["*"], secret=secret, **values)
    EndpointRun.objects.create(endpoint=made)
    return made


def due(endpoint: Endpoint, number: int = 1) -> list[Delivery]:
    """Let so many messages be due for the endpoint."""
    body = json.dumps({"type": "job.completed", "data": {"name": "Zo\u00eb"}}).encode()
    messages = Message.objects.bulk_create(
        [
            Message(event_id=next(_events), uid=uuid.uuid4(), type="job.completed", body=body)
            for _ in range(number)
        ]
    )
    return Delivery.objects.bulk_create(
        [
            Delivery(endpoint=endpoint, message=each, type=each.type, scheduled_for=timezone.now())
            for each in messages
        ]
    )


def make_due() -> None:
    Delivery.objects.filter(status="pending").update(scheduled_for=Now())


def expire_leases() -> None:
    Delivery.objects.filter(status="leased").update(lease_expires_at=Now() - timedelta(seconds=1))


def waits(delivery: Delivery) -> float:
    """In how many seconds it is due."""
    return (delivery.scheduled_for - timezone.now()).total_seconds()


def sent(most: int = 100) -> list[Result]:
    """Claim and send, as a process that is killed before it writes anything down."""
    with InFlight() as in_flight:
        in_flight.send(letters(claim(most)))
        found: list[Result] = []
        while in_flight.out:
            found += in_flight.wait(5)
        return found
