"""What the ticks know of one another."""

from __future__ import annotations

from django.db import models


class Ticker(models.Model):
    """One row: when the last tick was, and by which time zone data the next runs were computed."""

    name = models.CharField(max_length=10, primary_key=True, default="ticker")
    ticked_at = models.DateTimeField(null=True)  # by the database's clock
    zone_data = models.CharField(max_length=40, blank=True)
    # Of schedules up to this one the next run was computed again since the last change; null: of all.
    recounted_to = models.BigIntegerField(null=True)

    def __str__(self) -> str:
        return f"last tick {self.ticked_at}"
