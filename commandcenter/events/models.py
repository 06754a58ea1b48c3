"""Events are what happened, append-only; the outbox is what still has to be told to subscribers.

Both hold ids and no foreign keys: they outlive their subjects.
"""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import Q
from django.utils import timezone


class EventQuerySet(models.QuerySet["Event"]):
    """Reads of the activity stream."""

    def for_projects(self, project_ids: list[int] | None) -> EventQuerySet:
        """Events of these projects; None means all."""
        return self if project_ids is None else self.filter(project_id__in=project_ids)


class Event(models.Model):
    """Who did what to which subject, with its public payload and the values before and after."""

    uid = models.UUIDField(default=uuid.uuid4, editable=False, unique=True)
    type = models.CharField(max_length=80)
    project_id = models.BigIntegerField(null=True)
    subject_kind = models.CharField(max_length=40)
    subject_id = models.BigIntegerField(null=True)
    actor_id = models.BigIntegerField(null=True)
    actor_name = models.CharField(max_length=150, blank=True)
    request_id = models.CharField(max_length=64, blank=True)
    address = models.GenericIPAddressField(null=True)
    token_id = models.BigIntegerField(null=True)
    data = models.JSONField(default=dict)
    before = models.JSONField(null=True)
    after = models.JSONField(null=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = EventQuerySet.as_manager()

    class Meta:
        indexes = [
            # serves: the activity stream of a project, newest first
            models.Index(fields=["project_id", "-id"], name="event_project_recent"),
            # serves: the history of one subject
            models.Index(fields=["subject_kind", "subject_id", "-id"], name="event_subject"),
            # serves: pruning by age
            models.Index(fields=["created_at"], name="event_created"),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.subject_kind} {self.subject_id}"


class Outbox(models.Model):
    """The relay's state of one event; deleted when every subscriber has had it."""

    event = models.OneToOneField(Event, on_delete=models.CASCADE, primary_key=True, related_name="+")
    attempts = models.PositiveIntegerField(default=0)
    not_before = models.DateTimeField(default=timezone.now)
    last_error = models.TextField(blank=True)
    early = models.BooleanField(default=True)  # the early subscribers have not had it yet

    class Meta:
        verbose_name_plural = "outbox"
        indexes = [
            # serves: handing events to the early subscribers
            models.Index(fields=["event"], condition=Q(early=True), name="outbox_early"),
            # serves: the relay's claim
            models.Index(fields=["not_before"], name="outbox_due"),
        ]

    def __str__(self) -> str:
        return f"outbox {self.event_id}"
