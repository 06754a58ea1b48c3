"""Ends exports whose time is up, and removes files that no export names. Bounded: what is left waits for the next run."""

from __future__ import annotations

import random
from datetime import date, timedelta

from django.db import transaction
from django.db.models.functions import Now
from django.utils import timezone

from exports import artifacts
from exports.models import Export

BATCH = 200
MAX_BATCHES = 50
MAX_NAMES = 20_000  # of files looked at in one run


def expire() -> int:
    """Delete up to 10,000 exports whose time is up, with their files, and return how many."""
    gone = 0
    for _ in range(MAX_BATCHES):
        keys = _expire_batch()
        gone += len(keys)
        for key in filter(None, keys):
            artifacts.remove(key)  # after the commit; what stays behind has no row, and is swept
        if len(keys) < BATCH:
            break
    return gone


def _expire_batch() -> list[str]:
    with transaction.atomic():
        over = Export.objects.filter(expires_at__lte=Now()).order_by("expires_at")
        found = dict(over.select_for_update(skip_locked=True).values_list("pk", "artifact")[:BATCH])
        Export.objects.filter(pk__in=found).delete()
    return list(found.values())


def sweep() -> int:
    """Remove files of former days that no export names, and return how many; at most 20,000 are looked at.

    Raises OSError while the storage is away.

    The file of an attempt that may still complete is left alone: its export has not ended. Folders and files come in
    random order, so that each has its turn where there is more than one run can look at.
    """
    removed = seen = 0
    folders = [folder for folder in artifacts.folders() if _is_over(folder)]
    random.shuffle(folders)
    for folder in folders:
        if seen >= MAX_NAMES:
            break
        names = artifacts.names_in(folder)
        random.shuffle(names)
        del names[MAX_NAMES - seen :]
        seen += len(names)
        if not names:
            artifacts.remove(folder)
        for start in range(0, len(names), BATCH):
            removed += _sweep_batch(folder, names[start : start + BATCH])
    # Last, for not every server knows of unfinished uploads, and then the files have been swept all the same.
    return removed + artifacts.abandon_uploads(timezone.now() - timedelta(days=1))


def _is_over(folder: str) -> bool:
    """True for the folder of a day that ended more than a day ago."""
    try:
        day = date.fromisoformat(folder.rpartition("/")[2])
    except ValueError:
        return False  # not ours
    return day < timezone.now().date() - timedelta(days=1)


def _sweep_batch(folder: str, names: list[str]) -> int:
    owners = {name: pk for name in names if (pk := artifacts.owner(name)) is not None}
    rows = Export.objects.filter(pk__in=set(owners.values())).values_list("pk", "outcome", "artifact")
    known = {pk: (outcome, artifact) for pk, outcome, artifact in rows}
    removed = 0
    for name, pk in owners.items():
        key = f"{folder}/{name}"
        outcome, artifact = known.get(pk, ("deleted", ""))
        if outcome and artifact != key:
            removed += artifacts.remove(key)
    return removed
