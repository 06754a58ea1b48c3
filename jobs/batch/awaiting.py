"""The sweeper's part for batches whose children run: what a lost process or message left undone is done here."""

from __future__ import annotations

import time

from jobs.aftermath import job_left
from jobs.batch.children import awaiting, settle
from jobs.cancellation import cancel_children

BATCH = 100
SECONDS = 3.0  # that one round may take: the sweeper has other things to do, and comes again soon


def sweep_batches() -> int:
    """Carry cancellations on to children, show progress, end batches whose last child has ended. Return how many ended."""
    ended = 0
    until = time.monotonic() + SECONDS
    for parent in awaiting().order_by("?")[:BATCH]:  # in any order: none is always behind the others
        if time.monotonic() > until:
            break
        if parent.run.cancel_requested_at is not None:
            cancel_children(parent.pk)
        settled = settle(parent.pk)
        if settled is not None:
            job_left(settled)
            ended += 1
    return ended
