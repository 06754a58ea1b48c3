"""What the platform remembers about itself."""

from __future__ import annotations

from django.db import models


class QueueCanary(models.Model):
    """When a worker last consumed the tiny task that beat sends to each queue every minute.

    It proves beat, broker and a worker of that queue together, which no heartbeat does.
    """

    queue = models.CharField(max_length=20, primary_key=True)
    consumed_at = models.DateTimeField()
    worker = models.CharField(max_length=120)

    class Meta:
        verbose_name_plural = "queue canaries"

    def __str__(self) -> str:
        return f"{self.queue} at {self.consumed_at:%H:%M:%S}"
