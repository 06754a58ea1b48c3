"""Removes result sets that nobody will finish."""

from __future__ import annotations

from django.db import transaction
from django.db.models import Q

from commandcenter.analysis.models import (
    ResultSet,
    ResultSetStatus,
)
from jobs.models import TERMINAL


def discard_abandoned(limit: int = 20) -> int:
    """Remove up to `limit` result sets whose job has ended, or was deleted, without finishing them; return how many."""
    unfinished = ResultSet.objects.filter(status=ResultSetStatus.WRITING)
    abandoned = unfinished.filter(Q(writer__isnull=True) | Q(writer__status__in=TERMINAL))
    keys = list(abandoned.order_by("pk").values_list("pk", flat=True)[:limit])
    for key in keys:  # one transaction each: a set may have a hundred thousand rows
        ResultSet.objects.filter(pk=key, status=ResultSetStatus.WRITING).delete()
    return len(keys)


def discard_unfinished(job_id: int, *, before_attempt: int) -> None:
    """Remove what earlier attempts of this job were writing."""
    with transaction.atomic():
        ResultSet.objects.filter(
            writer=job_id, status=ResultSetStatus.WRITING, attempt__lt=before_attempt
        ).delete()
