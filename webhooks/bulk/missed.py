"""Events that an endpoint asks for and was not told: it was disabled, or is younger than they are."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db.models import Max, Min

from commandcenter.events.models import Event
from webhooks.bulk.moments import SLACK
from webhooks.deciding import conditions
from webhooks.fanout import address_all, asked_for, tags_named
from webhooks.models import Delivery, Endpoint, Resending

STEP = 1_000
FIRST = 10_000  # events, the first ones of a time, among which the least id is looked for


def bounds(endpoint: Endpoint, since: datetime) -> tuple[int, int]:
    """Return between which ids the events of its project since then lie: above the first and up to the second."""
    last = Event.objects.filter(project_id=endpoint.project_id).aggregate(last=Max("pk"))["last"] or 0
    made = Event.objects.filter(created_at__gte=since - SLACK).order_by("created_at")[:FIRST]
    first = made.aggregate(first=Min("pk"))["first"]
    return (last if first is None else first - 1), last


def tell_some(resending: Resending, endpoint: Endpoint) -> bool:
    """Make deliveries of the next events that have none, in their order, and note in the row how far that went.

    Tell whether there may be more.
    """
    events = list(
        Event.objects.filter(
            project_id=endpoint.project_id, pk__gt=resending.event_cursor, pk__lte=resending.last_event
        ).order_by("pk")[:STEP]
    )
    wanted = _untold(
        endpoint, [each for each in events if resending.since and each.created_at >= resending.since]
    )
    if wanted:
        resending.made += len(address_all([(each, endpoint.pk) for each in wanted]))
    resending.event_cursor = events[-1].pk if len(events) == STEP else resending.last_event
    return resending.event_cursor < resending.last_event


def _untold(endpoint: Endpoint, events: Sequence[Event]) -> list[Event]:
    tags_of = tags_named([endpoint], events)
    wanted = [
        each
        for each in events
        if asked_for(endpoint, each.type) and conditions.fulfils(endpoint.conditions, each.data, tags_of)
    ]
    told = set(
        Delivery.objects.filter(endpoint=endpoint, message__in=[each.pk for each in wanted]).values_list(
            "message_id", flat=True
        )
    )
    return [each for each in wanted if each.pk not in told]
