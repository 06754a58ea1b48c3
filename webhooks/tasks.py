"""Celery's part: beat sends these by their names; the rows decide."""

from __future__ import annotations

import threading

import structlog
from celery import shared_task

from webhooks import hints, retention
from webhooks.bulk import stepping, waking
from webhooks.inbound import retention as inbound_retention
from webhooks.noticing import mailing, making
from webhooks.sending.claim import allowed_in
from webhooks.sending.drain import drain
from webhooks.sending.lost import set_right

SWEEP_SECONDS = 5.0  # between two of beat's drains
DRAIN_SECONDS = 10.0  # then others of the queue have their turn
RESEND_SECONDS = 10.0  # likewise
MAIL_SECONDS = 40.0  # no mail is begun after that
# One at a time in a process: another would only share its places.
_draining = threading.Lock()

log = structlog.get_logger(__name__)


@shared_task(name=hints.DRAIN, ignore_result=True, soft_time_limit=110, time_limit=120)
def drain_webhooks() -> None:
    """Send what is due. Beat sends this every 5 seconds, and so does whatever makes a delivery due."""
    if not _draining.acquire(blocking=False):
        return
    try:
        done, more = drain(DRAIN_SECONDS)
    finally:
        _draining.release()
    if done.succeeded or done.failed:
        log.info(
            "webhooks sent",
            action="deliver",
            succeeded=done.succeeded,
            failed=done.failed,
            exhausted=done.exhausted,
            disabled=done.disabled,
        )
    if more:
        hints.send_soon()
    elif (seconds := allowed_in(SWEEP_SECONDS)) is not None:
        hints.send_after(seconds)


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
    retention.forget_previous_secrets()
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
