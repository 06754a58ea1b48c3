"""Works through what was asked to be sent again: a step of each in turn, each in a transaction of its own.

The row says how far it came, in the transaction that goes further: who is killed loses a step, and nobody repeats one.
"""

from __future__ import annotations

import time

import structlog
from django.db import connection, transaction
from django.db.models.functions import Now

from webhooks import hints
from webhooks.bulk import chosen, missed
from webhooks.models import Endpoint, Resending, ResendingKind, ResendingState

MOST_FAILURES = 10  # of one step, before the rest is given up
MOST_IN_TURN = 500
MAX_ERROR = 500

log = structlog.get_logger(__name__)

# The endpoint first, and as weakly as a foreign key would: who deletes it has it before what belongs to it.
_LOCK_ENDPOINT = """
    SELECT e.id FROM webhooks_endpoint e JOIN webhooks_resending r ON r.endpoint_id = e.id
    WHERE r.id = %s FOR KEY SHARE OF e
"""


def work(seconds: float) -> bool:
    """Go on with all that is under way, for about so long; tell whether something is left."""
    until = time.monotonic() + seconds
    aside: set[int] = set()  # over, another's, or failed: nothing for this call any more
    while True:
        rows = Resending.objects.under_way().exclude(pk__in=aside).order_by("pk")
        turn = list(rows.values_list("pk", flat=True)[:MOST_IN_TURN])
        for pk in turn:
            if time.monotonic() >= until:
                return True
            if not _stepped(pk):
                aside.add(pk)
        if not turn:
            return False


def _stepped(pk: int) -> bool:
    """Take one step; tell whether this process is to take another. One that fails is tried again by the next call."""
    try:
        return step(pk)
    except Exception as error:  # whatever is wrong with one must not stop those behind it
        log.warning("resending_step_failed", action="resend", resending=pk, exc_info=error)
        _note_failure(pk, error)
        return False


def step(pk: int) -> bool:
    """Take one step of a resending; tell whether there is another. One that another process works at is left to it."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(_LOCK_ENDPOINT, [pk])
        rows = Resending.objects.under_way().select_for_update(skip_locked=True, no_key=True, of=("self",))
        resending = rows.filter(pk=pk).first()
        if resending is None:
            return False
        more = chosen.send_some(resending)
        if not more and resending.kind == ResendingKind.RECOVERY:
            more = missed.tell_some(
                resending, Endpoint.objects.without_secrets().get(pk=resending.endpoint_id)
            )
        _write(resending, more=more)
        transaction.on_commit(hints.send_soon, robust=True)
    return more


def _write(resending: Resending, *, more: bool) -> None:
    resending.state = ResendingState.RUNNING if more else ResendingState.COMPLETED
    resending.started_at = resending.started_at or Now()
    resending.ended_at = None if more else Now()
    resending.failures = 0
    resending.save(
        update_fields=[
            "delivery_cursor",
            "event_cursor",
            "sent",
            "made",
            "state",
            "started_at",
            "ended_at",
            "failures",
        ]
    )


def _note_failure(pk: int, error: Exception) -> None:
    with transaction.atomic():
        resending = Resending.objects.under_way().select_for_update(no_key=True).filter(pk=pk).first()
        if resending is None:
            return
        resending.failures += 1
        resending.error = str(error).partition("\n")[0].replace("\x00", "")[:MAX_ERROR]
        if resending.failures >= MOST_FAILURES:
            resending.state, resending.ended_at = ResendingState.FAILED, Now()
        resending.save(update_fields=["failures", "error", "state", "ended_at"])
