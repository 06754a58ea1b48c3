"""Imports of advisories, and how far what is known of each ecosystem reaches."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils import timezone


class ImportStatus(models.TextChoices):
    """How an import stands. An interrupted one has kept the batches before it, and can be run again."""

    RUNNING = "running", "Running"
    COMPLETED = "completed", "Completed"
    FAILED = "failed", "Failed"


class AdvisoryImport(models.Model):
    """One run over a dump: what it read, and what it changed."""

    source = models.CharField(max_length=500)
    ecosystem = models.CharField(max_length=30, blank=True)  # where only one was asked for
    status = models.CharField(max_length=10, choices=ImportStatus.choices, default=ImportStatus.RUNNING)
    started_at = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(null=True)
    read = models.PositiveIntegerField(default=0)
    added = models.PositiveIntegerField(default=0)
    changed = models.PositiveIntegerField(default=0)
    unchanged = models.PositiveIntegerField(default=0)
    outdated = models.PositiveIntegerField(default=0)  # older than what was there
    skipped = models.PositiveIntegerField(default=0)  # about no package of an ecosystem that is matched
    withdrawn = models.PositiveIntegerField(default=0)
    bad = models.PositiveIntegerField(default=0)
    bad_records = models.JSONField(default=list)  # the first of them: [{name, reason}]
    newest_modified = models.DateTimeField(null=True)
    error = models.TextField(blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=ImportStatus.values), name="advisoryimport_status_known"
            ),
        ]

    def __str__(self) -> str:
        return f"import #{self.pk} of {self.source}"


class Database(models.Model):
    """What is known of one ecosystem: there is a row once an import of it was complete."""

    ecosystem = models.CharField(max_length=30, unique=True)
    as_of = models.DateTimeField()  # when the newest of its records was changed
    imported_at = models.DateTimeField()
    advisories = models.PositiveIntegerField()
    last_import = models.ForeignKey(AdvisoryImport, null=True, on_delete=models.SET_NULL, related_name="+")

    def __str__(self) -> str:
        return f"{self.ecosystem} as of {self.as_of:%Y-%m-%d}"
