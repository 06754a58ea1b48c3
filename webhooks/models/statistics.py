"""What is left of attempts when they are counted: sums and a histogram by endpoint, hour, type and outcome."""

from __future__ import annotations

from django.db import models

from jobs.models.statistics import HistogramField
from webhooks.models.endpoints import Endpoint


class AttemptHour(models.Model):
    """The attempts of one outcome, for events of one type, that an endpoint had within an hour.

    The database holds no foreign key: its check would lock the endpoint, for which whoever deletes that waits here.
    """

    endpoint = models.ForeignKey(
        Endpoint, on_delete=models.CASCADE, related_name="hours", db_index=False, db_constraint=False
    )
    hour = models.DateTimeField()  # in which they were written down
    type = models.CharField(max_length=80)
    outcome = models.CharField(max_length=40)  # succeeded, lost, or the class of the error
    attempts = models.BigIntegerField()
    latency = HistogramField(default=dict)  # of those that were measured

    class Meta:
        constraints = [
            # serves as well: the statistics of some endpoints since a time
            models.UniqueConstraint(fields=["endpoint", "hour", "type", "outcome"], name="attempthour_once"),
        ]
        indexes = [
            # serves: the statistics of all endpoints, and pruning by age
            models.Index(fields=["hour"], name="attempthour_hour"),
        ]

    def __str__(self) -> str:
        return f"attempts of endpoint {self.endpoint_id} at {self.hour:%Y-%m-%d %H}:00"
