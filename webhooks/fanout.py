"""What an event has to be told to: a delivery for each endpoint that asks for it, in the relay's transaction.

Events come many at once, and cost a few statements whatever their number.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Sequence
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
# relay at its commit. Rows are numbered in the order of the events: an ordered endpoint is told them so.
_DELIVER = """
    WITH kept AS MATERIALIZED (
        SELECT id FROM webhooks_endpoint WHERE id = ANY(%(endpoints)s) ORDER BY id FOR KEY SHARE
    )
    INSERT INTO webhooks_delivery
        (endpoint_id, message_id, type, status, attempts, scheduled_for, last_error, created_at)
    SELECT t.endpoint, t.message, t.type, 'pending', 0, statement_timestamp(), '', statement_timestamp()
    FROM unnest(%(messages)s::bigint[], %(types)s::text[], %(endpoints)s::bigint[]) AS t(message, type, endpoint)
        JOIN kept ON kept.id = t.endpoint
    ORDER BY t.message, t.endpoint
    ON CONFLICT (message_id, endpoint_id) DO NOTHING
    RETURNING id
"""


def on_events(events: Sequence[Event]) -> None:
    """Take committed events and store what is to be sent. Named in settings.EVENT_EARLY_SUBSCRIBERS; may come twice.

    A test goes to one endpoint, whatever it and others ask for, and was addressed by whoever asked for it.
    """
    told = [event for event in events if event.project_id is not None and _told(event.type)]
    if told and (pairs := list(_asked(told))):
        address_all(pairs)


def asked_for(endpoint: Endpoint, type_: str) -> bool:
    """Tell whether the endpoint is told events of this type, whatever they say."""
    return _told(type_) and patterns.matches_any(endpoint.events, type_)


def address(event: Event, endpoints: Collection[int]) -> list[int]:
    """Store the message of one event and its deliveries, as address_all does, and have them sent."""
    transaction.on_commit(hints.send_soon, robust=True)
    return address_all([(event, endpoint) for endpoint in endpoints])


def address_all(pairs: Collection[tuple[Event, int]]) -> list[int]:
    """Store the messages of events, each once, and for each pair of an event and an endpoint a delivery, if it has none.

    Return the ids of the new deliveries.
    """
    messages = {event.pk: _message(event) for event, _ in pairs}
    Message.objects.bulk_create(messages.values(), ignore_conflicts=True)
    values: dict[str, Any] = {
        "messages": [event.pk for event, _ in pairs],
        "types": [event.type for event, _ in pairs],
        "endpoints": [endpoint for _, endpoint in pairs],
    }
    with connection.cursor() as cursor:
        cursor.execute(_DELIVER, values)
        return [pk for (pk,) in cursor.fetchall()]


def tags_named(
    endpoints: Collection[Endpoint], events: Collection[Event]
) -> Callable[[int], Collection[str]]:
    """Return what tells the tags of a repository that one of these events names; all are read at once, if any endpoint asks."""
    if not any(endpoint.conditions.get("repository_tags") for endpoint in endpoints):
        return lambda _repository: ()
    named = {event.data.get("repository") for event in events}
    ids = [each for each in named if isinstance(each, int)]
    tags = dict(Repository.objects.filter(pk__in=ids).values_list("pk", "tags"))
    return lambda repository: tags.get(repository) or ()


def body_of(event: Event) -> bytes:
    """Return the bytes that are signed and sent: {type, timestamp, data}."""
    return to_json({"type": event.type, "timestamp": timestamp(event.created_at), "data": event.data})


def _told(type_: str) -> bool:
    known = CATALOGUE.get(type_)
    return known is not None and known.public and type_ != TEST


def _message(event: Event) -> Message:
    return Message(event_id=event.pk, uid=event.uid, type=event.type, body=body_of(event))


def _asked(events: Sequence[Event]) -> Iterator[tuple[Event, int]]:
    """Yield each event with each endpoint that asks for it."""
    by_project: dict[int, list[Endpoint]] = defaultdict(list)
    rows = Endpoint.objects.filter(project__in={event.project_id for event in events}, enabled=True)
    found = list(rows.only("project_id", "events", "conditions"))
    for endpoint in found:
        by_project[endpoint.project_id].append(endpoint)
    tags_of = tags_named(found, events)
    for event in events:
        for endpoint in by_project.get(event.project_id or 0, ()):
            if patterns.matches_any(endpoint.events, event.type) and conditions.fulfils(
                endpoint.conditions, event.data, tags_of
            ):
                yield event, endpoint.pk
