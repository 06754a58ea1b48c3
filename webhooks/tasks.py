"""Celery's part: beat sends these by their names; the rows decide."""

from __future__ import annotations

import threading
from functools import cache
from typing import TYPE_CHECKING, Any

import structlog
from celery import shared_task
from celery.signals import worker_process_shutdown, worker_shutdown

from commandcenter import loading
from jobs.fleet.workers import is_drained
from webhooks import hints, retention, rotation
from webhooks.bulk import stepping, waking
from webhooks.inbound import retention as inbound_retention
from webhooks.noticing import mailing, making
from webhooks.sending.claim import allowed_in
from webhooks.sending.letter import MOST_SECONDS
from webhooks.sending.lost import set_right
from webhooks.sending.recording import Recorded

if TYPE_CHECKING:
    from webhooks.sending.drain import Sender

SWEEP_SECONDS = 5.0  # between two of beat's drains
TURN_SECONDS = 10.0  # then others of the queue have theirs
END_SECONDS = MOST_SECONDS + 5.0  # until all that is in flight has ended
RESEND_SECONDS = 10.0  # then others of the queue have their turn
MAIL_SECONDS = 40.0  # no mail is begun after that
# One turn at a time in a process: another would only share its places.
_turn = threading.Lock()

log = structlog.get_logger(__name__)


@cache
def _sender() -> Sender:
    """Return the sender of this process: every worker knows this task, and only one of them loads an HTTP client."""
    from webhooks.sending.drain import Sender

    loading.end()  # no collection looks through the client again
    return Sender()


@shared_task(name=hints.DRAIN, ignore_result=True, soft_time_limit=110, time_limit=120)
def drain_webhooks() -> None:
    """Send what is due. Beat sends this every 5 seconds, and so does whatever makes a delivery due."""
    if not _turn.acquire(blocking=False):
        return
    try:
        sender = _sender()
        done, more = sender.turn(TURN_SECONDS)
        if not more and (seconds := allowed_in(SWEEP_SECONDS)) is not None:
            hints.send_after(seconds)
        goes_on = hints.send_soon() if more else True
        # Where no turn would come to write down what is in flight:
        if sender.out and (not goes_on or is_drained()):
            done.add(sender.finish(END_SECONDS))
    finally:
        _turn.release()
    _log(done)


@worker_process_shutdown.connect(dispatch_uid="webhooks.tasks.end")
@worker_shutdown.connect(dispatch_uid="webhooks.tasks.end")
def _end(**_: Any) -> None:
    """Let what is in flight end with the process that sent it."""
    if _sender.cache_info().currsize and _turn.acquire(blocking=False):
        try:
            _log(_sender().finish(END_SECONDS))
        finally:
            _turn.release()


def _log(done: Recorded) -> None:
    if done.succeeded or done.failed:
        log.info(
            "webhooks sent",
            action="deliver",
            succeeded=done.succeeded,
            failed=done.failed,
            exhausted=done.exhausted,
            disabled=done.disabled,
        )


@shared_task(name=waking.RESEND, ignore_result=True, soft_time_limit=110, time_limit=120)
def resend_deliveries() -> None:
    """Go on with what operators asked to be sent again. Beat sends this every minute, and so does who asks."""
    if stepping.work(RESEND_SECONDS):
        waking.resend_soon()


@shared_task(name="webhooks.prune", ignore_result=True, soft_time_limit=50, time_limit=60)
def prune_messages() -> None:
    """Forget old messages, old sums of statistics, and what arrived. Beat sends this every hour."""
    set_right()
    retention.forget_hours()
    retention.prune_notices()
    rotation.forget_previous_secrets()
    retention.forget_resendings()
    removed, received = retention.prune(), inbound_retention.prune()
    if removed or received:
        log.info("messages pruned", action="prune", removed=removed, received=received)


@shared_task(name="webhooks.notice", ignore_result=True, soft_time_limit=110, time_limit=120)
def notice_failing() -> None:
    """Tell people of endpoints that fail. Beat sends this every 5 minutes."""
    made = making.make_due()
    if made:
        log.info("failing endpoints told", action="notice", notices=made)
    mailing.mail_due(MAIL_SECONDS)
