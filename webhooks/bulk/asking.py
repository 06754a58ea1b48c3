"""Asking for many deliveries to be sent again, and calling that off."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models.functions import Now
from django.utils import timezone

from commandcenter.accounts.models import User
from commandcenter.events.publish import publish
from webhooks import keeping
from webhooks.addresses import told
from webhooks.bulk import chosen, missed, waking
from webhooks.bulk.chosen import Chosen
from webhooks.exceptions import IllegalState, InvalidEndpoint
from webhooks.models import DeliveryStatus, Endpoint, Resending, ResendingKind, ResendingState

MOST_AT_ONCE = 5  # of an endpoint


def longest_back() -> timedelta:
    """Return how far back a recovery goes: what was sent before might be forgotten, and would be sent twice."""
    return timedelta(days=settings.WEBHOOK_RETENTION_DAYS - 1)


def recover(endpoint: Endpoint, *, since: datetime, by: User | None) -> Resending:
    """Send an endpoint at once what it did not take since then, and after that what it was not told.

    Whoever asks knows that the receiver is back: an open circuit is closed, which its next failures open again.
    Raises InvalidEndpoint for a time that it cannot go back to, IllegalState for a disabled endpoint and for one that
    has too much under way.
    """
    _check_since(since)
    with transaction.atomic():
        endpoint = _ready(endpoint)
        keeping.close_circuit(endpoint)
        wanted = Chosen(endpoint.pk, [DeliveryStatus.PENDING, DeliveryStatus.EXHAUSTED], since=since)
        event_cursor, last_event = missed.bounds(endpoint, since)
        resending = _kept(
            ResendingKind.RECOVERY, wanted, by, event_cursor=event_cursor, last_event=last_event
        )
        _publish("endpoint.recovered", endpoint, resending)
    return resending


def resend(wanted: Chosen, *, by: User | None) -> Resending:
    """Send the deliveries of an endpoint that a filter finds again. Raises IllegalState as recover does."""
    with transaction.atomic():
        endpoint = _ready(Endpoint(pk=wanted.endpoint))
        keeping.try_now(endpoint.pk)
        resending = _kept(ResendingKind.RETRY, wanted, by)
        _publish("endpoint.resent", endpoint, resending)
    return resending


def call_off(resending: Resending, *, by: User | None) -> Resending:
    """Leave the rest as it is. Raises IllegalState when it is over."""
    del by  # the actor is the request's
    with transaction.atomic():
        rows = Resending.objects.with_endpoint()
        resending = rows.select_for_update(no_key=True, of=("self",)).get(pk=resending.pk)
        if resending.ended_at is not None:
            raise IllegalState(f"It is over: it has {resending.state}.")
        resending.state, resending.ended_at = ResendingState.CANCELLED, Now()
        resending.save(update_fields=["state", "ended_at"])
        resending.refresh_from_db(fields=["ended_at"])
        _publish("endpoint.resending_cancelled", resending.endpoint, resending)
    return resending


def _check_since(since: datetime) -> None:
    now = timezone.now()
    if since > now:
        raise InvalidEndpoint.single("since", "future", "It lies in the future.")
    if since < now - longest_back():
        message = f"Go back {longest_back().days} days at most; what was sent before is forgotten."
        raise InvalidEndpoint.single("since", "out_of_range", message)


def _ready(endpoint: Endpoint) -> Endpoint:
    """Lock it, so that two who ask at once do not pass the limit."""
    endpoint = keeping.locked(endpoint)
    keeping.require_enabled(endpoint)
    if endpoint.resendings.under_way().count() >= MOST_AT_ONCE:
        message = f"{MOST_AT_ONCE} are under way for this endpoint; wait until one is over, or cancel one."
        raise IllegalState(message, code="too_many")
    return endpoint


def _kept(kind: ResendingKind, wanted: Chosen, by: User | None, **events: int) -> Resending:
    after, last = chosen.bounds(wanted)
    resending = Resending.objects.create(
        endpoint_id=wanted.endpoint,
        kind=kind,
        statuses=list(wanted.statuses),
        types=list(wanted.types),
        since=wanted.since,
        until=wanted.until,
        delivery_cursor=after,
        last_delivery=last,
        created_by=by,
        **events,
    )
    transaction.on_commit(waking.resend_soon, robust=True)
    return resending


def _publish(type_: str, endpoint: Endpoint, resending: Resending) -> None:
    asked: dict[str, Any] = {
        "resending": resending.pk,
        "statuses": resending.statuses,
        "types": resending.types,
        "since": resending.since and resending.since.isoformat(),
        "until": resending.until and resending.until.isoformat(),
    }
    publish(
        type_,
        project=endpoint.project_id,
        subject=("endpoint", endpoint.pk),
        data={"endpoint": endpoint.pk, "url": told(endpoint.url)},
        after=asked,
    )
