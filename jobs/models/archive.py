"""What became of the history of old jobs: files in the artifact storage, and how far logs were removed."""

from __future__ import annotations

from django.db import models
from django.utils import timezone


class ArchiveState(models.TextChoices):
    """How far an archive file and the rows that it holds have come."""

    VERIFIED = "verified", "Verified"  # written and read back; its jobs are being deleted
    DONE = "done", "Done"  # its jobs are deleted
    DAMAGED = "damaged", "Damaged"  # it could not be read back later, before all its jobs were deleted


class ArchiveFile(models.Model):
    """A file of ended jobs that was read back and compared before any of them was deleted."""

    key = models.CharField(max_length=200, unique=True)  # in the default storage
    state = models.CharField(max_length=10, choices=ArchiveState.choices, default=ArchiveState.VERIFIED)
    jobs = models.PositiveIntegerField()  # lines in the file
    deleted = models.PositiveIntegerField(default=0)  # jobs removed from the database because of it
    first_completed_at = models.DateTimeField()
    last_completed_at = models.DateTimeField()
    bytes = models.PositiveBigIntegerField()  # compressed, as `sha256` is of the compressed file
    sha256 = models.CharField(max_length=64)
    created_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return self.key


class PruneMark(models.Model):
    """Up to which ended job, in the order of their ends, logs have been removed. There is one row."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    completed_at = models.DateTimeField()
    job_id = models.BigIntegerField()

    def __str__(self) -> str:
        return f"logs removed up to {self.completed_at}"
