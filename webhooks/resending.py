"""What operators do with one delivery: send it again, or give it up; and a test of an endpoint."""

from __future__ import annotations

from django.db import transaction
from django.db.models.functions import Now

from commandcenter.accounts.models import User
from commandcenter.events.publish import publish
from webhooks import hints
from webhooks.addresses import told
from webhooks.deciding.retries import MOST_ATTEMPTS
from webhooks.exceptions import IllegalState
from webhooks.fanout import TEST, address
from webhooks.keeping import require_enabled, try_now
from webhooks.models import Delivery, DeliveryStatus, Endpoint


def send_test(endpoint: Endpoint, *, by: User | None) -> Delivery:
    """Send the endpoint a test as any event is sent, whatever it asks for. Raises IllegalState for a disabled one."""
    del by  # the actor is the request's
    require_enabled(endpoint)
    with transaction.atomic():
        event = publish(
            TEST,
            project=endpoint.project_id,
            subject=("endpoint", endpoint.pk),
            data={"endpoint": endpoint.pk, "url": told(endpoint.url)},
        )
        made = address(event, [endpoint.pk])
        try_now(endpoint.pk)
        return Delivery.objects.with_endpoint().with_message().get(pk__in=made)


def retry(delivery: Delivery, *, by: User | None) -> Delivery:
    """Send it now, under the same id, whatever became of it: attempts go on being counted, and retries begin anew.

    Raises IllegalState while it is in flight, for an endpoint that is disabled, and after MOST_ATTEMPTS.
    """
    del by
    with transaction.atomic():
        try_now(delivery.endpoint_id)
        delivery = _locked(delivery)
        require_enabled(delivery.endpoint)
        _require_ashore(delivery)
        if delivery.attempts >= MOST_ATTEMPTS:
            message = f"The delivery was tried {delivery.attempts:,} times, which is the most there may be."
            raise IllegalState(message, code="too_many_attempts")
        delivery.status, delivery.ended_at = DeliveryStatus.PENDING, None
        delivery.scheduled_for, delivery.attempts_before = Now(), delivery.attempts
        delivery.save(update_fields=["status", "ended_at", "scheduled_for", "attempts_before"])
        delivery.refresh_from_db(fields=["scheduled_for"])
        transaction.on_commit(hints.send_soon, robust=True)
    return delivery


def cancel(delivery: Delivery, *, by: User | None) -> Delivery:
    """Give up one that waits, so that an ordered endpoint goes on. Raises IllegalState when it is in flight or over."""
    del by
    with transaction.atomic():
        delivery = _locked(delivery)
        _require_ashore(delivery)
        if delivery.status != DeliveryStatus.PENDING:
            raise IllegalState(f"The delivery is over: it has {delivery.status}.")
        delivery.status, delivery.ended_at = DeliveryStatus.CANCELLED, Now()
        delivery.save(update_fields=["status", "ended_at"])
        delivery.refresh_from_db(fields=["ended_at"])
        transaction.on_commit(hints.send_soon, robust=True)
    return delivery


def _locked(delivery: Delivery) -> Delivery:
    rows = Delivery.objects.with_endpoint().with_message()
    return rows.select_for_update(no_key=True, of=("self",)).get(pk=delivery.pk)


def _require_ashore(delivery: Delivery) -> None:
    if delivery.status == DeliveryStatus.LEASED:
        raise IllegalState(
            "The delivery is being sent at this moment; look again in a minute.", code="in_flight"
        )
