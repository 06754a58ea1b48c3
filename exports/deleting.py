"""Deletes an export and its file: the one path for the API, the pages and the admin."""

from __future__ import annotations

from functools import partial

from django.db import transaction

from exports import artifacts
from exports.models import WAITING, Export
from exports.settle import settle


class StillRuns(Exception):
    """An export whose job has not ended cannot be deleted; the message says what to do first."""

    def __init__(self, export: Export) -> None:
        super().__init__(f"The export is {export.status}; cancel job {export.job_id} before deleting it.")


def delete_export(export: Export) -> None:
    """Delete an export read `with_status` that has ended, and its file once that is certain. Raises StillRuns."""
    if export.status in WAITING:
        raise StillRuns(export)
    with transaction.atomic():
        if not export.outcome and export.job_id is not None:
            settle(export.job_id)  # its end is told before it is gone
        if export.artifact:
            transaction.on_commit(partial(artifacts.remove, export.artifact))
        export.delete()
