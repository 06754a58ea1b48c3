"""Writes down how a try to deliver went, while the delivery is still ours."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any

import structlog
from django.db.models.functions import Now

from exports.delivery.models import DeliveryStatus, ExportDelivery
from exports.delivery.outcomes import DeliveryError, Later, LeaseLost, StillWorking

MOST_FAILURES = 8  # tries over about two hours, and longer where the other side asks to wait
FIRST_DELAY, LONGEST_DELAY = 10.0, 3600.0  # seconds
MAX_MESSAGE = 1000

log = structlog.get_logger(__name__)


def later(delivery: ExportDelivery, error: Later) -> None:
    """Try it again later, or give it up where this was the last try that may fail."""
    failures = delivery.failures + 1
    if failures >= MOST_FAILURES:
        end(delivery, DeliveryStatus.FAILED, error, failures=failures)
    else:
        postpone(delivery, error, failures)


def postpone(delivery: ExportDelivery, error: Later, failures: int) -> None:
    """Let it wait as long as the other side asked for, or longer with each failure."""
    delay = error.seconds
    if not isinstance(error, StillWorking):
        delay = max(delay, min(FIRST_DELAY * 3.0 ** (failures - 1), LONGEST_DELAY))
    delay *= random.uniform(1.0, 1.3)  # noqa: S311  (so that those who failed together do not come back together)
    _say(
        delivery,
        status=DeliveryStatus.PENDING,
        failures=failures,
        not_before=Now() + timedelta(seconds=delay),
        error=None if isinstance(error, StillWorking) else error,
    )


def end(
    delivery: ExportDelivery,
    status: DeliveryStatus,
    error: DeliveryError | None,
    *,
    failures: int | None = None,
) -> None:
    """Record how it ended."""
    _say(
        delivery,
        status=status,
        failures=delivery.failures if failures is None else failures,
        completed_at=Now(),
        error=error,
    )


def _say(delivery: ExportDelivery, *, error: DeliveryError | None, **values: Any) -> None:
    code, message = (error.code[:60], error.message[:MAX_MESSAGE].replace("\x00", "")) if error else ("", "")
    try:
        hold(delivery, error_code=code, error_message=message, **values)
    except LeaseLost:
        log.warning("lease lost", action="deliver", delivery=delivery.pk)
        return
    log.info(
        "delivery tried",
        action="deliver",
        delivery=delivery.pk,
        export=delivery.export_id,
        target=delivery.target_id,
        status=str(values["status"]),
        error=code,
    )


def hold(delivery: ExportDelivery, **values: Any) -> None:
    """Write to the row while it is ours. Raises LeaseLost: the count of attempts moves with every claim."""
    ours = ExportDelivery.objects.filter(
        pk=delivery.pk, attempts=delivery.attempts, status=DeliveryStatus.SENDING
    )
    if not ours.update(**values):
        raise LeaseLost
