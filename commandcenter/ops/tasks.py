"""Tasks by which the platform watches itself."""

from __future__ import annotations

import socket
from typing import Any

from celery import shared_task
from django.utils import timezone

from commandcenter.ops import taskmetrics
from commandcenter.ops.models import QueueCanary

taskmetrics.connect()


@shared_task(name="ops.canary", bind=True, soft_time_limit=20, time_limit=30)
def canary(self: Any, queue: str) -> None:
    """Record that a worker consumed from this queue. Sent by beat each minute; too old a one expires unread."""
    QueueCanary.objects.update_or_create(
        queue=queue,
        defaults={
            "consumed_at": timezone.now(),
            "worker": self.request.hostname or socket.gethostname(),
        },
    )
