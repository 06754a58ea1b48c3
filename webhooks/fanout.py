"""What an event has to be told to: a delivery for each endpoint that asks for it, in the relay's transaction."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import cache
from typing import Any

from django.db import connection, transaction

from commandcenter.core.renderers import to_json
from commandcenter.events.catalogue import CATALOGUE
from commandcenter.events.models import Event
from commandcenter.events.representation import timestamp
from commandcenter.inventory.models import Repository
from webhooks import hints
from webhooks.deciding import conditions, patterns
from webhooks.models import Endpoint, Message

TEST = "endpoint.test"

# The lock makes the deletion of an endpoint wait: its deferred foreign key would else fail the whole batch of the
# relay at its commit.
_DELIVER = """
    INSERT INTO webhooks_delivery
        (endpoint_id, message_id, type, status, attempts, scheduled_for, last_error, created_at)
    (
        SELECT e.id, %(message)s, %(type)s, 'pending', 0, statement_timestamp(), '', statement_timestamp()
        FROM webhooks_endpoint e WHERE e.id = ANY(%(endpoints)s)
        ORDER BY e.id
        FOR KEY SHARE
    )
    ON CONFLICT (message_id, endpoint_id) DO NOTHING
    RETURNING id
"""

# Rows are numbered in the order of the events: an ordered endpoint is told them so.
_DELIVER_ALL = """
    INSERT INTO webhooks_delivery
        (endpoint_id, message_id, type, status, attempts, scheduled_for, last_error, created_at)
    SELECT e.id, t.message, t.type, 'pending', 0, statement_timestamp(), '', statement_timestamp()
    FROM unnest(%(messages)s::bigint[], %(types)s::text[]) AS t(message, type), (
        SELECT id FROM webhooks_endpoint WHERE id = %(endpoint)s FOR KEY SHARE
    ) e
    ORDER BY t.message
    ON CONFLICT (message_id, endpoint_id) DO NOTHING
    RETURNING id
"""


def on_event(event: Event) -> None:
    """Take a committed event and store what is to be sent. Named in settings.EVENT_SUBSCRIBERS; may come twice.

    A test goes to one endpoint, whatever it and others ask for, and was addressed by whoever asked for it.
    """
    if event.project_id is None or not _told(event.type):
        return
    tags_of = cache(_tags_of)
    asking = [
        endpoint.pk
        for endpoint in Endpoint.objects.filter(project=event.project_id, enabled=True).only(
            "events", "conditions"
        )
        if patterns.matches_any(endpoint.events, event.type)
        and conditions.fulfils(endpoint.conditions, event.data, tags_of)
    ]
    if asking:
        address(event, asking)


def asked_for(endpoint: Endpoint, type_: str) -> bool:
    """Tell whether the endpoint is told events of this type, whatever they say."""
    return _told(type_) and patterns.matches_any(endpoint.events, type_)


def address(event: Event, endpoints: Collection[int]) -> list[int]:
    """Store the message of an event, once, and a delivery for each of these endpoints that has none.

    Return the ids of the new deliveries.
    """
    Message.objects.bulk_create([_message(event)], ignore_conflicts=True)
    with connection.cursor() as cursor:
        cursor.execute(
            _DELIVER, {"message": event.pk, "type": event.type, "endpoints": sorted(set(endpoints))}
        )
        made = [pk for (pk,) in cursor.fetchall()]
    if made:
        transaction.on_commit(hints.send_soon, robust=True)
    return made


def address_all(events: Sequence[Event], endpoint: int) -> list[int]:
    """Store the messages of these events and a delivery of each for this endpoint, in their order, as address does."""
    Message.objects.bulk_create([_message(each) for each in events], ignore_conflicts=True)
    values: dict[str, Any] = {
        "endpoint": endpoint,
        "messages": [each.pk for each in events],
        "types": [each.type for each in events],
    }
    with connection.cursor() as cursor:
        cursor.execute(_DELIVER_ALL, values)
        return [pk for (pk,) in cursor.fetchall()]


def body_of(event: Event) -> bytes:
    """Return the bytes that are signed and sent: {type, timestamp, data}."""
    return to_json({"type": event.type, "timestamp": timestamp(event.created_at), "data": event.data})


def _told(type_: str) -> bool:
    known = CATALOGUE.get(type_)
    return known is not None and known.public and type_ != TEST


def _message(event: Event) -> Message:
    return Message(event_id=event.pk, uid=event.uid, type=event.type, body=body_of(event))


def _tags_of(repository_id: int) -> list[str]:
    tags = Repository.objects.filter(pk=repository_id).values_list("tags", flat=True).first()
    return tags or []
