"""The workers that run now, each with a row that it renews itself; an operator's wish to drain it lies there too."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models


class Worker(models.Model):
    """One Celery worker by its node name. It writes everything here but the three columns about draining."""

    name = models.CharField(max_length=120, primary_key=True)  # as in "analysis@host"
    host = models.CharField(max_length=255)
    pid = models.PositiveIntegerField()  # of the main process, whose children run the jobs
    queues = ArrayField(models.CharField(max_length=100), default=list)
    pool = models.CharField(max_length=20)  # prefork, solo, ...
    processes = models.PositiveIntegerField(default=1)  # jobs that it runs at once
    started_at = models.DateTimeField()
    heartbeat_at = models.DateTimeField(null=True)  # null: it ended in order, and is remembered as drained
    stopping = models.BooleanField(default=False)  # was told to stop, finishes what it runs
    # Set by an operator. They outlive a restart of the worker, which takes nothing until it is resumed.
    draining = models.BooleanField(default=False)
    drained_by = models.CharField(max_length=150, blank=True)
    drain_requested_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["name"]
        # Without an index on heartbeat_at: there are few workers, and each beat would have to write to it.

    def __str__(self) -> str:
        return self.name
