"""Old messages are forgotten with all that belongs to them; what may still be sent stays longer."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.db.models.functions import Now
from django.utils import timezone
from django_celery_beat.models import PeriodicTask

from jobs.tests.factories import make_project
from webhooks import keeping, retention
from webhooks.inbound import keeping as inbound_keeping
from webhooks.keeping import disable
from webhooks.models import Attempt, Delivery, Message
from webhooks.tasks import prune_messages
from webhooks.tests.factories import make_delivery, make_endpoint, make_source

pytestmark = pytest.mark.django_db


def aged(delivery: Delivery, days: int) -> Delivery:
    at = timezone.now() - timedelta(days=days)
    Message.objects.filter(pk=delivery.message_id).update(created_at=at)
    Attempt.objects.create(delivery=delivery, number=1, started_at=at, duration_ms=1)
    return delivery


@pytest.mark.parametrize("step", [1, 1000])
def test_what_is_old_and_over_goes_with_its_attempts(settings: Any, monkeypatch: Any, step: int) -> None:
    monkeypatch.setattr(retention, "STEP", step)
    settings.WEBHOOK_RETENTION_DAYS = 10
    endpoint, off = make_endpoint(), make_endpoint(make_project())
    stays = [
        aged(make_delivery(endpoint, status="succeeded"), 9),
        aged(make_delivery(endpoint), 19),
        aged(make_delivery(endpoint, status="leased", lease_token=uuid.uuid4()), 11),
    ]
    aged(make_delivery(endpoint, status="exhausted"), 11)
    aged(make_delivery(off), 11)
    aged(make_delivery(endpoint), 21)  # its rate limit, say, never lets it have its turn
    disable(off, by=None)
    assert retention.prune() == 3
    assert list(Delivery.objects.order_by("pk")) == stays
    assert Attempt.objects.count() == Message.objects.count() == 3


def test_beat_is_told_to_send_to_tell_of_failures_and_to_forget() -> None:
    seeded = PeriodicTask.objects.filter(task__startswith="webhooks.").values_list("task", "queue")
    assert set(seeded) == {
        ("webhooks.drain", "webhooks"),
        ("webhooks.notice", "default"),
        ("webhooks.prune", "default"),
        ("webhooks.resend", "default"),
    }


@pytest.mark.parametrize(
    ("make", "rotate"), [(make_endpoint, keeping.rotate_secret), (make_source, inbound_keeping.rotate_secret)]
)
def test_a_secret_that_was_replaced_goes_once_it_counts_no_more(make: Any, rotate: Any) -> None:
    over, overlaps = make(), make()
    for each in (over, overlaps):
        rotate(each, by=None, overlap_hours=1)
    rows = type(over).objects
    rows.filter(pk=over.pk).update(previous_until=Now())
    prune_messages()
    assert [row.pk for row in rows.exclude(previous_secret=None)] == [overlaps.pk]
    over.refresh_from_db()
    assert (over.previous_secret, over.previous_until) == (None, None)
